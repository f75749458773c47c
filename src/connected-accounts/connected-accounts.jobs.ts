import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Tx } from '../platform/database/database';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { OnStripeCall } from '../stripe/on-stripe-call.decorator';
import type { SettledStripeCall } from '../stripe/stripe-call.types';
import { ConnectedAccountsService } from './connected-accounts.service';

const checkIntervalMs = 60_000;

@Injectable()
export class ConnectedAccountsJobs {
  constructor(
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly jobs: Jobs,
  ) {}

  @OnStripeCall('account.create')
  async afterCreate(tx: Tx, call: SettledStripeCall<'account.create'>): Promise<void> {
    await this.connectedAccounts.settleCreate(tx, call);
  }

  @Job('check-connected-account')
  async check({ connectedAccountId }: { connectedAccountId: string }): Promise<void> {
    await this.connectedAccounts.refresh(connectedAccountId);
  }

  @Job('check-connected-accounts')
  async checkWaiting(): Promise<void> {
    await this.connectedAccounts.enqueueChecks();
  }

  @Interval(checkIntervalMs)
  async scheduleChecks(): Promise<void> {
    await this.jobs.enqueueSingleton('check-connected-accounts');
  }
}
