import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ConnectedAccountUpdated } from '../connected-accounts/connected-account.events';
import type { Tx } from '../platform/database/database';
import { On } from '../platform/events/on.decorator';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { OnStripeCall } from '../stripe/on-stripe-call.decorator';
import { FundingTransfersService } from './funding-transfers.service';
import type { FundingOutcome } from './funding.rail';

const sweepIntervalMs = 15_000;

@Injectable()
export class FundingTransfersJobs {
  constructor(
    private readonly fundingTransfers: FundingTransfersService,
    private readonly jobs: Jobs,
  ) {}

  @OnStripeCall(
    'transfer.create',
    'balance_transfer.create',
    'transfer_reversal.create',
    'topup.create',
    'payout.create',
  )
  async afterCall(tx: Tx, call: FundingOutcome): Promise<void> {
    await this.fundingTransfers.callSettled(tx, call);
  }

  @Job('check-funding-transfer')
  async check({ fundingTransferId }: { fundingTransferId: string }): Promise<void> {
    await this.fundingTransfers.check(fundingTransferId);
  }

  @Job('check-returning-transfer', { concurrency: 2 })
  async checkReturning({ fundingTransferId }: { fundingTransferId: string }): Promise<void> {
    await this.fundingTransfers.check(fundingTransferId);
  }

  @Job('link-funding-transfer', { retryLimit: 8 })
  async link({ fundingTransferId }: { fundingTransferId: string }): Promise<void> {
    await this.fundingTransfers.link(fundingTransferId);
  }

  @Job('observe-float', { retryLimit: 5 })
  async observeFloat({ connectedAccountId }: { connectedAccountId: string }): Promise<void> {
    await this.fundingTransfers.observeFloat(connectedAccountId);
  }

  @On(ConnectedAccountUpdated)
  async afterConnectedAccountUpdated({ connectedAccountId }: ConnectedAccountUpdated): Promise<void> {
    await this.fundingTransfers.followFloat(connectedAccountId);
  }

  @Job('sweep-funding-transfers')
  async sweep(): Promise<void> {
    await this.fundingTransfers.sweep();
  }

  @Interval(sweepIntervalMs)
  async scheduleSweep(): Promise<void> {
    await this.jobs.enqueueSingleton('sweep-funding-transfers');
  }
}
