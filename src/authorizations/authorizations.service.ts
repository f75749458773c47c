import { Injectable, Logger } from '@nestjs/common';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { Card } from '../card-issuance/card.types';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { EntryKind } from '../ledger/ledger.types';
import { PayoutsService } from '../payouts/payouts.service';
import { Database, Tx } from '../platform/database/database';
import { Metrics } from '../platform/metrics/metrics.service';
import { Events } from '../platform/events/events.service';
import { Clock } from '../shared/clock';
import { newId } from '../shared/ids';
import { majorUnitMinor, minMinor, money, toCurrency } from '../shared/money';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import type { StripeAuthorization, StripeBalanceTransaction } from '../stripe/stripe.types';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { OutgoingEventType } from '../webhook-outbox/outgoing-event.types';
import { AuthorizationRequestEntity } from './authorization-request.entity';
import { AuthorizationEntity } from './authorization.entity';
import { AuthorizationNotFound, AuthorizationNotReplayable } from './authorization.errors';
import { CardTransactionsSeen } from './authorization.events';
import {
  Authorization,
  AuthorizationReplay,
  AuthorizationRequest,
  AuthorizationStatus,
  authorizationStatuses,
} from './authorization.types';
import { AuthorizationFilter, AuthorizationsRepository } from './authorizations.repository';
import { freedOf, HoldPlan, isDeclinedByStripe, planHolds } from './hold-booking.policy';

/**
 * Keeps our holds equal to the network's: what Stripe recorded wins over what we answered. With the decision function, the only
 * writer of its tables.
 */
@Injectable()
export class AuthorizationsService {
  private readonly logger = new Logger('authorizations');
  private readonly differences;

  constructor(
    private readonly repository: AuthorizationsRepository,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly payouts: PayoutsService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly stripe: StripeGateway,
    private readonly outbox: OutboxService,
    private readonly events: Events,
    metrics: Metrics,
  ) {
    this.differences = metrics.counter(
      'disburse_authorization_differences_total',
      'Authorization requests that the network recorded otherwise than we answered.',
      ['difference'],
    );
  }

  /** @throws {AuthorizationNotFound} */
  async get(id: string): Promise<{ authorization: Authorization; requests: AuthorizationRequest[] }> {
    const authorization = await this.repository.find(this.database.reader, id);
    if (!authorization) throw new AuthorizationNotFound(id);
    const requests = await this.repository.listRequests(this.database.reader, id);
    return { authorization: toAuthorization(authorization), requests: requests.map(toRequest) };
  }

  /** Newest first, one more than the limit when there are more. */
  async list(filter: AuthorizationFilter): Promise<Authorization[]> {
    return (await this.repository.list(this.database.reader, filter)).map(toAuthorization);
  }

  /**
   * Decides the newest question of an authorization again, by today's rules on the inputs of then. Without effect.
   * @throws {AuthorizationNotFound} {AuthorizationNotReplayable}
   */
  async replay(id: string): Promise<AuthorizationReplay> {
    const { requests } = await this.get(id);
    const last = requests.findLast((request) => request.inputs !== null);
    if (!last?.inputs) throw new AuthorizationNotReplayable(id);
    const verdict = await this.repository.evaluate(this.database.reader, last.inputs);
    return {
      requestId: last.id,
      then: { approved: last.approved, reason: last.reason, verdict: last.inputs.verdict },
      now: { approved: verdict.approved, reason: verdict.reason, verdict },
    };
  }

  /** Ours of that Stripe id, if there is one. */
  async findByStripeId(tx: Tx, stripeAuthorizationId: string): Promise<Authorization | null> {
    const row = await this.repository.findByStripeId(tx, stripeAuthorizationId);
    return row && toAuthorization(row);
  }

  /**
   * Asks Stripe for the authorization and books what it says: holds, releases, outcome. Safe to repeat; does nothing for a card
   * that is not ours.
   */
  async sync(stripeAuthorizationId: string, stripeAccount: string | null): Promise<void> {
    const snapshot = await this.fetch(stripeAuthorizationId, stripeAccount);
    if (!snapshot) return;
    await this.database.transaction(async (tx) => {
      if (!(await this.leaveToCaptures(tx, snapshot))) await this.book(tx, snapshot);
    });
  }

  /**
   * What was captured is released together with the capture: released before, its money would look free to be reclaimed.
   * True when a card transaction is still to be booked; it was asked for, and books the authorization too.
   */
  private async leaveToCaptures(tx: Tx, snapshot: StripeAuthorization): Promise<boolean> {
    const row = await this.repository.findByStripeId(tx, snapshot.stripeAuthorizationId);
    if (snapshot.cardTransactionIds.length <= (row?.cardTransactionCount ?? 0)) return false;
    const card = await this.cardIssuance.findByStripeCardId(snapshot.stripeCardId, tx);
    if (!card) return false;
    const { stripeAccountId } = await this.connectedAccounts.get(card.connectedAccountId, tx);
    await this.events.announce(tx, new CardTransactionsSeen(stripeAccountId!, snapshot.stripeAuthorizationId));
    return true;
  }

  /** A card died at Stripe: perhaps because it was used, and the news of that are still on their way, or lost. */
  async syncCard(cardId: string): Promise<void> {
    const card = await this.cardIssuance.get(cardId);
    const { stripeAccountId } = await this.connectedAccounts.get(card.connectedAccountId);
    if (card.stripeCardId === null || stripeAccountId === null) return;
    for await (const { stripeAuthorizationId } of this.stripe.listAuthorizations(stripeAccountId, {
      stripeCardId: card.stripeCardId,
    })) {
      await this.sync(stripeAuthorizationId, stripeAccountId);
    }
  }

  /**
   * A payout got a card while the network already had a use of an earlier one: the payout had not heard of it when that card died.
   * It is in use all the same.
   * @throws while the payout is still about to become ready: ask again
   */
  async recallUse(payoutId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { status } = await this.payouts.lock(tx, payoutId);
      const use = await this.repository.findUseOfPayout(tx, payoutId);
      if (!use) return;
      if (status === 'issuing') throw new Error(`${payoutId} is in use, and its new card is not taken in yet.`);
      await this.payouts.authorizedByNetwork(tx, payoutId);
      if (use.status !== 'pending') await this.payouts.captured(tx, payoutId);
    });
  }

  /** Asks Stripe; null when it is not there, or not on an account of ours. For callers that then `book` in their own transaction. */
  async fetch(stripeAuthorizationId: string, stripeAccount: string | null): Promise<StripeAuthorization | null> {
    const account =
      stripeAccount ?? (await this.repository.findStripeAccountOf(this.database.reader, stripeAuthorizationId));
    if (account === null || !(await this.connectedAccounts.findByStripeAccountId(account))) {
      this.logger.log(
        { stripe_authorization_id: stripeAuthorizationId },
        'Ignored an authorization of an account that is not ours.',
      );
      return null;
    }
    return this.stripe.retrieveAuthorization(account, stripeAuthorizationId);
  }

  /**
   * Books a fetched authorization in the caller's transaction, the payout locked. Each hold and release of Stripe's ledger posts once.
   * Null: its card is not ours.
   */
  async book(tx: Tx, snapshot: StripeAuthorization): Promise<Authorization | null> {
    const card = await this.cardIssuance.findByStripeCardId(snapshot.stripeCardId, tx);
    if (!card) {
      this.logger.log(
        { stripe_authorization_id: snapshot.stripeAuthorizationId },
        'Ignored an authorization of a card that is not ours.',
      );
      return null;
    }
    await this.payouts.lock(tx, card.payoutId);
    const before = await this.repository.findByStripeId(tx, snapshot.stripeAuthorizationId);
    const row = before ?? (await this.insertUnseen(tx, card, snapshot));
    const booking = new Booking(row, snapshot, isNewer(row, snapshot));
    const matched = await this.ledger.findMatched(
      tx,
      row.connectedAccountId,
      snapshot.balanceTransactions.map((line) => line.balanceTransactionId),
    );
    const unexplained = snapshot.balanceTransactions.filter((line) => !matched.has(line.balanceTransactionId));

    await this.bookHolds(tx, booking, unexplained);
    const releasedMinor = await this.bookReleases(tx, booking, unexplained);
    const after = await this.keep(tx, booking);
    await this.tell(tx, { before, after, snapshot, releasedMinor });
    await this.movePayout(tx, row, after);
    return toAuthorization(after);
  }

  /** Stripe knows an authorization that we do not: it declined before asking, or decided without us. */
  private async insertUnseen(tx: Tx, card: Card, snapshot: StripeAuthorization): Promise<AuthorizationEntity> {
    const askedMinor = snapshot.requestHistory[0]?.amountMinor ?? snapshot.amountMinor;
    const row: AuthorizationEntity = {
      id: newId('auth'),
      stripeAuthorizationId: snapshot.stripeAuthorizationId,
      connectedAccountId: card.connectedAccountId,
      payoutId: card.payoutId,
      cardId: card.id,
      kind: askedMinor <= majorUnitMinor ? 'probe' : 'purchase',
      status: 'pending',
      approved: false,
      reason: 'pending',
      amountMinor: askedMinor,
      heldMinor: 0n,
      backedMinor: 0n,
      currency: toCurrency(snapshot.currency),
      merchantName: snapshot.merchant.name,
      merchantCategory: snapshot.merchant.category,
      merchantCategoryCode: snapshot.merchant.categoryCode,
      merchantCity: snapshot.merchant.city,
      merchantCountry: snapshot.merchant.country,
      merchantNetworkId: snapshot.merchant.networkId,
      merchantAmountMinor: snapshot.merchantAmountMinor,
      merchantCurrency: snapshot.merchantCurrency,
      authorizationMethod: snapshot.authorizationMethod,
      latencyMs: null,
      networkOutcome: null,
      networkReason: null,
      cardTransactionCount: 0,
      networkFacts: 0,
      createdAt: snapshot.createdAt,
      updatedAt: this.clock.now(),
      endedAt: null,
    };
    await this.repository.insert(tx, row);
    return row;
  }

  private async bookHolds(tx: Tx, booking: Booking, unexplained: readonly StripeBalanceTransaction[]): Promise<void> {
    const { row, snapshot } = booking;
    const requests = await this.repository.listRequests(tx, row.id);
    const plan = planHolds(requests, {
      status: snapshot.status,
      history: snapshot.requestHistory,
      unexplainedHolds: unexplained
        .filter((line) => line.type === 'issuing_authorization_hold')
        .map((line) => ({ balanceTransactionId: line.balanceTransactionId, amountMinor: -line.amountMinor })),
    });

    for (const outcome of plan.outcomes) {
      const request = requests.find((each) => each.id === outcome.requestId)!;
      if (outcome.difference && outcome.difference !== request.difference)
        this.differences.inc({ difference: outcome.difference });
      request.networkOutcome = outcome.outcome;
      request.networkReason = outcome.reason;
      request.difference = outcome.difference ?? request.difference;
      await this.repository.updateRequest(tx, request.id, {
        networkOutcome: request.networkOutcome,
        networkReason: request.networkReason,
        difference: request.difference,
      });
    }
    for (const unseen of plan.unseen) requests.push(await this.insertUnseenRequest(tx, booking, unseen));

    for (const link of plan.links) {
      await this.ledger.linkBalanceTransaction(tx, {
        connectedAccountId: row.connectedAccountId,
        balanceTransactionId: link.balanceTransactionId,
        kind: 'hold',
        sourceId: link.requestId,
      });
      await this.repository.updateRequest(tx, link.requestId, { balanceTransactionId: link.balanceTransactionId });
    }
    for (const requestId of plan.withdrawals) {
      await this.withdraw(
        tx,
        booking,
        requests.find((each) => each.id === requestId)!,
      );
    }
    for (const hold of plan.posts) {
      const line = unexplained.find((each) => each.balanceTransactionId === hold.balanceTransactionId)!;
      await this.postHold(
        tx,
        booking,
        line,
        requests.find((each) => each.sequence === hold.sequence),
      );
    }
  }

  private async insertUnseenRequest(
    tx: Tx,
    { row, snapshot }: Booking,
    unseen: HoldPlan['unseen'][number],
  ): Promise<AuthorizationRequestEntity> {
    const askedAt = snapshot.requestHistory[unseen.sequence]!.createdAt;
    const request: AuthorizationRequestEntity = {
      id: newId('authreq'),
      authorizationId: row.id,
      connectedAccountId: row.connectedAccountId,
      payoutId: row.payoutId,
      sequence: unseen.sequence,
      kind: unseen.sequence > 0 ? 'increment' : row.kind,
      stripeEventId: null,
      amountMinor: unseen.amountMinor,
      approvedMinor: unseen.approved ? unseen.amountMinor : 0n,
      approved: unseen.approved,
      reason: unseen.reason,
      inputs: null,
      latencyMs: null,
      stages: null,
      networkOutcome: unseen.approved ? 'approved' : 'declined',
      networkReason: snapshot.requestHistory[unseen.sequence]!.reason,
      difference: unseen.difference,
      heldMinor: 0n,
      backedMinor: 0n,
      balanceTransactionId: null,
      askedAt,
      createdAt: this.clock.now(),
    };
    await this.repository.insertRequest(tx, request);
    if (unseen.difference) this.differences.inc({ difference: unseen.difference });
    return request;
  }

  /** A hold of ours that Stripe never took: the money was free all along. */
  private async withdraw(tx: Tx, { row }: Booking, request: AuthorizationRequestEntity): Promise<void> {
    const heldMinor = minMinor(request.heldMinor, row.heldMinor);
    const backedMinor = minMinor(request.backedMinor, row.backedMinor);
    if (heldMinor > 0n) {
      await this.postMovement(tx, row, 'hold_withdrawn', request.id, this.clock.now(), [], {
        heldMinor: -heldMinor,
        backedMinor: -backedMinor,
      });
    }
    row.heldMinor -= heldMinor;
    row.backedMinor -= backedMinor;
    await this.repository.updateRequest(tx, request.id, { heldMinor: 0n, backedMinor: 0n });
    this.logger.warn(
      { authorization: row.id, payout_id: row.payoutId, difference: request.difference },
      'Withdrew a hold that the network did not take.',
    );
  }

  /** A hold of Stripe's that we never made: backed by the payout's own money as far as that reaches. */
  private async postHold(
    tx: Tx,
    { row }: Booking,
    line: StripeBalanceTransaction,
    request: AuthorizationRequestEntity | undefined,
  ): Promise<void> {
    const heldMinor = -line.amountMinor;
    if (row.kind === 'probe' && row.heldMinor + heldMinor > majorUnitMinor) row.kind = 'purchase';
    const { owedMinor } = await this.ledger.payoutTerms(tx, row.payoutId);
    const backedMinor = row.kind === 'probe' ? 0n : minMinor(heldMinor, owedMinor);
    await this.postMovement(tx, row, 'hold', line.balanceTransactionId, line.createdAt, [line.balanceTransactionId], {
      heldMinor,
      backedMinor,
    });
    row.heldMinor += heldMinor;
    row.backedMinor += backedMinor;
    if (!request) return;
    await this.repository.updateRequest(tx, request.id, {
      heldMinor,
      backedMinor,
      balanceTransactionId: line.balanceTransactionId,
      ...(request.amountMinor === heldMinor || request.approvedMinor === heldMinor
        ? {}
        : { difference: 'amount_differs' as const }),
    });
  }

  /** Posts each release once, whatever caused it. Answers how much was let go of. */
  private async bookReleases(
    tx: Tx,
    { row }: Booking,
    unexplained: readonly StripeBalanceTransaction[],
  ): Promise<bigint> {
    let releasedMinor = 0n;
    for (const line of unexplained.filter((each) => each.type === 'issuing_authorization_release')) {
      const heldMinor = minMinor(line.amountMinor, row.heldMinor);
      const backedMinor = freedOf(row, heldMinor);
      await this.postMovement(
        tx,
        row,
        'hold_released',
        line.balanceTransactionId,
        line.createdAt,
        [line.balanceTransactionId],
        { heldMinor: -heldMinor, backedMinor: -backedMinor },
        line.amountMinor - heldMinor,
      );
      row.heldMinor -= heldMinor;
      row.backedMinor -= backedMinor;
      releasedMinor += line.amountMinor;
    }
    return releasedMinor;
  }

  /**
   * Moves money onto a hold (above zero) or off it (below).
   * @param unheldMinor released by Stripe though we hold nothing for it: nobody can explain that yet
   */
  private async postMovement(
    tx: Tx,
    row: AuthorizationEntity,
    kind: EntryKind,
    sourceId: string,
    occurredAt: Date,
    balanceTransactionIds: readonly string[],
    { heldMinor, backedMinor }: { heldMinor: bigint; backedMinor: bigint },
    unheldMinor = 0n,
  ): Promise<void> {
    const { connectedAccountId, payoutId, currency } = row;
    const move = (to: string, from: string, amountMinor: bigint): Posting[] => {
      if (amountMinor === 0n) return [];
      const [debited, credited] = amountMinor > 0n ? [to, from] : [from, to];
      const amount = money(amountMinor > 0n ? amountMinor : -amountMinor, currency);
      return [debit(debited, amount), credit(credited, amount)];
    };
    const available = accounts.issuingAvailable(connectedAccountId, currency);
    await this.ledger.post(tx, {
      kind,
      sourceId,
      connectedAccountId,
      payoutId,
      occurredAt,
      balanceTransactionIds,
      postings: [
        ...move(accounts.issuingHeld(connectedAccountId, currency), available, heldMinor),
        ...move(accounts.payoutOwed(payoutId, currency), accounts.payoutHeld(payoutId, currency), backedMinor),
        ...move(available, accounts.suspense(connectedAccountId, currency), unheldMinor),
      ],
    });
  }

  private async keep(tx: Tx, { row, snapshot, isNewest }: Booking): Promise<AuthorizationEntity> {
    const now = this.clock.now();
    const first = snapshot.requestHistory[0];
    const after: AuthorizationEntity = { ...row, updatedAt: now };
    if (isNewest) {
      after.status = toStatus(snapshot.status);
      after.endedAt = after.status === 'pending' ? null : (row.endedAt ?? now);
      after.cardTransactionCount = snapshot.cardTransactionIds.length;
      after.networkFacts = factsOf(snapshot);
      if (first) {
        after.networkOutcome = first.approved ? 'approved' : 'declined';
        after.networkReason = first.reason;
        after.approved = first.approved;
        if (!first.approved && (row.approved || row.reason === 'pending')) after.reason = first.reason;
        if (first.approved) after.reason = 'approved';
      }
      const approvedMinor = snapshot.requestHistory
        .filter((entry) => entry.approved)
        .reduce((sum, entry) => sum + entry.amountMinor, 0n);
      if (row.reason === 'pending' && approvedMinor > 0n) after.amountMinor = approvedMinor;
    }
    const { id: _, ...change } = after;
    await this.repository.update(tx, row.id, change);
    return after;
  }

  private async tell(
    tx: Tx,
    {
      before,
      after,
      snapshot,
      releasedMinor,
    }: {
      before: AuthorizationEntity | null;
      after: AuthorizationEntity;
      snapshot: StripeAuthorization;
      releasedMinor: bigint;
    },
  ): Promise<void> {
    const say = async (type: OutgoingEventType, more: object = {}): Promise<void> => {
      const data = { ...toEventData(after), ...more };
      await this.payouts.note(tx, after.payoutId, type, data);
      await this.outbox.append(tx, {
        type,
        connectedAccountId: after.connectedAccountId,
        payoutId: after.payoutId,
        data,
      });
    };
    const isVerdictNews = before === null || before.approved !== after.approved;
    if (isVerdictNews && after.networkOutcome !== null) {
      await say(after.approved ? 'authorization.approved' : 'authorization.declined', {
        decided_by: isDeclinedByStripe(after.networkReason ?? '') ? 'stripe' : 'network',
      });
    }
    if (!after.approved) return;
    const wasPending = before === null || before.status === 'pending';
    if (wasPending && after.status === 'expired')
      await say('authorization.expired', { released_amount: Number(releasedMinor) });
    else if (wasPending && after.status === 'reversed') {
      await say('authorization.reversed', { released_amount: Number(releasedMinor), is_whole: true });
    } else if (after.status === 'pending' && releasedMinor > 0n && snapshot.cardTransactionIds.length === 0) {
      await say('authorization.reversed', { released_amount: Number(releasedMinor), is_whole: false });
    }
  }

  /** What the network did to the authorization may move the payout; where to is the payout's own decision. */
  private async movePayout(tx: Tx, before: AuthorizationEntity, after: AuthorizationEntity): Promise<void> {
    const { payoutId } = after;
    if (after.approved && after.kind === 'purchase' && after.status === 'pending') {
      await this.payouts.authorizedByNetwork(tx, payoutId);
      return;
    }
    const hasEnded = before.status === 'pending' && after.status !== 'pending';
    const isDenied = after.networkOutcome === 'declined' && before.networkOutcome !== 'declined';
    if (!hasEnded && !isDenied) return;

    const use = await this.repository.findUseOfCard(tx, after.cardId);
    // Captures come first: they say themselves what becomes of the payout, now or when they are booked.
    if (after.cardTransactionCount > 0 || (use && use.cardTransactionCount > 0))
      await this.payouts.captured(tx, payoutId);
    else if (!use) await this.payouts.holdEnded(tx, payoutId, 'not_approved');
    else if (use.status === 'reversed') await this.payouts.holdEnded(tx, payoutId, 'voided');
    else if (use.status === 'expired') await this.payouts.holdEnded(tx, payoutId, 'expired');
    else await this.payouts.wake(tx, payoutId);
  }
}

/** An authorization while it is being booked: the row's amounts follow each entry. */
class Booking {
  readonly row: AuthorizationEntity;

  constructor(
    row: AuthorizationEntity,
    readonly snapshot: StripeAuthorization,
    /** Not an older record than the one booked last. */
    readonly isNewest: boolean,
  ) {
    this.row = { ...row };
  }
}

/** Stripe's record only grows; it carries no version of its own. */
function factsOf(snapshot: StripeAuthorization): number {
  const hasEnded = snapshot.status === 'pending' ? 0 : 1;
  return (
    snapshot.requestHistory.length + snapshot.balanceTransactions.length + snapshot.cardTransactionIds.length + hasEnded
  );
}

function isNewer(row: AuthorizationEntity, snapshot: StripeAuthorization): boolean {
  return factsOf(snapshot) >= row.networkFacts;
}

function toStatus(status: string): AuthorizationStatus {
  const known = authorizationStatuses.find((each) => each === status);
  if (!known) throw new Error(`Stripe reports an authorization as ${status}, which this version does not know.`);
  return known;
}

function toAuthorization(row: AuthorizationEntity): Authorization {
  return {
    id: row.id,
    stripeAuthorizationId: row.stripeAuthorizationId,
    connectedAccountId: row.connectedAccountId,
    payoutId: row.payoutId,
    cardId: row.cardId,
    kind: row.kind,
    status: row.status,
    approved: row.approved,
    reason: row.reason,
    amountMinor: row.amountMinor,
    heldMinor: row.heldMinor,
    backedMinor: row.backedMinor,
    currency: row.currency,
    merchant: {
      name: row.merchantName,
      category: row.merchantCategory,
      categoryCode: row.merchantCategoryCode,
      city: row.merchantCity,
      country: row.merchantCountry,
      networkId: row.merchantNetworkId,
    },
    merchantAmountMinor: row.merchantAmountMinor,
    merchantCurrency: row.merchantCurrency,
    authorizationMethod: row.authorizationMethod,
    latencyMs: row.latencyMs,
    networkOutcome: row.networkOutcome,
    networkReason: row.networkReason,
    createdAt: row.createdAt,
    endedAt: row.endedAt,
  };
}

function toRequest(row: AuthorizationRequestEntity): AuthorizationRequest {
  const {
    authorizationId: _authorization,
    connectedAccountId: _account,
    payoutId: _payout,
    createdAt: _createdAt,
    ...request
  } = row;
  return request;
}

function toEventData(row: AuthorizationEntity): Record<string, unknown> {
  return {
    authorization: row.id,
    stripe_authorization_id: row.stripeAuthorizationId,
    payout: row.payoutId,
    card: row.cardId,
    kind: row.kind,
    status: row.status,
    approved: row.approved,
    reason: row.reason,
    amount: Number(row.amountMinor),
    held_amount: Number(row.heldMinor),
    currency: row.currency,
    merchant: {
      name: row.merchantName,
      category: row.merchantCategory,
      category_code: row.merchantCategoryCode,
      city: row.merchantCity,
      country: row.merchantCountry,
      network_id: row.merchantNetworkId,
    },
  };
}
