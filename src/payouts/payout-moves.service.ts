import { Injectable } from '@nestjs/common';
import { LedgerService } from '../ledger/ledger.service';
import { PayoutTerms } from '../ledger/ledger.types';
import { Database, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { assertLegalMove } from '../shared/transitions';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { OutgoingEventDraft, OutgoingEventType } from '../webhook-outbox/outgoing-event.types';
import { PayoutNotFound } from './payout.errors';
import { endedStatuses, outcomeOf, payoutTransitions } from './payout.transitions';
import { Payout, PayoutStatus, WaitingReason } from './payout.types';
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

/** What every step of a payout is made of: hold it, move it, write down why, tell the marketplace, wake it. All in the caller's transaction. */
@Injectable()
export class PayoutMoves {
  constructor(
    private readonly repository: PayoutsRepository,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly ledger: LedgerService,
    private readonly outbox: OutboxService,
  ) {}

  /** @throws {PayoutNotFound} */
  async get(id: string): Promise<Payout> {
    const payout = await this.repository.find(this.database.reader, id);
    if (!payout) throw new PayoutNotFound(id);
    return payout;
  }

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

  /** Compare-and-set with a timeline row. The caller holds the payout's lock. @throws {IllegalMove} */
  async move(
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

  /**
   * Enqueues a look at the payout in the caller's transaction; several waiting ones are one. One that has ended waits in a queue of its
   * own, so that thousands of them stand before none that begins.
   */
  async wake(tx: Tx, payoutId: string, status?: PayoutStatus): Promise<void> {
    const hasEnded = status === 'closed' || (status !== undefined && endedStatuses.includes(status));
    const queue = hasEnded ? 'wind-down-payout' : 'advance-payout';
    await this.jobs.enqueue(tx, queue, { payoutId }, { singletonKey: payoutId });
  }

  /** Tells the marketplace. `more` joins what every event about a payout says. */
  async tell(tx: Tx, type: OutgoingEventType, payout: Payout, more: object = {}): Promise<void> {
    await this.outbox.append(tx, this.newsOf(type, payout, more));
  }

  /** What an event about the payout says. */
  newsOf(type: OutgoingEventType, payout: Payout, more: object = {}): OutgoingEventDraft {
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
