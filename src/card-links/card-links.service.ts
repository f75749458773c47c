import { Injectable } from '@nestjs/common';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { LedgerService } from '../ledger/ledger.service';
import { PayoutsService } from '../payouts/payouts.service';
import { PayoutStatus } from '../payouts/payout.types';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { idPrefixes, newId } from '../shared/ids';
import { money } from '../shared/money';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { CardLinkRow } from './card-link.entity';
import { CardLinkNotFound, PayoutHasEnded } from './card-link.errors';
import { CardPage } from './card-link.page';
import {
  clientKind,
  hashPasscode,
  hashToken,
  isPasscodeShaped,
  isSameHash,
  linkLifetimeSecondsDefault,
  newPasscode,
  newSalt,
  newToken,
  statusOf,
} from './card-link.policy';
import { CardLink, MintedCardLink } from './card-link.types';
import { CardLinksRepository } from './card-links.repository';

/** What a visitor of a link gets to see. `nothing` is one answer for every reason. */
export type LinkVisit =
  | Readonly<{ show: 'nothing' }>
  | Readonly<{ show: 'passcode'; wasWrong: boolean; marketplaceName: string }>
  | Readonly<{ show: 'card'; page: CardPage }>;

export type MintRequest = Readonly<{ lifetimeSeconds?: number | undefined; requirePasscode?: boolean | undefined }>;

const ended: readonly PayoutStatus[] = ['expired', 'canceled', 'failed', 'closed'];
const unspent: readonly PayoutStatus[] = ['pending', 'funding', 'issuing', 'ready'];
const nothing: LinkVisit = { show: 'nothing' };

/** Links by which a seller sees their card. The token is told once and stored as a hash; so is the passcode. */
@Injectable()
export class CardLinksService {
  constructor(
    private readonly repository: CardLinksRepository,
    private readonly database: Database,
    private readonly payouts: PayoutsService,
    private readonly ledger: LedgerService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly outbox: OutboxService,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes the payout's link; the one before it dies in the same transaction. A payout that is still being funded gets one too: its page
   * says so. @throws {PayoutNotFound} {PayoutHasEnded}
   */
  async mint(tx: Tx, payoutId: string, request: MintRequest): Promise<MintedCardLink> {
    // Locked: of two requests at once, the later one's link lives.
    const payout = await this.payouts.lock(tx, payoutId);
    if (ended.includes(payout.status)) throw new PayoutHasEnded(payout);
    const now = this.clock.now();
    const token = newToken();
    const passcode = request.requirePasscode === true ? newPasscode() : undefined;
    const passcodeSalt = passcode === undefined ? null : newSalt();
    const row: CardLinkRow = {
      id: newId(idPrefixes.cardLink),
      connectedAccountId: payout.connectedAccountId,
      payoutId,
      tokenHash: hashToken(token)!,
      passcodeSalt,
      passcodeHash: passcode === undefined || passcodeSalt === null ? null : await hashPasscode(passcode, passcodeSalt),
      passcodeTries: 0,
      createdAt: now,
      expiresAt: new Date(now.getTime() + (request.lifetimeSeconds ?? linkLifetimeSecondsDefault) * 1_000),
      endedAt: null,
      endedBecause: null,
      views: 0,
      lastViewedAt: null,
      lastViewedWith: null,
    };
    await this.repository.endLive(tx, payoutId, 'replaced', now);
    await this.repository.insert(tx, row);
    await this.payouts.note(tx, payoutId, 'card_link.created', {
      card_link: row.id,
      expires_at: row.expiresAt.toISOString(),
      requires_passcode: passcode !== undefined,
    });
    return {
      ...toCardLink(row, now),
      url: `${this.config.publicUrl}/c/${token}`,
      ...(passcode === undefined ? {} : { passcode }),
    };
  }

  /** Newest first, one more than asked for. @throws {PayoutNotFound} */
  async list(payoutId: string, limit: number, startingAfter?: string): Promise<CardLink[]> {
    await this.payouts.get(payoutId);
    const now = this.clock.now();
    const rows = await this.repository.listForPayout(this.database.reader, payoutId, limit, startingAfter);
    return rows.map((row) => toCardLink(row, now));
  }

  /** Ends a link for good. A dead link stays as it died. @throws {CardLinkNotFound} */
  async revoke(tx: Tx, id: string): Promise<CardLink> {
    const now = this.clock.now();
    const isRevoked = await this.repository.end(tx, id, 'revoked', now);
    const row = await this.repository.find(tx, id);
    if (!row) throw new CardLinkNotFound(id);
    if (isRevoked) await this.payouts.note(tx, row.payoutId, 'card_link.revoked', { card_link: id });
    return toCardLink(row, now);
  }

  /** A look at the page: counted, coarsely, and nothing else changes. `isCounted` is false for HEAD. */
  async visit(token: string, userAgent: string | undefined, isCounted: boolean): Promise<LinkVisit> {
    const row = await this.findAlive(token);
    if (!row) return nothing;
    if (isCounted) {
      await this.repository.countView(this.database.reader, row.id, clientKind(userAgent), this.clock.now());
    }
    if (row.passcodeHash !== null) {
      return { show: 'passcode', wasWrong: false, marketplaceName: this.config.marketplaceName };
    }
    return this.showCard(row);
  }

  /** The form of a link with a passcode. What is not six digits is no try, so that a scripted empty form locks nobody out. */
  async enter(token: string, passcode: unknown): Promise<LinkVisit> {
    const row = await this.findAlive(token);
    if (!row) return nothing;
    if (row.passcodeHash === null || row.passcodeSalt === null) return this.showCard(row);
    const asked: LinkVisit = { show: 'passcode', wasWrong: false, marketplaceName: this.config.marketplaceName };
    if (!isPasscodeShaped(passcode)) return asked;

    const now = this.clock.now();
    if (!(await this.repository.takeTry(this.database.reader, row.id, now))) return nothing;
    if (isSameHash(await hashPasscode(passcode, row.passcodeSalt), row.passcodeHash)) {
      await this.repository.forgetTries(this.database.reader, row.id);
      return this.showCard(row);
    }
    const isLocked = await this.database.transaction(async (tx) => {
      if (!(await this.repository.lockIfSpent(tx, row.id, now))) return false;
      await this.payouts.note(tx, row.payoutId, 'card_link.locked', { card_link: row.id });
      await this.outbox.append(tx, {
        type: 'card_link.locked',
        connectedAccountId: row.connectedAccountId,
        payoutId: row.payoutId,
        data: { id: row.id, payout: row.payoutId, locked_at: now.toISOString() },
      });
      return true;
    });
    return isLocked ? nothing : { ...asked, wasWrong: true };
  }

  private async findAlive(token: string): Promise<CardLinkRow | null> {
    const tokenHash = hashToken(token);
    if (tokenHash === null) return null;
    const row = await this.repository.findByTokenHash(this.database.reader, tokenHash);
    return row && statusOf(row, this.clock.now()) === 'active' ? row : null;
  }

  private async showCard(row: CardLinkRow): Promise<LinkVisit> {
    const payout = await this.payouts.get(row.payoutId);
    const terms = await this.ledger.findPayoutTerms(payout.id);
    const account = await this.connectedAccounts.get(payout.connectedAccountId);
    const card = await this.cardIssuance.findForPayout(this.database.reader, payout.id);
    const { currency, controls } = payout;
    return {
      show: 'card',
      page: {
        marketplaceName: this.config.marketplaceName,
        status: payout.status,
        amount: money(payout.amountMinor, currency),
        left: money(unspent.includes(payout.status) ? (terms?.owedMinor ?? payout.amountMinor) : 0n, currency),
        held: money(terms?.heldMinor ?? 0n, currency),
        paid: money((terms?.paidMinor ?? 0n) + (terms?.overspentMinor ?? 0n), currency),
        mustMatchExactly: controls.amount_match === 'exact',
        expiresAt: payout.expiresAt,
        country: account.country,
        card:
          card === null || card.last4 === null || card.brand === null
            ? null
            : { brand: card.brand, last4: card.last4, expMonth: card.expMonth, expYear: card.expYear },
        controls: {
          allowedCategories: controls.allowed_categories ?? [],
          blockedCategories: controls.blocked_categories ?? [],
          allowedMerchantCountries: controls.allowed_merchant_countries ?? [],
          blockedMerchantCountries: controls.blocked_merchant_countries ?? [],
        },
      },
    };
  }
}

function toCardLink(row: CardLinkRow, now: Date): CardLink {
  return {
    id: row.id,
    payoutId: row.payoutId,
    status: statusOf(row, now),
    requiresPasscode: row.passcodeHash !== null,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    endedAt: row.endedAt,
    views: row.views,
    lastViewedAt: row.lastViewedAt,
    lastViewedWith: row.lastViewedWith,
  };
}
