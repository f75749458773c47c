import { Injectable } from '@nestjs/common';
import { Cardholder } from '../cardholders/cardholder.types';
import { CardholdersService } from '../cardholders/cardholders.service';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
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
import { newId } from '../shared/ids';
import { money } from '../shared/money';
import { StripeCallsService } from '../stripe/stripe-calls.service';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { PayoutMoves } from './payout-moves.service';
import { findRequestProblems } from './payout-request.policy';
import { readPayoutBody, toPayoutRequest } from './payout.dto';
import {
  ApprovalNeedsAnotherKey,
  ConnectedAccountNotPayable,
  PayoutNotAwaitingApproval,
  PayoutNotCancelable,
  PayoutReferenceTaken,
} from './payout.errors';
import { statusAfterHold } from './payout.policy';
import { cancelableStatuses } from './payout.transitions';
import {
  Approval,
  HoldEnd,
  Payout,
  PayoutFilter,
  PayoutRequest,
  PayoutStatus,
  Requester,
  TimelineEntry,
} from './payout.types';
import { PayoutsRepository } from './payouts.repository';

/**
 * The promise to pay: what is asked for, approved, taken back and read, and what later floors learn from the network about its card. How it
 * goes on by itself is `PayoutProgressService`.
 */
@Injectable()
export class PayoutsService {
  constructor(
    private readonly repository: PayoutsRepository,
    private readonly moves: PayoutMoves,
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
   * The same for many at once, all or none: where one is refused the caller's transaction must not commit. Each begins at its moment, and
   * behind payouts that were asked for by themselves.
   * @throws the first refusal that `findRefusals` finds, or one of `request`
   */
  async requestAll(
    tx: Tx,
    requests: readonly PayoutRequest[],
    requester: Requester,
    beginAt: readonly Date[],
  ): Promise<Payout[]> {
    const refusals = await this.findRefusals(tx, requests, this.clock.now());
    const refusal = refusals.find((each) => each !== null);
    if (refusal) throw refusal;
    return this.promise(tx, requests, requester, beginAt);
  }

  /** A statement a table, however many payouts there are. */
  private async promise(
    tx: Tx,
    requests: readonly PayoutRequest[],
    requester: Requester,
    beginAt?: readonly Date[],
  ): Promise<Payout[]> {
    const now = this.clock.now();
    const payouts = requests.map((request, index): Payout => {
      const threshold = this.limits.approvalThreshold(request.currency);
      return {
        ...request,
        id: newId('payout'),
        status: 'pending',
        waitingOn: threshold !== undefined && request.amountMinor > threshold ? 'approval' : null,
        retryAt: beginAt?.[index] ?? null,
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
      ...payouts.map((payout) => this.moves.newsOf('payout.created', payout)),
      ...waiting.map((payout) => this.moves.newsOf('payout.approval_required', payout, { above: above(payout) })),
    ]);
    const begin = payouts.filter(({ waitingOn }) => waitingOn === null);
    await this.jobs.enqueueAll(
      tx,
      'advance-payout',
      begin.map(({ id, retryAt }) => ({
        data: { payoutId: id },
        // A key of its own where it waits for its moment: a cancel meanwhile is not to wait with it. The sweep goes by `retry_at`.
        ...(retryAt === null
          ? { singletonKey: id }
          : { singletonKey: `${id}:begin`, startAfter: retryAt, priority: bulkPriority }),
      })),
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
    return this.moves.get(id);
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
    const payout = await this.moves.lock(tx, id);
    if (payout.status === 'canceled') return payout;
    if (!cancelableStatuses.includes(payout.status)) throw new PayoutNotCancelable(payout);
    const canceled = await this.moves.move(tx, payout, 'canceled');
    await this.moves.wake(tx, id);
    return canceled;
  }

  /**
   * Lets a payout above the threshold go on. Of approval, rejection, cancel and expiry the first to lock the payout wins.
   * @throws {PayoutNotFound} {PayoutNotAwaitingApproval} {ApprovalNeedsAnotherKey}
   */
  async approve(tx: Tx, id: string, by: Requester, note: string | null): Promise<Payout> {
    const { payout, approval } = await this.decide(tx, id, by, 'approved', note);
    const approved: Payout = { ...payout, waitingOn: null, approval };
    await this.moves.tell(tx, 'payout.approved', approved);
    await this.moves.wake(tx, id);
    return approved;
  }

  /**
   * Ends a payout above the threshold before anything moved: canceled, and the note is its failure's detail.
   * @throws {PayoutNotFound} {PayoutNotAwaitingApproval} {ApprovalNeedsAnotherKey}
   */
  async reject(tx: Tx, id: string, by: Requester, note: string): Promise<Payout> {
    const { payout, approval } = await this.decide(tx, id, by, 'rejected', note);
    const failure = { code: 'approval_rejected', detail: note };
    const rejected = await this.moves.move(tx, { ...payout, waitingOn: null, approval }, 'canceled', { failure });
    await this.moves.wake(tx, id);
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
    const payout = await this.moves.lock(tx, id);
    const isWaiting = payout.status === 'pending' && payout.waitingOn === 'approval' && now < payout.expiresAt;
    if (!isWaiting) throw new PayoutNotAwaitingApproval(payout);
    const requester = payout.requestedByApiKeyId;
    if (requester !== null && (await this.apiKeys.isOneHand(tx, by.id, requester)))
      throw new ApprovalNeedsAnotherKey(id);
    const approval: Approval = { decision, note, apiKeyId: by.id, decidedAt: now };
    await this.repository.decide(tx, id, approval);
    await this.moves.note(tx, id, `payout.${decision}`, { api_key: by.id, ...(note === null ? {} : { note }) });
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

  /** Locks the payout until the transaction ends. @throws {PayoutNotFound} */
  async lock(tx: Tx, id: string): Promise<Payout> {
    return this.moves.lock(tx, id);
  }

  /** Writes a fact on the payout's timeline: see `PayoutMoves.note`. */
  async note(tx: Tx, payoutId: string, kind: string, detail?: Readonly<Record<string, unknown>>): Promise<void> {
    await this.moves.note(tx, payoutId, kind, detail);
  }

  /** Enqueues a look at the payout: see `PayoutMoves.wake`. */
  async wake(tx: Tx, payoutId: string, status?: PayoutStatus): Promise<void> {
    await this.moves.wake(tx, payoutId, status);
  }

  /** A hold ended and its release is posted. Moves the payout on when no hold is left. */
  async holdEnded(tx: Tx, payoutId: string, how: HoldEnd): Promise<void> {
    const payout = await this.moves.lock(tx, payoutId);
    const terms = await this.ledger.payoutTerms(tx, payoutId);
    const to = statusAfterHold(how, { ...payout, ...terms }, this.clock.now());
    if (to !== null) await this.moves.move(tx, payout, to);
    await this.moves.wake(tx, payoutId);
  }

  /** A capture or refund is posted. A captured payout with no hold left is settled; on an ended one only the money is looked after. */
  async captured(tx: Tx, payoutId: string): Promise<void> {
    const payout = await this.moves.lock(tx, payoutId);
    const terms = await this.ledger.payoutTerms(tx, payoutId);
    const isUsed = payout.status === 'ready' || payout.status === 'authorized';
    if (isUsed && terms.networkHeldMinor === 0n && terms.paidMinor + terms.overspentMinor > 0n) {
      await this.moves.move(tx, payout, 'settled');
    }
    await this.moves.wake(tx, payoutId);
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
    const payout = await this.moves.lock(tx, payoutId);
    if (payout.status === 'ready') await this.moves.move(tx, payout, 'authorized');
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
