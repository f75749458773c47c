import { Injectable } from '@nestjs/common';
import { Cardholder } from '../cardholders/cardholder.types';
import { CardholdersService } from '../cardholders/cardholders.service';
import { CardNotReplaceable } from '../card-issuance/card.errors';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { Card } from '../card-issuance/card.types';
import { ConnectedAccount } from '../connected-accounts/connected-account.types';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { FundingTransfersService } from '../funding-transfers/funding-transfers.service';
import { accounts, credit, debit } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { JournalEntry, PayoutTerms, Statement } from '../ledger/ledger.types';
import { PayoutLimitsService } from '../payout-limits/payout-limits.service';
import { ApiKeysService } from '../platform/api-keys/api-keys.service';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { bulkPriority, Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { DomainError, FieldError, InvalidFields } from '../shared/domain-error';
import { idPrefixes, newId } from '../shared/ids';
import { majorUnitMinor, money } from '../shared/money';
import { assertLegalMove } from '../shared/transitions';
import { StripeCallsService } from '../stripe/stripe-calls.service';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { OutgoingEventDraft, OutgoingEventType } from '../webhook-outbox/outgoing-event.types';
import { findRequestProblems } from './payout-request.policy';
import { readPayoutBody, toPayoutRequest } from './payout.dto';
import {
  ApprovalNeedsAnotherKey,
  ConnectedAccountNotPayable,
  PayoutNotAwaitingApproval,
  PayoutNotCancelable,
  PayoutNotFound,
  PayoutReferenceTaken,
} from './payout.errors';
import { cardDeathNewsMs, choosePayoutStep, PayoutFacts, PayoutStep, statusAfterHold } from './payout.policy';
import { cancelableStatuses, endedStatuses, outcomeOf, payoutTransitions } from './payout.transitions';
import {
  Approval,
  HoldEnd,
  Payout,
  PayoutFilter,
  PayoutRequest,
  PayoutStatus,
  Requester,
  TimelineEntry,
  WaitingReason,
} from './payout.types';
import { PayoutsRepository } from './payouts.repository';

/** What the marketplace hears of a move; moves it need not hear of have no entry. */
const announcedMoves: Partial<Record<PayoutStatus, OutgoingEventType>> = {
  ready: 'payout.ready',
  authorized: 'payout.authorized',
  settled: 'payout.settled',
  expired: 'payout.expired',
  canceled: 'payout.canceled',
  failed: 'payout.failed',
  closed: 'payout.closed',
};

// Steps of one wake-up; far more than any payout needs in a row.
const stepsMax = 20;
const expireTogetherMax = 100;
const fundsRetryMs = 60_000;
const reclaimRetryMs = 5 * 60_000;

/**
 * The promise to pay and its progress. Every fact wakes `advance`, which asks the policy for the next step and takes it, one
 * database transaction a step: a process that dies leaves a payout that the next wake-up carries on.
 */
@Injectable()
export class PayoutsService {
  constructor(
    private readonly repository: PayoutsRepository,
    private readonly database: Database,
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly ledger: LedgerService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly cardholders: CardholdersService,
    private readonly fundingTransfers: FundingTransfersService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly stripeCalls: StripeCallsService,
    private readonly limits: PayoutLimitsService,
    private readonly apiKeys: ApiKeysService,
    private readonly outbox: OutboxService,
  ) {}

  /**
   * Accepts a payout: the row, what we owe, its place in every limit, and the job that carries it on commit together. Nothing has been
   * sent to Stripe yet. One above the approval threshold waits for another key than the requester's.
   * @throws {ConnectedAccountNotFound | CardholderNotFound} {InvalidFields} {InvalidControls} {ConnectedAccountNotPayable} {PayoutReferenceTaken}
   * @throws what `PayoutLimitsService.admit` refuses
   */
  async request(tx: Tx, request: PayoutRequest, requester: Requester): Promise<Payout> {
    const account = await this.connectedAccounts.get(request.connectedAccountId, tx);
    const cardholder = await this.cardholders.get(request.cardholderId, tx);
    this.assertPayable(request, account, cardholder, this.clock.now());
    const [payout] = await this.promise(tx, [request], requester);
    return payout!;
  }

  /**
   * The same for many at once, all or none: where one is refused the caller's transaction must not commit. They begin behind payouts that
   * were asked for by themselves.
   * @throws the first refusal that `findRefusals` finds, or one of `request`
   */
  async requestAll(tx: Tx, requests: readonly PayoutRequest[], requester: Requester): Promise<Payout[]> {
    const refusals = await this.findRefusals(tx, requests, this.clock.now());
    const refusal = refusals.find((each) => each !== null);
    if (refusal) throw refusal;
    // Ten thousand payouts of a batch must not stand before the one that somebody asks for meanwhile.
    return this.promise(tx, requests, requester, { priority: bulkPriority });
  }

  /** A statement a table, however many payouts there are. */
  private async promise(
    tx: Tx,
    requests: readonly PayoutRequest[],
    requester: Requester,
    urgency: Readonly<{ priority?: number }> = {},
  ): Promise<Payout[]> {
    const now = this.clock.now();
    const payouts = requests.map((request): Payout => {
      const threshold = this.limits.approvalThreshold(request.currency);
      return {
        ...request,
        id: newId('payout'),
        status: 'pending',
        waitingOn: threshold !== undefined && request.amountMinor > threshold ? 'approval' : null,
        retryAt: null,
        outcome: null,
        cardId: null,
        failure: null,
        requestedByApiKeyId: requester.id,
        approval: null,
        createdAt: now,
        updatedAt: now,
      };
    });
    await this.limits.admit(
      tx,
      payouts.map(({ connectedAccountId, label, amountMinor, currency }) => ({
        connectedAccountId,
        keyFamilyId: requester.familyId,
        label,
        amount: money(amountMinor, currency),
      })),
      (label) => this.repository.countOpenOfLabel(tx, label),
    );
    const inserted = await this.repository.insert(tx, payouts);
    const refused = payouts.find(({ id }) => !inserted.has(id));
    if (refused) throw new PayoutReferenceTaken(refused.reference);

    await this.ledger.postAll(tx, payouts.map(acceptedEntry));
    const waiting = payouts.filter(({ waitingOn }) => waitingOn === 'approval');
    const above = ({ currency }: Payout) => Number(this.limits.approvalThreshold(currency));
    await this.repository.addTimeline(tx, [
      ...payouts.map((payout) => {
        const detail = { amount: Number(payout.amountMinor), currency: payout.currency };
        return { payoutId: payout.id, occurredAt: now, kind: 'payout.created', detail };
      }),
      ...waiting.map((payout) => {
        const detail = { waiting_on: 'approval', above: above(payout) };
        return { payoutId: payout.id, occurredAt: now, kind: 'payout.waiting', detail };
      }),
    ]);
    await this.outbox.appendAll(tx, [
      ...payouts.map((payout) => this.newsOf('payout.created', payout)),
      ...waiting.map((payout) => this.newsOf('payout.approval_required', payout, { above: above(payout) })),
    ]);
    const begin = payouts.filter(({ waitingOn }) => waitingOn === null);
    await this.jobs.enqueueAll(
      tx,
      'advance-payout',
      begin.map(({ id }) => ({ data: { payoutId: id }, singletonKey: id, ...urgency })),
    );
    // The moment of expiry itself; the sweep is only for what a lost job would miss.
    await this.jobs.enqueueAll(
      tx,
      'expire-payout',
      payouts.map(({ id, expiresAt }) => ({ data: { payoutId: id }, singletonKey: id, startAfter: expiresAt })),
    );
    return payouts;
  }

  /**
   * Reads one row of a batch as strictly as `POST /v1/payouts` reads its body.
   * @throws {ValidationFailed | InvalidFields}
   */
  async readRequest(body: unknown, now: Date): Promise<PayoutRequest> {
    return toPayoutRequest(await readPayoutBody(body), now);
  }

  /**
   * What each request breaks that does not depend on what else is being paid, in their order; null where it may be asked for. Answers
   * errors instead of throwing them, so that a batch can name all of its rows.
   */
  async findRefusals(tx: Tx, requests: readonly PayoutRequest[], now: Date): Promise<(DomainError | null)[]> {
    const sellers = await this.connectedAccounts.findMany(tx, [
      ...new Set(requests.map((each) => each.connectedAccountId)),
    ]);
    const holders = await this.cardholders.findMany(tx, [...new Set(requests.map((each) => each.cardholderId))]);
    const references = requests.map(({ reference }) => reference);
    const taken = await this.repository.findTakenReferences(tx, references);
    return requests.map((request) => {
      const seller = sellers.get(request.connectedAccountId);
      const holder = holders.get(request.cardholderId);
      const unknown: FieldError[] = [
        ...(seller ? [] : [{ pointer: '/connected_account', detail: 'does not exist', code: 'not_found' }]),
        ...(holder ? [] : [{ pointer: '/cardholder', detail: 'does not exist', code: 'not_found' }]),
      ];
      if (!seller || !holder) return new InvalidFields(unknown);
      if (taken.has(request.reference)) return new PayoutReferenceTaken(request.reference);
      try {
        this.assertPayable(request, seller, holder, now);
        return null;
      } catch (error) {
        if (error instanceof DomainError) return error;
        throw error;
      }
    });
  }

  private assertPayable(request: PayoutRequest, account: ConnectedAccount, cardholder: Cardholder, now: Date): void {
    const problems = findRequestProblems(
      request,
      { accountCurrency: account.currency, amountMinorMax: this.config.payoutAmountMinorMax },
      now,
    );
    if (cardholder.connectedAccountId !== account.id) {
      problems.push({ pointer: '/cardholder', detail: 'must belong to the connected account' });
    }
    if (cardholder.erasedAt !== null) problems.push({ pointer: '/cardholder', detail: 'was erased' });
    if (problems.length > 0) throw new InvalidFields(problems);
    this.cardIssuance.validateControls(request.controls);
    if (account.status === 'rejected') throw new ConnectedAccountNotPayable(account.id, 'Stripe rejected it');
    if (account.isSuspended) throw new ConnectedAccountNotPayable(account.id, 'it is suspended');
    this.limits.assertAmount(money(request.amountMinor, request.currency));
  }

  /** @throws {PayoutNotFound} */
  async get(id: string): Promise<Payout> {
    const payout = await this.repository.find(this.database.reader, id);
    if (!payout) throw new PayoutNotFound(id);
    return payout;
  }

  /** Newest first, one more than `limit` when there are more. */
  async list(filter: PayoutFilter, limit: number, startingAfter?: string): Promise<Payout[]> {
    return this.repository.list(this.database.reader, filter, limit, startingAfter);
  }

  /** Amounts of the given payouts by payout id. */
  async termsOf(payoutIds: readonly string[], tx?: Tx): Promise<ReadonlyMap<string, PayoutTerms>> {
    return this.ledger.termsOf(payoutIds, tx);
  }

  /**
   * Ends a payout that has not been used. What is under way is waited out behind the answer, and what moved comes back.
   * @throws {PayoutNotFound} {PayoutNotCancelable}
   */
  async cancel(tx: Tx, id: string): Promise<Payout> {
    const payout = await this.lock(tx, id);
    if (payout.status === 'canceled') return payout;
    if (!cancelableStatuses.includes(payout.status)) throw new PayoutNotCancelable(payout);
    return this.moveAndWake(tx, payout, 'canceled');
  }

  /**
   * Lets a payout above the threshold go on. Of approval, rejection, cancel and expiry the first to lock the payout wins.
   * @throws {PayoutNotFound} {PayoutNotAwaitingApproval} {ApprovalNeedsAnotherKey}
   */
  async approve(tx: Tx, id: string, by: Requester, note: string | null): Promise<Payout> {
    const { payout, approval } = await this.decide(tx, id, by, 'approved', note);
    const approved: Payout = { ...payout, waitingOn: null, approval };
    await this.tell(tx, 'payout.approved', approved);
    await this.wake(tx, id);
    return approved;
  }

  /**
   * Ends a payout above the threshold before anything moved: canceled, and the note is its failure's detail.
   * @throws {PayoutNotFound} {PayoutNotAwaitingApproval} {ApprovalNeedsAnotherKey}
   */
  async reject(tx: Tx, id: string, by: Requester, note: string): Promise<Payout> {
    const { payout, approval } = await this.decide(tx, id, by, 'rejected', note);
    const failure = { code: 'approval_rejected', detail: note };
    const rejected = await this.move(tx, { ...payout, waitingOn: null, approval }, 'canceled', { failure });
    await this.wake(tx, id);
    return rejected;
  }

  private async decide(
    tx: Tx,
    id: string,
    by: Requester,
    decision: Approval['decision'],
    note: string | null,
  ): Promise<{ payout: Payout; approval: Approval }> {
    const now = this.clock.now();
    const payout = await this.lock(tx, id);
    const isWaiting = payout.status === 'pending' && payout.waitingOn === 'approval' && now < payout.expiresAt;
    if (!isWaiting) throw new PayoutNotAwaitingApproval(payout);
    const requester = payout.requestedByApiKeyId;
    if (requester !== null && (await this.apiKeys.isOneHand(tx, by.id, requester)))
      throw new ApprovalNeedsAnotherKey(id);
    const approval: Approval = { decision, note, apiKeyId: by.id, decidedAt: now };
    await this.repository.decide(tx, id, approval);
    await this.note(tx, id, `payout.${decision}`, { api_key: by.id, ...(note === null ? {} : { note }) });
    return { payout, approval };
  }

  /** Payouts of a label that have not ended, oldest first, after the given one. */
  async listOpenOfLabel(label: string, limit: number, after: string): Promise<Payout[]> {
    return this.repository.listOpenOfLabel(this.database.reader, label, limit, after);
  }

  /** Every move, note, funding hop and Stripe call, in order. @throws {PayoutNotFound} */
  async timeline(id: string): Promise<TimelineEntry[]> {
    await this.get(id);
    const entries = await this.repository.timeline(this.database.reader, id);
    const transfers = (await this.fundingTransfers.listFor(id)).map((transfer) => ({
      occurredAt: transfer.createdAt,
      kind: transfer.direction === 'out' ? 'funding_transfer' : 'reclaim',
      detail: {
        funding_transfer: transfer.id,
        rail: transfer.rail,
        status: transfer.status,
        amount: Number(transfer.amountMinor),
        probe_buffer: Number(transfer.bufferMinor),
        currency: transfer.currency,
        money_at: transfer.moneyAt,
        failure: transfer.failure,
        hops: transfer.hops.map((hop) => ({
          kind: hop.kind,
          status: hop.status,
          amount: Number(hop.amountMinor),
          stripe_object: hop.stripeObjectId,
          stripe_call: hop.stripeCallId,
        })),
      },
    }));
    const calls = (await this.stripeCalls.listForPayout(id)).map((call) => ({
      occurredAt: call.intendedAt,
      kind: 'stripe_call',
      detail: {
        stripe_call: call.id,
        call: call.kind,
        status: call.status,
        idempotency_key: call.idempotencyKey,
        attempts: call.attempts,
        stripe_object: call.stripeObjectId,
        failure: call.failure,
        intended_at: call.intendedAt.toISOString(),
        sent_at: call.sentAt?.toISOString() ?? null,
        settled_at: call.settledAt?.toISOString() ?? null,
      },
    }));
    return [...entries, ...transfers, ...calls].sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime());
  }

  /** The payout's postings up to `at` by occurrence time, and what they prove. @throws {PayoutNotFound} */
  async statement(id: string, at?: Date): Promise<{ payout: Payout; statement: Statement }> {
    const payout = await this.get(id);
    return { payout, statement: await this.ledger.statementOf(id, at) };
  }

  // ---- For the floors below, which learn from the network what becomes of the card. ----

  /** Locks the payout until the transaction ends. @throws {PayoutNotFound} */
  async lock(tx: Tx, id: string): Promise<Payout> {
    const payout = await this.repository.lock(tx, id);
    if (!payout) throw new PayoutNotFound(id);
    return payout;
  }

  /** Writes a fact on the payout's timeline. `kind` is a past fact; `detail` survives JSON and holds nothing personal. */
  async note(tx: Tx, payoutId: string, kind: string, detail: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.repository.addTimeline(tx, [{ payoutId, occurredAt: this.clock.now(), kind, detail }]);
  }

  /** A hold ended and its release is posted. Moves the payout on when no hold is left. */
  async holdEnded(tx: Tx, payoutId: string, how: HoldEnd): Promise<void> {
    const payout = await this.lock(tx, payoutId);
    const terms = await this.ledger.payoutTerms(tx, payoutId);
    const to = statusAfterHold(how, { ...payout, ...terms }, this.clock.now());
    if (to !== null) await this.move(tx, payout, to);
    await this.wake(tx, payoutId);
  }

  /** A capture or refund is posted. A captured payout with no hold left is settled; on an ended one only the money is looked after. */
  async captured(tx: Tx, payoutId: string): Promise<void> {
    const payout = await this.lock(tx, payoutId);
    const terms = await this.ledger.payoutTerms(tx, payoutId);
    const isUsed = payout.status === 'ready' || payout.status === 'authorized';
    if (isUsed && terms.networkHeldMinor === 0n && terms.paidMinor + terms.overspentMinor > 0n) {
      await this.move(tx, payout, 'settled');
    }
    await this.wake(tx, payoutId);
  }

  /** How much of the payout's aftercare is on its way back already, and not to be had again. Minor units. */
  async aftercareUnderWay(tx: Tx, payoutId: string): Promise<bigint> {
    return this.fundingTransfers.aftercareUnderWay(tx, payoutId);
  }

  /**
   * The network approved an authorization that our answer did not: the payout is in use all the same. Does nothing when
   * it is already authorized or ended.
   */
  async authorizedByNetwork(tx: Tx, payoutId: string): Promise<void> {
    const payout = await this.lock(tx, payoutId);
    if (payout.status === 'ready') await this.move(tx, payout, 'authorized');
  }

  // ---- Reactions, called by payouts.jobs.ts ----

  /**
   * Enqueues a look at the payout in the caller's transaction; several waiting ones are one. One that has ended waits in a queue of its
   * own, so that thousands of them stand before none that begins.
   */
  async wake(tx: Tx, payoutId: string, status?: PayoutStatus): Promise<void> {
    const hasEnded = status === 'closed' || (status !== undefined && endedStatuses.includes(status));
    const queue = hasEnded ? 'wind-down-payout' : 'advance-payout';
    await this.jobs.enqueue(tx, queue, { payoutId }, { singletonKey: payoutId });
  }

  /** Takes step after step until nothing is left to do now. Safe to call at any time, any number of times. */
  async advance(payoutId: string): Promise<void> {
    for (let step = 0; step < stepsMax; step += 1) {
      const hasMoved = await this.database.transaction((tx) => this.takeStep(tx, payoutId));
      if (!hasMoved) return;
    }
    throw new Error(`${payoutId} took ${stepsMax} steps in a row.`);
  }

  /** The payout's time has come: it is ended with all others that are due, or, where more than its time decides, looked at by itself. */
  async expire(payoutId: string): Promise<void> {
    const { status } = await this.get(payoutId);
    if (status === 'expired' || status === 'closed') return;
    if (cancelableStatuses.includes(status)) {
      const leftOut = new Set<string>();
      while (await this.expireDue(leftOut));
      if ((await this.get(payoutId)).status === 'expired') return;
    }
    await this.advance(payoutId);
  }

  /**
   * Ends what is due, a hundred payouts in one transaction: when a hundred thousand expire in one minute, each still ends within it, and
   * what follows (their cards, their money) waits in a queue of its own, behind nobody who is new. Where the hundred cannot be ended
   * together, each is by itself, so that one which cannot be holds up none of the others; it is added to `leftOut`, and its own job
   * reports it. Answers whether there may be more.
   */
  private async expireDue(leftOut: Set<string>): Promise<boolean> {
    let due: readonly Payout[] = [];
    try {
      await this.database.transaction(async (tx) => {
        const now = this.clock.now();
        due = await this.repository.lockDue(tx, now, [...leftOut], expireTogetherMax);
        if (due.length > 0) await this.expireTogether(tx, due, now);
      });
    } catch (error) {
      if (due.length === 0) throw error;
      for (const { id } of due) await this.advance(id).catch(() => leftOut.add(id));
    }
    return due.length > 0;
  }

  private async expireTogether(tx: Tx, due: readonly Payout[], now: Date): Promise<void> {
    const terms = await this.ledger.termsOf(
      due.map(({ id }) => id),
      tx,
    );
    const outcomes = due.map(({ id }) => outcomeOf('expired', terms.get(id)!)!);
    await this.repository.expire(tx, due, outcomes, now);
    await this.outbox.appendAll(
      tx,
      due.map((payout, index) =>
        this.newsOf('payout.expired', { ...payout, status: 'expired', outcome: outcomes[index]! }),
      ),
    );
    const jobs = due.map(({ id }) => ({ data: { payoutId: id }, singletonKey: id }));
    await this.jobs.enqueueAll(tx, 'wind-down-payout', jobs);
  }

  /**
   * A card is dead. When we did not ask for it, the network may still report a use: the payout is looked at again once that
   * report would have come.
   */
  async cardDied(payoutId: string, wasRequested: boolean): Promise<void> {
    if (!wasRequested) {
      const startAfter = new Date(this.clock.now().getTime() + cardDeathNewsMs + 500);
      await this.database.transaction((tx) =>
        this.jobs.enqueue(tx, 'advance-payout', { payoutId }, { startAfter, singletonKey: `${payoutId}:card-died` }),
      );
    }
    await this.advance(payoutId);
  }

  /** Only the card of a ready payout may be replaced: an authorized one's money is at a merchant. @throws {CardNotReplaceable} */
  async assertCardReplaceable(tx: Tx, card: Card): Promise<void> {
    const payout = await this.repository.lock(tx, card.payoutId);
    if (payout && payout.status !== 'ready') throw new CardNotReplaceable(card.id, `its payout is ${payout.status}`);
  }

  /** There was too little money at the source: the payout goes back to waiting, visibly. */
  async waitForFunds(payoutId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.lock(tx, payoutId);
      const retryAt = new Date(this.clock.now().getTime() + fundsRetryMs);
      if (payout.status === 'funding') {
        await this.move(tx, payout, 'pending', { waitingOn: 'platform_funds', retryAt });
        await this.wake(tx, payoutId);
      } else {
        await this.coverLater(tx, payout, retryAt, {
          code: 'platform_funds',
          detail: 'Too little money at the source.',
        });
      }
    });
  }

  /** Ends a payout that cannot be kept: its money will not arrive, or Stripe refuses the card. */
  async fail(payoutId: string, failure: { code: string; detail: string }): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.lock(tx, payoutId);
      if (payoutTransitions[payout.status].includes('failed')) {
        await this.move(tx, payout, 'failed', { failure });
        await this.wake(tx, payoutId);
      } else {
        await this.coverLater(tx, payout, new Date(this.clock.now().getTime() + reclaimRetryMs), failure);
      }
    });
  }

  /** Money for an ended payout did not arrive: what it was to cover stays uncovered, visibly, until the next try. */
  private async coverLater(
    tx: Tx,
    payout: Payout,
    retryAt: Date,
    failure: { code: string; detail: string },
  ): Promise<void> {
    const terms = await this.ledger.payoutTerms(tx, payout.id);
    if (terms.overspentMinor > 0n) {
      await this.repository.setRetryAt(tx, payout.id, retryAt);
      await this.note(tx, payout.id, 'overspend.cover_failed', failure);
    }
    await this.wake(tx, payout.id);
  }

  /** A new card is wanted in place of this one, which is dead. Said again after the new one came, it changes nothing. */
  async replaceCard(payoutId: string, cardId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.lock(tx, payoutId);
      if (payout.status === 'ready' && payout.cardId === cardId) await this.move(tx, payout, 'issuing');
      await this.wake(tx, payoutId);
    });
  }

  async reclaimSettled(payoutId: string, fundingTransferId: string, amountMinor: bigint): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.lock(tx, payoutId);
      const detail = { funding_transfer: fundingTransferId, amount: Number(amountMinor), currency: payout.currency };
      await this.note(tx, payoutId, 'reclaim.completed', detail);
      await this.tell(tx, 'reclaim.completed', payout, detail);
      await this.wake(tx, payoutId, payout.status);
    });
  }

  /** Half-way and held up: it goes on by itself, and the marketplace hears why it takes longer. */
  async reclaimDelayed(
    payoutId: string,
    fundingTransferId: string,
    failure: { code: string; detail: string },
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.lock(tx, payoutId);
      const detail = { funding_transfer: fundingTransferId, ...failure, will_retry: true };
      await this.note(tx, payoutId, 'reclaim.delayed', detail);
      await this.tell(tx, 'reclaim.failed', payout, detail);
    });
  }

  /** Proven not moved: the intent is taken back and tried again later. */
  async reclaimFailed(
    payoutId: string,
    fundingTransferId: string,
    failure: { code: string; detail: string },
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.lock(tx, payoutId);
      const transfer = (await this.fundingTransfers.listFor(payoutId, tx)).find(
        (each) => each.id === fundingTransferId,
      );
      if (!transfer) throw new Error(`${payoutId} has no reclaim ${fundingTransferId}.`);
      if (transfer.amountMinor > 0n) {
        const amount = money(transfer.amountMinor, payout.currency);
        const { posted } = await this.ledger.post(tx, {
          kind: 'reclaim_refused',
          sourceId: fundingTransferId,
          connectedAccountId: payout.connectedAccountId,
          payoutId,
          occurredAt: this.clock.now(),
          postings: [
            debit(accounts.payoutReclaiming(payoutId, payout.currency), amount),
            credit(accounts.payoutOwed(payoutId, payout.currency), amount),
          ],
        });
        if (!posted) return;
      }
      await this.repository.setRetryAt(tx, payoutId, new Date(this.clock.now().getTime() + reclaimRetryMs));
      const detail = { funding_transfer: fundingTransferId, ...failure, will_retry: true };
      await this.note(tx, payoutId, 'reclaim.failed', detail);
      await this.tell(tx, 'reclaim.failed', payout, detail);
      // The want of money may have come from a capture that found the promise on its way back: it is paid from there now.
      await this.wake(tx, payoutId, payout.status);
    });
  }

  /** Wakes pending payouts that wait for one of these. Funds came or an account changed: try at once, whatever `retry_at` says. */
  async resumeWaiting(waiting: {
    reasons: readonly WaitingReason[];
    connectedAccountId?: string;
    cardholderId?: string;
    currency?: string;
  }): Promise<void> {
    await this.database.transaction(async (tx) => {
      for (const id of await this.repository.findWaiting(tx, waiting, 1_000)) {
        await this.repository.setRetryAt(tx, id, null);
        await this.wake(tx, id);
      }
    });
  }

  /** An account that was suspended may have cards issued again. */
  async resumeIssuing(connectedAccountId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      for (const id of await this.repository.findIssuing(tx, connectedAccountId, 1_000)) await this.wake(tx, id);
    });
  }

  /** Wakes what its time has come for, and what nothing moved for a while: a lost event or job heals here. */
  async wakeOverdue(limit = 500): Promise<number> {
    const now = this.clock.now();
    const idleSince = new Date(now.getTime() - 60_000);
    return this.database.transaction(async (tx) => {
      const overdue = await this.repository.findOverdue(tx, now, idleSince, limit);
      for (const { id, status } of overdue) await this.wake(tx, id, status);
      return overdue.length;
    });
  }

  /** One step in one transaction; answers whether another may follow. */
  private async takeStep(tx: Tx, payoutId: string): Promise<boolean> {
    const payout = await this.lock(tx, payoutId);
    const facts = await this.factsOf(tx, payout);
    const step = choosePayoutStep(facts, this.clock.now());
    return this.carryOut(tx, payout, step);
  }

  private async factsOf(tx: Tx, payout: Payout): Promise<PayoutFacts> {
    // Locked against change while the payout is about to wait for them: the news that wakes it cannot be missed.
    const account = await this.connectedAccounts.getForShare(tx, payout.connectedAccountId);
    const cardholder = await this.cardholders.getForShare(tx, payout.cardholderId);
    const unsettled = await this.fundingTransfers.getUnsettled(payout.id, tx);
    const card = await this.cardIssuance.findForPayout(tx, payout.id);
    const terms = await this.ledger.payoutTerms(tx, payout.id);
    return {
      ...terms,
      status: payout.status,
      waitingOn: payout.waitingOn,
      retryAt: payout.retryAt,
      expiresAt: payout.expiresAt,
      isAccountEligible: account.isEligible,
      isAccountSuspended: account.isSuspended,
      isCardholderEligible: cardholder.isEligible,
      isFundingUnderWay: unsettled.some((transfer) => transfer.direction === 'out'),
      isReclaimUnderWay: unsettled.some((transfer) => transfer.direction === 'in'),
      card: card && {
        id: card.id,
        status: card.status,
        isCancelRequested: card.cancelRequestedAt !== null,
        updatedAt: card.updatedAt,
      },
      lastReadyCardId: payout.cardId,
    };
  }

  private async carryOut(tx: Tx, payout: Payout, step: PayoutStep): Promise<boolean> {
    switch (step.do) {
      case 'nothing':
        return false;
      case 'wait_on': {
        if (payout.waitingOn !== step.reason) {
          await this.repository.setWaiting(tx, payout.id, step.reason, null, this.clock.now());
          await this.note(tx, payout.id, 'payout.waiting', { waiting_on: step.reason });
        }
        return false;
      }
      case 'fund': {
        await this.move(tx, payout, 'funding');
        await this.fundingTransfers.begin(tx, {
          reference: payout.id,
          connectedAccountId: payout.connectedAccountId,
          amountMinor: payout.amountMinor,
          bufferMinor: majorUnitMinor,
          currency: payout.currency,
        });
        return true;
      }
      case 'issue_card': {
        await this.cardIssuance.issue(tx, {
          payoutId: payout.id,
          connectedAccountId: payout.connectedAccountId,
          cardholderId: payout.cardholderId,
          amountMinor: payout.amountMinor,
          currency: payout.currency,
          controls: payout.controls,
          expiresAt: payout.expiresAt,
        });
        return true;
      }
      case 'cancel_card':
        await this.cardIssuance.cancel(tx, step.cardId, `payout_${payout.status}`);
        return true;
      case 'cover':
        await this.cover(tx, payout, step.amountMinor);
        return true;
      case 'settle_overspend':
        await this.settleOverspend(tx, payout, step.amountMinor);
        return true;
      case 'release':
        await this.release(tx, payout);
        return true;
      case 'reclaim':
        await this.reclaim(tx, payout, step);
        return true;
      case 'move':
        if (payout.status === 'funding' && step.to === 'issuing') await this.tell(tx, 'payout.funded', payout);
        await this.move(tx, payout, step.to, step.cardId === undefined ? {} : { cardId: step.cardId });
        return true;
    }
  }

  /** The overspend took money of the account's other payouts: as much is moved there beside this payout, and shown. */
  private async cover(tx: Tx, payout: Payout, amountMinor: bigint): Promise<void> {
    await this.repository.setRetryAt(tx, payout.id, null);
    const fundingTransferId = await this.fundingTransfers.begin(tx, {
      reference: payout.id,
      connectedAccountId: payout.connectedAccountId,
      amountMinor: 0n,
      bufferMinor: amountMinor,
      currency: payout.currency,
    });
    await this.note(tx, payout.id, 'overspend.covering', {
      funding_transfer: fundingTransferId,
      amount: Number(amountMinor),
      currency: payout.currency,
    });
  }

  private async settleOverspend(tx: Tx, payout: Payout, amountMinor: bigint): Promise<void> {
    const amount = money(amountMinor, payout.currency);
    await this.ledger.post(tx, {
      kind: 'receivable_settled',
      sourceId: newId(idPrefixes.overspendSettlement),
      connectedAccountId: payout.connectedAccountId,
      payoutId: payout.id,
      occurredAt: this.clock.now(),
      postings: [
        debit(accounts.payoutOwed(payout.id, payout.currency), amount),
        credit(accounts.sellerReceivable(payout.connectedAccountId, payout.currency), amount),
      ],
    });
    await this.note(tx, payout.id, 'payout.overspend_settled', {
      amount: Number(amountMinor),
      currency: payout.currency,
    });
  }

  /** Nothing ever moved for this payout: the promise is simply taken back. */
  private async release(tx: Tx, payout: Payout): Promise<void> {
    const { owedMinor } = await this.ledger.payoutTerms(tx, payout.id);
    const amount = money(owedMinor, payout.currency);
    await this.ledger.post(tx, {
      kind: 'payout_released',
      sourceId: payout.id,
      connectedAccountId: payout.connectedAccountId,
      payoutId: payout.id,
      occurredAt: this.clock.now(),
      postings: [
        debit(accounts.payoutOwed(payout.id, payout.currency), amount),
        credit(accounts.marketplaceFunds(payout.currency), amount),
      ],
    });
  }

  private async reclaim(tx: Tx, payout: Payout, step: Extract<PayoutStep, { do: 'reclaim' }>): Promise<void> {
    await this.repository.setRetryAt(tx, payout.id, null);
    const fundingTransferId = await this.fundingTransfers.beginReclaim(tx, {
      reference: payout.id,
      connectedAccountId: payout.connectedAccountId,
      amountMinor: step.amountMinor,
      bufferMinor: step.bufferMinor,
      aftercareMinor: step.aftercareMinor,
      currency: payout.currency,
    });
    if (step.amountMinor > 0n) {
      const amount = money(step.amountMinor, payout.currency);
      await this.ledger.post(tx, {
        kind: 'reclaim_intended',
        sourceId: fundingTransferId,
        connectedAccountId: payout.connectedAccountId,
        payoutId: payout.id,
        occurredAt: this.clock.now(),
        postings: [
          debit(accounts.payoutOwed(payout.id, payout.currency), amount),
          credit(accounts.payoutReclaiming(payout.id, payout.currency), amount),
        ],
      });
    }
    const detail = {
      funding_transfer: fundingTransferId,
      amount: Number(step.amountMinor),
      probe_buffer: Number(step.bufferMinor),
      aftercare: Number(step.aftercareMinor),
      currency: payout.currency,
    };
    await this.note(tx, payout.id, 'reclaim.started', detail);
    await this.tell(tx, 'reclaim.started', payout, detail);
  }

  private async moveAndWake(tx: Tx, payout: Payout, to: PayoutStatus): Promise<Payout> {
    const moved = await this.move(tx, payout, to);
    await this.wake(tx, payout.id);
    return moved;
  }

  /** Compare-and-set with a timeline row. The caller holds the payout's lock. @throws {IllegalMove} */
  private async move(
    tx: Tx,
    payout: Payout,
    to: PayoutStatus,
    change: {
      waitingOn?: WaitingReason;
      retryAt?: Date;
      cardId?: string;
      failure?: { code: string; detail: string };
    } = {},
  ): Promise<Payout> {
    assertLegalMove(payoutTransitions, `Payout ${payout.id}`, payout.status, to);
    const now = this.clock.now();
    const terms = await this.ledger.payoutTerms(tx, payout.id);
    const outcome = to === 'closed' ? this.finalOutcome(payout, terms) : outcomeOf(to, terms);
    const move = { from: payout.status, to, outcome, waitingOn: null, retryAt: null, at: now, ...change };
    if (!(await this.repository.move(tx, payout.id, move))) {
      throw new Error(`Payout ${payout.id} was no longer ${payout.status}, though it was locked.`);
    }
    const moved: Payout = {
      ...payout,
      status: to,
      outcome,
      waitingOn: move.waitingOn,
      retryAt: move.retryAt,
      cardId: change.cardId ?? payout.cardId,
      failure: change.failure ?? payout.failure,
      updatedAt: now,
    };
    await this.note(tx, payout.id, 'status.changed', {
      from: payout.status,
      to,
      ...(change.waitingOn ? { waiting_on: change.waitingOn } : {}),
      ...(change.cardId ? { card: change.cardId } : {}),
      ...(change.failure ? { failure: change.failure } : {}),
    });
    const type = announcedMoves[to];
    if (type) await this.tell(tx, type, moved);
    return moved;
  }

  /** Refunds may have come since it settled: what was spent in the end decides, unless we or the marketplace ended it. */
  private finalOutcome(payout: Payout, terms: PayoutTerms): Payout['outcome'] {
    if (payout.status === 'canceled' || payout.status === 'failed') return payout.outcome;
    if (terms.paidMinor === 0n) return 'unspent';
    return terms.paidMinor >= terms.acceptedMinor ? 'spent' : 'partially_spent';
  }

  private async tell(tx: Tx, type: OutgoingEventType, payout: Payout, more: object = {}): Promise<void> {
    await this.outbox.append(tx, this.newsOf(type, payout, more));
  }

  private newsOf(type: OutgoingEventType, payout: Payout, more: object = {}): OutgoingEventDraft {
    return {
      type,
      connectedAccountId: payout.connectedAccountId,
      payoutId: payout.id,
      data: {
        payout: payout.id,
        reference: payout.reference,
        connected_account: payout.connectedAccountId,
        amount: Number(payout.amountMinor),
        currency: payout.currency,
        status: payout.status,
        outcome: payout.outcome,
        failure: payout.failure,
        label: payout.label,
        purpose: payout.purpose,
        ...more,
      },
    };
  }
}

function acceptedEntry({ id, connectedAccountId, amountMinor, currency, createdAt }: Payout): JournalEntry {
  const promised = money(amountMinor, currency);
  return {
    kind: 'payout_accepted',
    sourceId: id,
    connectedAccountId,
    payoutId: id,
    occurredAt: createdAt,
    postings: [
      debit(accounts.marketplaceFunds(currency), promised),
      credit(accounts.payoutOwed(id, currency), promised),
    ],
  };
}
