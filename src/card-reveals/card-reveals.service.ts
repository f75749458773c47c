import { Injectable } from '@nestjs/common';
import { calculateJwkThumbprint, importJWK } from 'jose';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { PayoutsService } from '../payouts/payouts.service';
import { AuditLog } from '../platform/audit-log/audit-log.service';
import { Config } from '../platform/config/config';
import { Database } from '../platform/database/database';
import { RateLimited } from '../platform/http/http.errors';
import type { MarkedRequest } from '../platform/http/request.types';
import { RateLimitsService } from '../platform/rate-limits/rate-limits.service';
import { RecipientKey, StripeCardReveal } from '../stripe/stripe-card-reveal';
import { CardNotRevealable, CardRevealDisabled, RecipientKeyRefused } from './card-reveal.errors';
import { chooseRecipientKey, GivenKey } from './recipient-key.policy';

const limitName = 'card-reveals';
const windowSeconds = 3_600;

/**
 * Shows a card to a backend that is itself in the PCI scope: as ciphertext that only the backend's key opens. Nothing of it is kept, not
 * for a repeated request either: asking twice asks Stripe twice.
 */
@Injectable()
export class CardRevealsService {
  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly rateLimits: RateLimitsService,
    private readonly auditLog: AuditLog,
    private readonly cardIssuance: CardIssuanceService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly payouts: PayoutsService,
    private readonly stripeCards: StripeCardReveal,
  ) {}

  /** @throws {CardRevealDisabled | RecipientKeyRefused | CardNotFound | CardNotRevealable | RateLimited | StripeUnavailable} */
  async reveal(request: MarkedRequest, cardId: string, jwk: GivenKey): Promise<string> {
    if (!this.config.isPciRevealEnabled) throw new CardRevealDisabled();
    const { recipient, thumbprint } = await toRecipient(jwk);
    const card = await this.cardIssuance.get(cardId);
    const { stripeAccountId } = await this.connectedAccounts.get(card.connectedAccountId);
    const isAlive = card.status === 'active' || card.status === 'inactive';
    if (!isAlive || card.stripeCardId === null || stripeAccountId === null) throw new CardNotRevealable(card);
    await this.limit(request);
    // Written down before it is done: there is no reveal without its entry, and one too many where Stripe then fails.
    await this.database.transaction(async (tx) => {
      await this.auditLog.recordIntent(tx, request, { recipient_key: thumbprint });
      await this.payouts.note(tx, card.payoutId, 'card.revealed', {
        card: card.id,
        api_key: request.apiKey?.id ?? null,
        recipient_key: thumbprint,
      });
    });
    const jwe = await this.stripeCards.seal(stripeAccountId, card.stripeCardId, recipient);
    if (jwe === null) throw new CardNotRevealable(card);
    return jwe;
  }

  private async limit(request: MarkedRequest): Promise<void> {
    const limit = { name: limitName, points: this.config.pciRevealsPerHour, windowSeconds };
    const { isAllowed, resetSeconds } = await this.rateLimits.consume(limit, request.apiKey?.familyId ?? 'nobody');
    if (!isAllowed) throw new RateLimited(limitName, resetSeconds);
  }
}

async function toRecipient(jwk: GivenKey): Promise<{ recipient: RecipientKey; thumbprint: string }> {
  const choice = chooseRecipientKey(jwk);
  if ('errors' in choice) throw new RecipientKeyRefused(choice.errors);
  const { algorithm, publicMembers } = choice;
  try {
    const key = await importJWK(publicMembers, algorithm);
    if (key instanceof Uint8Array) throw new TypeError('A symmetric key is no public key.');
    const keyId = typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined;
    return { recipient: { key, algorithm, keyId }, thumbprint: await calculateJwkThumbprint(publicMembers) };
  } catch {
    // A point that is not on its curve, say.
    throw new RecipientKeyRefused([{ pointer: '', detail: 'is not a valid key', code: 'malformed_key' }]);
  }
}
