import { Injectable, OnModuleInit } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { CardholderUpdated } from '../cardholders/cardholder.events';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { CardCanceled, CardIssuanceFailed, CardIssued, CardReplacementRequested } from '../card-issuance/card.events';
import { ConnectedAccountUpdated } from '../connected-accounts/connected-account.events';
import {
  FloatObserved,
  FundingTransferFailed,
  FundingTransferSettled,
  FundingTransferShort,
  ReclaimDelayed,
  ReclaimFailed,
  ReclaimReturned,
  ReclaimSettled,
} from '../funding-transfers/funding-transfer.events';
import { On } from '../platform/events/on.decorator';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { checkTransitions } from '../shared/transitions';
import { payoutTransitions } from './payout.transitions';
import { PayoutProgressService } from './payout-progress.service';

/** What wakes a payout. Each handler may run twice, late, or beside another: `advance` looks at the facts, not at the message. */
@Injectable()
export class PayoutsJobs implements OnModuleInit {
  private lastExpiry: Promise<void> = Promise.resolve();

  constructor(
    private readonly progress: PayoutProgressService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly jobs: Jobs,
  ) {}

  onModuleInit(): void {
    checkTransitions(payoutTransitions, 'pending');
    this.cardIssuance.guardReplacement((tx, card) => this.progress.assertCardReplaceable(tx, card));
  }

  @Job('advance-payout', { concurrency: 8 })
  async advance({ payoutId }: { payoutId: string }): Promise<void> {
    await this.progress.advance(payoutId);
  }

  /**
   * Waits in the queue until `expires_at`. Polled often: a seller's card ends at its second, not at the next sweep. The first of many jobs
   * that are due ends all their payouts; the rest find that done.
   */
  @Job('expire-payout', { concurrency: 100, pollSeconds: 0.5 })
  async expire({ payoutId }: { payoutId: string }): Promise<void> {
    const turn = this.lastExpiry.then(() => this.progress.expire(payoutId));
    this.lastExpiry = turn.catch(() => undefined);
    await turn;
  }

  /** Few at a time: thousands that ended in one minute must leave the processor to payouts that begin (decision 13). */
  @Job('wind-down-payout', { concurrency: 2 })
  async windDown({ payoutId }: { payoutId: string }): Promise<void> {
    await this.progress.advance(payoutId);
  }

  @Interval(15_000)
  async sweep(): Promise<void> {
    await this.jobs.enqueueSingleton('wake-overdue-payouts');
  }

  @Job('wake-overdue-payouts')
  async wakeOverdue(): Promise<void> {
    await this.progress.wakeOverdue();
  }

  @On(FundingTransferSettled)
  async afterFunding({ reference }: FundingTransferSettled): Promise<void> {
    await this.progress.advance(reference);
  }

  @On(FundingTransferShort)
  async afterShortage({ reference }: FundingTransferShort): Promise<void> {
    await this.progress.waitForFunds(reference);
  }

  @On(FundingTransferFailed)
  async afterFailedFunding({ reference, code, detail }: FundingTransferFailed): Promise<void> {
    await this.progress.fail(reference, { code, detail });
  }

  @On(ReclaimSettled)
  async afterReclaim({ reference, fundingTransferId, amountMinor }: ReclaimSettled): Promise<void> {
    await this.progress.reclaimSettled(reference, fundingTransferId, BigInt(amountMinor));
  }

  @On(ReclaimFailed)
  async afterFailedReclaim({ reference, fundingTransferId, code, detail }: ReclaimFailed): Promise<void> {
    await this.progress.reclaimFailed(reference, fundingTransferId, { code, detail });
  }

  @On(ReclaimDelayed)
  async afterDelayedReclaim({ reference, fundingTransferId, code, detail }: ReclaimDelayed): Promise<void> {
    await this.progress.reclaimDelayed(reference, fundingTransferId, { code, detail });
  }

  @On(ReclaimReturned)
  async afterReturnedReclaim({ reference }: ReclaimReturned): Promise<void> {
    await this.progress.advance(reference);
  }

  @On(CardIssued)
  async afterIssue({ payoutId }: CardIssued): Promise<void> {
    await this.progress.advance(payoutId);
  }

  @On(CardIssuanceFailed)
  async afterFailedIssue({ payoutId, code, detail }: CardIssuanceFailed): Promise<void> {
    await this.progress.fail(payoutId, { code, detail });
  }

  @On(CardCanceled)
  async afterCancel({ payoutId, wasRequested }: CardCanceled): Promise<void> {
    await this.progress.cardDied(payoutId, wasRequested);
  }

  @On(CardReplacementRequested)
  async afterReplacementRequest({ payoutId, cardId }: CardReplacementRequested): Promise<void> {
    await this.progress.replaceCard(payoutId, cardId);
  }

  @On(ConnectedAccountUpdated)
  async afterAccountUpdate({ connectedAccountId }: ConnectedAccountUpdated): Promise<void> {
    await this.progress.resumeWaiting({ reasons: ['account_capability'], connectedAccountId });
    await this.progress.resumeIssuing(connectedAccountId);
  }

  @On(CardholderUpdated)
  async afterCardholderUpdate({ cardholderId }: CardholderUpdated): Promise<void> {
    await this.progress.resumeWaiting({ reasons: ['cardholder_requirement'], cardholderId });
  }

  @On(FloatObserved)
  async afterFloat({ connectedAccountId }: FloatObserved): Promise<void> {
    await this.progress.resumeWaiting({ reasons: ['platform_funds'], connectedAccountId });
  }
}
