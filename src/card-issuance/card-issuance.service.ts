import { Injectable, Logger, OnModuleInit } from '@nestjs/common';
import { CardholdersService } from '../cardholders/cardholders.service';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { Events } from '../platform/events/events.service';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { newId } from '../shared/ids';
import { Currency, money } from '../shared/money';
import { checkTransitions, isLegalMove } from '../shared/transitions';
import type { SettledStripeCall } from '../stripe/stripe-call.types';
import { StripeCallsService } from '../stripe/stripe-calls.service';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import type { StripeCard } from '../stripe/stripe.types';
import {
  CardAmountTooLarge,
  CardExpiryTooFar,
  CardholderNotReady,
  CardNotFound,
  CardNotFreezable,
  CardNotReplaceable,
  CardNotUnfreezable,
  EarlierCardStillLive,
  InvalidControls,
} from './card.errors';
import { CardEntity } from './card.entity';
import { CardCanceled, CardIssuanceFailed, CardIssued, CardReplacementRequested } from './card.events';
import { cardCreateParams, cardExpiry, controlErrors } from './card.policy';
import { cardTransitions } from './card.transitions';
import { Card, CardControls, CardOrder, CardStatus, liveCardStatuses, ReplacementGuard } from './card.types';
import { CardFilter, CardIssuanceRepository } from './card-issuance.repository';

const checksPerRound = 100;
const replacedReason = 'replaced';

/** Single-use virtual cards: issued for a payout, frozen, replaced, canceled. At most one of a payout's cards is alive at any time. */
@Injectable()
export class CardIssuanceService implements OnModuleInit {
  private readonly logger = new Logger('card-issuance');
  private readonly replacementGuards: ReplacementGuard[] = [];

  constructor(
    private readonly repository: CardIssuanceRepository,
    private readonly database: Database,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly cardholders: CardholdersService,
    private readonly stripeCalls: StripeCallsService,
    private readonly gateway: StripeGateway,
    private readonly events: Events,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  onModuleInit(): void {
    checkTransitions(cardTransitions, 'requested');
  }

  /** Controls that Stripe would refuse are refused here, each with its pointer. @throws {InvalidControls} */
  validateControls(controls: CardControls): void {
    const errors = controlErrors(controls);
    if (errors.length > 0) throw new InvalidControls(errors);
  }

  /** @throws {CardAmountTooLarge} when one authorization could never be that much */
  validateAmount(amountMinor: bigint, currency: Currency): void {
    const most = this.config.payoutAmountMinorMax;
    if (amountMinor > most) throw new CardAmountTooLarge(money(most, currency));
  }

  /**
   * Orders the payout's card: the row and the call that makes it, in the caller's transaction. Ends in CardIssued or
   * CardIssuanceFailed (in CardCanceled when it is canceled meanwhile). Ordered twice, the live card is answered again.
   * @returns the card's id
   * @throws {EarlierCardStillLive} while an earlier card of the payout is still being canceled; try again after its CardCanceled
   * @throws {CardholderNotReady} {InvalidControls} {CardAmountTooLarge} {CardExpiryTooFar}
   */
  async issue(tx: Tx, order: CardOrder): Promise<string> {
    this.validateControls(order.controls);
    this.validateAmount(order.amountMinor, order.currency);
    const now = this.clock.now();
    const expiry = cardExpiry(order.expiresAt, now);
    if (!expiry) throw new CardExpiryTooFar();
    const { stripeCardholderId } = await this.cardholders.get(order.cardholderId, tx);
    const { stripeAccountId } = await this.connectedAccounts.get(order.connectedAccountId, tx);
    if (stripeCardholderId === null || stripeAccountId === null) throw new CardholderNotReady(order.cardholderId);

    const row: CardEntity = { ...blankRow(now), ...columnsFrom(order), ...expiry };
    if (!(await this.repository.insert(tx, row))) return this.answerLiveCard(tx, order.payoutId);
    await this.stripeCalls.intend(tx, {
      kind: 'card.create',
      reference: row.id,
      connectedAccountId: order.connectedAccountId,
      payoutId: order.payoutId,
      stripeAccount: stripeAccountId,
      lane: laneOf(row.id),
      params: cardCreateParams({ ...order, id: row.id, stripeCardholderId, expiry }),
    });
    return row.id;
  }

  /**
   * Ends a card for good. Locked for our own decisions from the commit on; CardCanceled tells when Stripe has confirmed it, or when
   * it turns out that the card was never made. A card that is still being made is canceled as soon as it exists. Nothing happens
   * (and nothing is announced) when it is dead already: see the answer's `status`.
   * @throws {CardNotFound}
   */
  async cancel(tx: Tx, cardId: string, reason: string): Promise<Card> {
    const row = await this.lock(tx, cardId);
    if (!isLive(row.status)) return toCard(row);
    if (row.cancelRequestedAt !== null) {
      return toCard(row);
    }
    return toCard(await this.requestCancel(tx, row, reason));
  }

  /** Locks the card for our own decisions at once and makes it inactive at Stripe. @throws {CardNotFound} {CardNotFreezable} */
  async freeze(tx: Tx, cardId: string): Promise<Card> {
    const row = await this.lock(tx, cardId);
    if (!isLive(row.status)) throw new CardNotFreezable(row);
    if (row.frozen) return toCard(row);
    const frozen = await this.change(tx, row, { frozen: true });
    await this.askForUse(tx, frozen);
    return toCard(frozen);
  }

  /** At Stripe it stays inactive while its seller is suspended. @throws {CardNotFound} {CardNotUnfreezable} */
  async unfreeze(tx: Tx, cardId: string): Promise<Card> {
    const row = await this.lock(tx, cardId);
    if (!isLive(row.status)) throw new CardNotUnfreezable(row, `it is ${row.status}`);
    if (row.cancelRequestedAt !== null) throw new CardNotUnfreezable(row, 'it is being canceled');
    if (!row.frozen) return toCard(row);
    const thawed = await this.change(tx, row, { frozen: false });
    await this.askForUse(tx, thawed);
    return toCard(thawed);
  }

  /**
   * Carries a seller's kill switch to Stripe, card by card: what is inactive there is declined even when Stripe decides without us. Taken
   * back, every card is active again but those frozen by hand. Run twice or late, it asks for what is so by then.
   */
  async followSuspension(connectedAccountId: string): Promise<void> {
    for (;;) {
      const { isSuspended } = await this.connectedAccounts.get(connectedAccountId);
      const reader = this.database.reader;
      const ids = await this.repository.listToAskFor(reader, connectedAccountId, isSuspended, checksPerRound);
      if (ids.length === 0) return;
      for (const id of ids) {
        await this.database.transaction(async (tx) => {
          const row = await this.lock(tx, id);
          if (isLive(row.status) && row.cancelRequestedAt === null) await this.askForUse(tx, row);
        });
      }
    }
  }

  /**
   * Ends this card so that its payout gets a new one: two never live, so the new one is ordered when CardCanceled was announced.
   * For a card that is dead already, CardReplacementRequested is announced instead. The new card is issued without
   * `replacement_for`: Stripe's spending limits would follow the chain.
   * @throws {CardNotFound} {CardNotReplaceable} and whatever a registered guard throws
   */
  async replace(tx: Tx, cardId: string): Promise<Card> {
    // The guards lock what the card is for, and everyone locks that before the card.
    const card = await this.get(cardId, tx);
    for (const guard of this.replacementGuards) await guard(tx, card);
    const row = await this.lock(tx, cardId);
    if (row.status === 'requested') throw new CardNotReplaceable(cardId, 'it is still being made');
    if (row.status === 'failed') throw new CardNotReplaceable(cardId, 'Stripe refused to make it');
    const newest = await this.repository.findNewestOfPayout(tx, row.payoutId);
    if (newest?.id !== cardId) throw new CardNotReplaceable(cardId, 'its payout has a newer card');
    if (row.status === 'canceled') {
      await this.events.announce(tx, new CardReplacementRequested(row.payoutId, row.id));
      return toCard(row);
    }
    if (row.cancelRequestedAt === null) return toCard(await this.requestCancel(tx, row, replacedReason));
    if (row.cancelReason !== replacedReason) throw new CardNotReplaceable(cardId, 'it is being canceled');
    return toCard(row);
  }

  /** Whoever knows what cards are for says here when one may not be replaced. For modules above, at start. */
  guardReplacement(guard: ReplacementGuard): void {
    this.replacementGuards.push(guard);
  }

  /** @throws {CardNotFound} */
  async get(cardId: string, tx: Tx = this.database.reader): Promise<Card> {
    const row = await this.repository.find(tx, cardId);
    if (!row) throw new CardNotFound(cardId);
    return toCard(row);
  }

  /** The payout's newest card, dead or alive. */
  async findForPayout(tx: Tx, payoutId: string): Promise<Card | null> {
    const row = await this.repository.findNewestOfPayout(tx, payoutId);
    return row && toCard(row);
  }

  async findByStripeCardId(stripeCardId: string, tx: Tx = this.database.reader): Promise<Card | null> {
    const row = await this.repository.findByStripeCardId(tx, stripeCardId);
    return row && toCard(row);
  }

  /** Newest first, one more than the limit when there are more. */
  async list(filter: CardFilter): Promise<Card[]> {
    const rows = await this.repository.list(this.database.reader, filter);
    return rows.map(toCard);
  }

  /** Asks Stripe how the card stands and keeps the answer; a cancel that got lost is sent again. For events and for healing. */
  async refresh(cardId: string): Promise<void> {
    const card = await this.get(cardId);
    if (card.stripeCardId === null || !isLive(card.status)) return;
    const { stripeAccountId } = await this.connectedAccounts.get(card.connectedAccountId);
    if (stripeAccountId === null) return;
    const askedAt = this.clock.now();
    const stripeCard = await this.gateway.retrieveCard(stripeAccountId, card.stripeCardId);
    if (!stripeCard) {
      this.logger.warn({ card_id: cardId }, 'Stripe no longer shows us this card; it stays as we knew it.');
      return;
    }
    const calls = await this.stripeCalls.listFor(cardId);
    const isCallUnderway = calls.some((call) => ['intended', 'sent', 'unknown'].includes(call.status));
    await this.database.transaction(async (tx) => {
      const row = await this.keep(tx, cardId, stripeCard, askedAt);
      if (row?.cancelRequestedAt && isLive(row.status) && !isCallUnderway) await this.intendStatus(tx, row, 'canceled');
    });
  }

  /** Enqueues a check of each card whose cancel is not confirmed for long. */
  async enqueueChecks(): Promise<void> {
    const overdue = await this.repository.listOverdueCancels(this.database.reader, this.clock.now(), checksPerRound);
    if (overdue.length === 0) return;
    await this.database.transaction(async (tx) => {
      for (const cardId of overdue) await this.jobs.enqueue(tx, 'check-card', { cardId }, { singletonKey: cardId });
    });
  }

  /** The outcome of the call that makes the card, in the transaction that stores it. */
  async settleCreate(tx: Tx, call: SettledStripeCall<'card.create'>): Promise<void> {
    const row = await this.repository.findForUpdate(tx, call.reference);
    // Unknown: the call is looked into further, and the card may exist; it stays requested until that is known.
    if (!row || row.status !== 'requested' || call.status === 'unknown') return;
    if (call.status === 'failed') {
      await this.change(tx, row, {
        status: 'failed',
        failureCode: call.failure.code,
        failureDetail: call.failure.detail,
      });
      await this.events.announce(
        tx,
        row.cancelRequestedAt === null
          ? new CardIssuanceFailed(row.payoutId, row.id, call.failure.code, call.failure.detail)
          : new CardCanceled(row.payoutId, row.id, true),
      );
      return;
    }

    const made = await this.change(tx, row, {
      ...columnsFromStripe(call.result),
      stripeCardId: call.result.stripeCardId,
    });
    if (made.status === 'canceled') await this.announceDeath(tx, made);
    else if (made.cancelRequestedAt !== null) await this.intendStatus(tx, made, 'canceled');
    else {
      await this.events.announce(tx, new CardIssued(made.payoutId, made.id));
      await this.askForUse(tx, made);
    }
    // A repeated call is answered as the first time; what happened to the card since is not in it.
    if (call.attempts > 1) await this.jobs.enqueue(tx, 'check-card', { cardId: row.id }, { singletonKey: row.id });
  }

  /** The outcome of a freeze, unfreeze or cancel, in the transaction that stores it. */
  async settleUpdate(tx: Tx, call: SettledStripeCall<'card.update'>): Promise<void> {
    if (call.status === 'unknown') return;
    if (call.status === 'done') await this.keep(tx, call.reference, call.result, this.clock.now());
    else {
      const row = await this.repository.findForUpdate(tx, call.reference);
      if (!row) return;
      await this.change(tx, row, { failureCode: call.failure.code, failureDetail: call.failure.detail });
    }
    // The answer is as old as the call. Canceled is for good; anything else may have changed since, and is looked at once more.
    if (call.result?.status !== 'canceled') {
      await this.jobs.enqueue(tx, 'check-card', { cardId: call.reference }, { singletonKey: call.reference });
    }
  }

  private async keep(tx: Tx, cardId: string, stripeCard: StripeCard, askedAt: Date): Promise<CardEntity | null> {
    const row = await this.repository.findForUpdate(tx, cardId);
    if (!row || !isLive(row.status)) return row;
    const { status, ...rest } = columnsFromStripe(stripeCard);
    // Of two answers on their way at once, the one asked for later is the newer truth; but canceled is for good.
    if (status !== 'canceled' && row.stripeCheckedAt !== null && row.stripeCheckedAt > askedAt) return row;
    if (status === row.status) {
      await this.repository.update(tx, cardId, { stripeCheckedAt: askedAt });
      return row;
    }
    if (!isLegalMove(cardTransitions, row.status, status)) return row;
    const changed = await this.change(tx, row, {
      ...rest,
      status,
      failureCode: null,
      failureDetail: null,
      stripeCheckedAt: askedAt,
    });
    if (status === 'canceled') await this.announceDeath(tx, changed);
    return changed;
  }

  private async announceDeath(tx: Tx, row: CardEntity): Promise<void> {
    await this.events.announce(tx, new CardCanceled(row.payoutId, row.id, row.cancelRequestedAt !== null));
  }

  private async requestCancel(tx: Tx, row: CardEntity, reason: string): Promise<CardEntity> {
    const changed = await this.change(tx, row, {
      cancelRequestedAt: this.clock.now(),
      cancelReason: reason,
      // Our decision declines it from now on, however long Stripe takes.
      frozen: true,
    });
    await this.intendStatus(tx, changed, 'canceled');
    return changed;
  }

  /** Inactive while it is frozen or its seller suspended; asked for only where that is something else than what we asked for last. */
  private async askForUse(tx: Tx, row: CardEntity): Promise<void> {
    if (row.stripeCardId === null) return;
    // Held, so that a switch which is thrown meanwhile comes after this and finds the card.
    const { isSuspended } = await this.connectedAccounts.getForShare(tx, row.connectedAccountId);
    const askedInactive = row.frozen || isSuspended;
    if (askedInactive === row.askedInactive) return;
    await this.repository.update(tx, row.id, { askedInactive });
    await this.intendStatus(tx, row, askedInactive ? 'inactive' : 'active');
  }

  // A card that Stripe has not made yet gets its status when it exists (settleCreate).
  private async intendStatus(tx: Tx, row: CardEntity, status: 'active' | 'inactive' | 'canceled'): Promise<void> {
    if (row.stripeCardId === null) return;
    const { stripeAccountId } = await this.connectedAccounts.get(row.connectedAccountId, tx);
    if (stripeAccountId === null) throw new Error(`Card ${row.id} exists at Stripe, its account does not.`);
    await this.stripeCalls.intend(tx, {
      kind: 'card.update',
      reference: row.id,
      connectedAccountId: row.connectedAccountId,
      payoutId: row.payoutId,
      stripeAccount: stripeAccountId,
      // One after the other, or a late freeze would overtake an unfreeze.
      lane: laneOf(row.id),
      params: { id: row.stripeCardId, status },
    });
  }

  private async answerLiveCard(tx: Tx, payoutId: string): Promise<string> {
    const live = await this.repository.findLiveOfPayout(tx, payoutId);
    if (live && live.cancelRequestedAt === null) return live.id;
    throw new EarlierCardStillLive(live?.id ?? 'unknown');
  }

  private async lock(tx: Tx, cardId: string): Promise<CardEntity> {
    const row = await this.repository.findForUpdate(tx, cardId);
    if (!row) throw new CardNotFound(cardId);
    return row;
  }

  private async change(tx: Tx, row: CardEntity, changes: Partial<CardEntity>): Promise<CardEntity> {
    const updatedAt = this.clock.now();
    await this.repository.update(tx, row.id, { ...changes, updatedAt });
    return { ...row, ...changes, updatedAt };
  }
}

function isLive(status: CardStatus): boolean {
  return liveCardStatuses.includes(status);
}

function laneOf(cardId: string): string {
  return `card:${cardId}`;
}

function blankRow(now: Date) {
  return {
    id: newId('card'),
    stripeCardId: null,
    last4: null,
    brand: null,
    status: 'requested' as CardStatus,
    frozen: false,
    askedInactive: false,
    cancelRequestedAt: null,
    cancelReason: null,
    failureCode: null,
    failureDetail: null,
    stripeCheckedAt: null,
    createdAt: now,
    updatedAt: now,
  };
}

function columnsFrom({ controls, ...order }: CardOrder) {
  return {
    payoutId: order.payoutId,
    connectedAccountId: order.connectedAccountId,
    cardholderId: order.cardholderId,
    amountMinor: order.amountMinor,
    currency: order.currency,
    amountMatch: controls.amount_match ?? ('up_to' as const),
    allowedCategories: [...(controls.allowed_categories ?? [])],
    blockedCategories: [...(controls.blocked_categories ?? [])],
    allowedMerchantCountries: [...(controls.allowed_merchant_countries ?? [])],
    blockedMerchantCountries: [...(controls.blocked_merchant_countries ?? [])],
  };
}

function columnsFromStripe(card: StripeCard) {
  return {
    last4: card.last4,
    brand: card.brand,
    expMonth: card.expMonth,
    expYear: card.expYear,
    status: toCardStatus(card.status),
  };
}

// A word Stripe adds later means "not usable" until somebody has read what it means.
function toCardStatus(status: string): 'active' | 'inactive' | 'canceled' {
  return status === 'active' || status === 'canceled' ? status : 'inactive';
}

function toCard(row: CardEntity): Card {
  return {
    id: row.id,
    payoutId: row.payoutId,
    connectedAccountId: row.connectedAccountId,
    cardholderId: row.cardholderId,
    stripeCardId: row.stripeCardId,
    last4: row.last4,
    brand: row.brand,
    expMonth: row.expMonth,
    expYear: row.expYear,
    status: row.status,
    frozen: row.frozen,
    cancelRequestedAt: row.cancelRequestedAt,
    cancelReason: row.cancelReason,
    amountMinor: row.amountMinor,
    currency: row.currency,
    controls: {
      allowed_categories: row.allowedCategories,
      blocked_categories: row.blockedCategories,
      allowed_merchant_countries: row.allowedMerchantCountries,
      blocked_merchant_countries: row.blockedMerchantCountries,
      amount_match: row.amountMatch,
    },
    failure: row.failureCode === null ? null : { code: row.failureCode, detail: row.failureDetail ?? '' },
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
