import { Injectable } from '@nestjs/common';
import { CardholdersService } from '../cardholders/cardholders.service';
import { CardNotReplaceable } from '../card-issuance/card.errors';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { Card } from '../card-issuance/card.types';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { FundingTransfersService } from '../funding-transfers/funding-transfers.service';
import { accounts, credit, debit } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { Database, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { idPrefixes, newId } from '../shared/ids';
import { majorUnitMinor, money } from '../shared/money';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { PayoutMoves } from './payout-moves.service';
import { cardDeathNewsMs, choosePayoutStep, PayoutFacts, PayoutStep } from './payout.policy';
import { cancelableStatuses, outcomeOf, payoutTransitions } from './payout.transitions';
import { Payout, WaitingReason } from './payout.types';
import { PayoutsRepository } from './payouts.repository';

// Steps of one wake-up; far more than any payout needs in a row.
const stepsMax = 20;
const expireTogetherMax = 100;
const fundsRetryMs = 60_000;
const reclaimRetryMs = 5 * 60_000;

/**
 * The progress of a payout. Every fact wakes `advance`, which asks the policy for the next step and takes it, one database transaction
 * a step: a process that dies leaves a payout that the next wake-up carries on.
 */
@Injectable()
export class PayoutProgressService {
  constructor(
    private readonly repository: PayoutsRepository,
    private readonly moves: PayoutMoves,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly ledger: LedgerService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly cardholders: CardholdersService,
    private readonly fundingTransfers: FundingTransfersService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly outbox: OutboxService,
  ) {}

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
    const { status } = await this.moves.get(payoutId);
    if (status === 'expired' || status === 'closed') return;
    if (cancelableStatuses.includes(status)) {
      const leftOut = new Set<string>();
      while (await this.expireDue(leftOut));
      if ((await this.moves.get(payoutId)).status === 'expired') return;
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
        this.moves.newsOf('payout.expired', { ...payout, status: 'expired', outcome: outcomes[index]! }),
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
      const payout = await this.moves.lock(tx, payoutId);
      const retryAt = new Date(this.clock.now().getTime() + fundsRetryMs);
      if (payout.status === 'funding') {
        await this.moves.move(tx, payout, 'pending', { waitingOn: 'platform_funds', retryAt });
        await this.moves.wake(tx, payoutId);
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
      const payout = await this.moves.lock(tx, payoutId);
      if (payoutTransitions[payout.status].includes('failed')) {
        await this.moves.move(tx, payout, 'failed', { failure });
        await this.moves.wake(tx, payoutId);
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
      await this.moves.note(tx, payout.id, 'overspend.cover_failed', failure);
    }
    await this.moves.wake(tx, payout.id);
  }

  /** A new card is wanted in place of this one, which is dead. Said again after the new one came, it changes nothing. */
  async replaceCard(payoutId: string, cardId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.moves.lock(tx, payoutId);
      if (payout.status === 'ready' && payout.cardId === cardId) await this.moves.move(tx, payout, 'issuing');
      await this.moves.wake(tx, payoutId);
    });
  }

  async reclaimSettled(payoutId: string, fundingTransferId: string, amountMinor: bigint): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.moves.lock(tx, payoutId);
      const detail = { funding_transfer: fundingTransferId, amount: Number(amountMinor), currency: payout.currency };
      await this.moves.note(tx, payoutId, 'reclaim.completed', detail);
      await this.moves.tell(tx, 'reclaim.completed', payout, detail);
      await this.moves.wake(tx, payoutId, payout.status);
    });
  }

  /** Half-way and held up: it goes on by itself, and the marketplace hears why it takes longer. */
  async reclaimDelayed(
    payoutId: string,
    fundingTransferId: string,
    failure: { code: string; detail: string },
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.moves.lock(tx, payoutId);
      const detail = { funding_transfer: fundingTransferId, ...failure, will_retry: true };
      await this.moves.note(tx, payoutId, 'reclaim.delayed', detail);
      await this.moves.tell(tx, 'reclaim.failed', payout, detail);
    });
  }

  /** Proven not moved: the intent is taken back and tried again later. */
  async reclaimFailed(
    payoutId: string,
    fundingTransferId: string,
    failure: { code: string; detail: string },
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      const payout = await this.moves.lock(tx, payoutId);
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
      await this.moves.note(tx, payoutId, 'reclaim.failed', detail);
      await this.moves.tell(tx, 'reclaim.failed', payout, detail);
      // The want of money may have come from a capture that found the promise on its way back: it is paid from there now.
      await this.moves.wake(tx, payoutId, payout.status);
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
        await this.moves.wake(tx, id);
      }
    });
  }

  /** An account that was suspended may have cards issued again. */
  async resumeIssuing(connectedAccountId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      for (const id of await this.repository.findIssuing(tx, connectedAccountId, 1_000)) await this.moves.wake(tx, id);
    });
  }

  /** Wakes what its time has come for, and what nothing moved for a while: a lost event or job heals here. */
  async wakeOverdue(limit = 500): Promise<number> {
    const now = this.clock.now();
    const idleSince = new Date(now.getTime() - 60_000);
    return this.database.transaction(async (tx) => {
      const overdue = await this.repository.findOverdue(tx, now, idleSince, limit);
      for (const { id, status } of overdue) await this.moves.wake(tx, id, status);
      return overdue.length;
    });
  }

  /** One step in one transaction; answers whether another may follow. */
  private async takeStep(tx: Tx, payoutId: string): Promise<boolean> {
    const payout = await this.moves.lock(tx, payoutId);
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
          await this.moves.note(tx, payout.id, 'payout.waiting', { waiting_on: step.reason });
        }
        return false;
      }
      case 'fund': {
        await this.moves.move(tx, payout, 'funding');
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
        if (payout.status === 'funding' && step.to === 'issuing') await this.moves.tell(tx, 'payout.funded', payout);
        await this.moves.move(tx, payout, step.to, step.cardId === undefined ? {} : { cardId: step.cardId });
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
    await this.moves.note(tx, payout.id, 'overspend.covering', {
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
    await this.moves.note(tx, payout.id, 'payout.overspend_settled', {
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
    await this.moves.note(tx, payout.id, 'reclaim.started', detail);
    await this.moves.tell(tx, 'reclaim.started', payout, detail);
  }
}
