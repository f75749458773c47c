import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { AuthorizationsService } from '../authorizations/authorizations.service';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { HeldCardLink, Visitor } from '../card-links/card-link.types';
import { CardLinksService } from '../card-links/card-links.service';
import { Locale } from '../card-page-texts/card-page-text.types';
import { CardTransactionsService } from '../card-transactions/card-transactions.service';
import { CardholdersService } from '../cardholders/cardholders.service';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { LedgerService } from '../ledger/ledger.service';
import { PayoutsService } from '../payouts/payouts.service';
import { Config } from '../platform/config/config';
import { Database } from '../platform/database/database';
import { KeyedHashes } from '../platform/encryption/keyed-hash.service';
import { customerOf } from '../platform/http/client-address';
import { RateLimitsService } from '../platform/rate-limits/rate-limits.service';
import { Clock } from '../shared/clock';
import { money } from '../shared/money';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeRefused, StripeUnavailable } from '../stripe/stripe.errors';
import {
  declineOf,
  eventsOf,
  isPersonal,
  isUsable,
  pageAgeMsMax,
  pageAgeMsMin,
  phoneEnding,
  readRevealRequest,
  spentMinor,
  stateOf,
  versionOf,
} from './card-page.policy';
import { CardPage, Face, RevealAnswer } from './card-page.types';
import { PageVisits, VisitCookies } from './page-visits.service';

/** A request for a page, as far as it matters who makes it. */
export type Visit = Readonly<{ token: string; visitor: Visitor; cookies: VisitCookies }>;

/** What to show, and in which language the cardholder likes to be spoken to. */
export type Sight = Readonly<{ face: Face; preferred: Locale | null }>;

/** More than one purchase with its probes and refunds ever makes. */
const factsMax = 50;
const gone: Sight = { face: { face: 'gone' }, preferred: null };

/**
 * The seller's page: who sees what of a card, and when Stripe's frames may draw its number. Looking changes nothing; only a person's
 * request to see the card does, and it is recorded before it is granted.
 */
@Injectable()
export class CardPagesService {
  private readonly logger = new Logger('card-pages');

  constructor(
    private readonly cardLinks: CardLinksService,
    private readonly authorizations: AuthorizationsService,
    private readonly cardTransactions: CardTransactionsService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly cardholders: CardholdersService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly ledger: LedgerService,
    private readonly payouts: PayoutsService,
    private readonly stripe: StripeGateway,
    private readonly rateLimits: RateLimitsService,
    private readonly keyedHashes: KeyedHashes,
    private readonly visits: PageVisits,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** Counts a request against its address and its link. Undefined: go on; otherwise the seconds to wait. */
  async limit(token: string, address: string): Promise<number | undefined> {
    const ofAddress = { name: 'card-page-address', points: this.config.cardPageRequestsPerMinute, windowSeconds: 60 };
    const ofLink = { name: 'card-page-link', points: this.config.cardLinkRequestsPerMinute, windowSeconds: 60 };
    // Neither is kept readable. What was never a link is counted like one.
    const verdicts = [
      await this.rateLimits.consume(ofAddress, this.keyedHashes.make('card-page-address', customerOf(address))),
      await this.rateLimits.consume(ofLink, createHash('sha256').update(token).digest('base64url')),
    ];
    const refusals = verdicts.filter((verdict) => !verdict.isAllowed);
    return refusals.length === 0 ? undefined : Math.max(...refusals.map((verdict) => verdict.resetSeconds));
  }

  /** What this visitor sees. Reads, and nothing else. */
  async look({ token, visitor, cookies }: Visit): Promise<Sight> {
    const link = await this.cardLinks.find(token);
    if (!link) return gone;
    const isMine = cookies.browser !== null && link.isBoundTo(visitor.browser);
    if (link.status !== 'active') {
      // Who showed the card here before may know what became of the link; to everybody else it never was.
      return isMine ? { face: { face: 'ended', because: link.status }, preferred: await this.preferredOf(link) } : gone;
    }
    if (!isMine && !this.visits.hasProof(cookies, link.id)) {
      const preferred = await this.preferredOf(link);
      if (link.requiresPasscode) {
        return { face: { face: 'passcode', problem: null, isMove: link.isBound }, preferred };
      }
      if (link.isBound) return { face: { face: 'elsewhere' }, preferred };
    }
    const { page, preferred } = await this.read(link);
    return { face: { face: 'card', page, version: versionOf(page) }, preferred };
  }

  /** A browser runs the page and says so. Only what our own page sends counts. */
  async countView(visit: Visit, pageToken: unknown): Promise<void> {
    const { token, visitor } = visit;
    const age = this.visits.ageOf(pageToken, visitor.browser, token);
    if (age === null || age > pageAgeMsMax) return;
    const link = await this.cardLinks.find(token);
    if (link?.status === 'active') await this.cardLinks.countView(link, visitor);
  }

  /** The passcode's form. A right one answers with the proof that the browser is to keep. */
  async enter(visit: Visit, passcode: unknown, pageToken: unknown): Promise<Sight & { proofCookie?: string }> {
    const { token, visitor } = visit;
    const link = await this.cardLinks.find(token);
    const sight = await this.look(visit);
    if (!link || sight.face.face !== 'passcode') return sight;
    const again = (problem: 'wrong' | 'not_six_digits' | 'stale'): Sight => ({
      face: { face: 'passcode', problem, isMove: link.isBound },
      preferred: sight.preferred,
    });
    const age = this.visits.ageOf(pageToken, visitor.browser, token);
    if (age === null || age > pageAgeMsMax) return again('stale');
    const typed = typeof passcode === 'string' ? passcode.replaceAll(/[\s-]/g, '') : passcode;
    switch (await this.cardLinks.tryPasscode(link, typed, visitor)) {
      case 'no_try':
        return again('not_six_digits');
      case 'wrong':
        return again('wrong');
      case 'dead':
        return gone;
      case 'right':
        return { ...sight, proofCookie: this.visits.proofCookie(visitor.browser, link.id) };
    }
  }

  /**
   * Shows the card to a person: Stripe's key for this one browser's nonce, after the reveal is recorded and the link is the browser's.
   * The key is fetched before that, outside any transaction; what is not recorded is not handed out.
   */
  async reveal(visit: Visit, body: unknown): Promise<RevealAnswer> {
    const { token, visitor, cookies } = visit;
    const refused = (because: Extract<RevealAnswer, { isShown: false }>['because']): RevealAnswer => ({
      isShown: false,
      because,
    });
    const request = readRevealRequest(body);
    if (!request) return refused('not_a_person');
    if (this.cardLinks.isRobot(visitor)) return refused('robot');
    const age = this.visits.ageOf(request.pageToken, visitor.browser, token);
    if (cookies.browser === null || age === null || age > pageAgeMsMax) return refused('reload');
    if (age < pageAgeMsMin) return refused('not_a_person');

    const sight = await this.look(visit);
    const link = await this.cardLinks.find(token);
    if (!link || sight.face.face === 'gone') return refused('gone');
    if (sight.face.face !== 'card' || !sight.face.page.elements) return refused('reload');
    const { card: picture, elements } = sight.face.page;
    if (!isPersonal(request.gesture, picture?.last4 ?? null)) return refused('not_a_person');
    const limit = { name: 'card-reveals', points: this.config.cardRevealsPerHour, windowSeconds: 3_600 };
    const verdict = await this.rateLimits.consume(limit, link.id);
    if (!verdict.isAllowed) {
      return { isShown: false, because: 'too_often', retryAfterSeconds: verdict.resetSeconds };
    }

    const card = await this.cardIssuance.findForPayout(this.database.reader, link.payoutId);
    if (!card || card.stripeCardId !== elements.stripeCardId) return refused('reload');
    let ephemeralKeySecret: string;
    try {
      const { stripeAccount, stripeCardId } = elements;
      ({ secret: ephemeralKeySecret } = await this.stripe.createEphemeralKey({
        stripeAccount,
        stripeCardId,
        nonce: request.nonce,
      }));
    } catch (error) {
      if (!(error instanceof StripeUnavailable || error instanceof StripeRefused)) throw error;
      this.logger.warn({ err: error, card_link: link.id }, 'Stripe gave no key to show a card with.');
      return refused('unavailable');
    }
    const outcome = await this.cardLinks.recordReveal(link, card.id, visitor, this.visits.hasProof(cookies, link.id));
    return outcome === 'recorded' ? { isShown: true, ephemeralKeySecret } : refused('reload');
  }

  private async preferredOf(link: HeldCardLink): Promise<Locale | null> {
    const { cardholderId } = await this.payouts.get(link.payoutId);
    return (await this.cardholders.getWithProfile(cardholderId)).profile?.preferredLocale ?? null;
  }

  private async read(link: HeldCardLink): Promise<{ page: CardPage; preferred: Locale | null }> {
    const payout = await this.payouts.get(link.payoutId);
    const facts = { payoutId: payout.id, limit: factsMax };
    const [terms, account, card, { profile }, authorizations, transactions] = await Promise.all([
      this.ledger.findPayoutTerms(payout.id),
      this.connectedAccounts.get(payout.connectedAccountId),
      this.cardIssuance.findForPayout(this.database.reader, payout.id),
      this.cardholders.getWithProfile(payout.cardholderId),
      this.authorizations.list(facts),
      this.cardTransactions.list(facts),
    ]);
    const { currency, controls } = payout;
    const wasCharged = transactions.some(({ type }) => type === 'capture');
    const state = stateOf(payout, card, wasCharged, this.clock.now());
    const { stripePublishableKey: publishableKey } = this.config;
    const isShowable = state === 'ready' && card !== null && isUsable(card);
    const page: CardPage = {
      state,
      amount: money(payout.amountMinor, currency),
      left: money(['funding', 'making'].includes(state) ? payout.amountMinor : (terms?.owedMinor ?? 0n), currency),
      spent: money(spentMinor(transactions), currency),
      mustMatchExactly: controls.amount_match === 'exact',
      expiresAt: payout.expiresAt,
      card: card?.last4 && card.brand ? { brand: card.brand, last4: card.last4 } : null,
      elements:
        isShowable && publishableKey !== undefined && account.stripeAccountId !== null
          ? { publishableKey, stripeAccount: account.stripeAccountId, stripeCardId: card.stripeCardId! }
          : null,
      phoneEnding: phoneEnding(profile?.phoneNumber),
      controls: {
        allowedCategories: controls.allowed_categories ?? [],
        blockedCategories: controls.blocked_categories ?? [],
        allowedMerchantCountries: controls.allowed_merchant_countries ?? [],
        blockedMerchantCountries: controls.blocked_merchant_countries ?? [],
      },
      events: eventsOf(authorizations, transactions),
      decline: declineOf(authorizations),
    };
    return { page, preferred: profile?.preferredLocale ?? null };
  }
}
