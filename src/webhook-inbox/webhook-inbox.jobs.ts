import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import type { Tx } from '../platform/database/database';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { OnStripeCall } from '../stripe/on-stripe-call.decorator';
import type { SettledStripeCall } from '../stripe/stripe-call.types';
import { platformCursor } from './webhook-inbox.repository';
import { sweepIntervalMs, sweepStripeAccount, WebhookInboxService } from './webhook-inbox.service';

const startSweeps = 'start-stripe-event-sweeps';

@Injectable()
export class WebhookInboxJobs {
  constructor(
    private readonly inbox: WebhookInboxService,
    private readonly jobs: Jobs,
  ) {}

  @Interval(sweepIntervalMs)
  async scheduleSweeps(): Promise<void> {
    await this.jobs.enqueueSingleton(startSweeps);
  }

  @Job(startSweeps)
  async startSweeps(): Promise<void> {
    await this.inbox.startSweeps();
  }

  // The next sweep is a minute away: nothing is gained by insisting.
  @Job(sweepStripeAccount, { retryLimit: 2, concurrency: 2 })
  async sweep({ stripeAccount }: { stripeAccount: string }): Promise<void> {
    await this.inbox.sweep(stripeAccount === platformCursor ? null : stripeAccount);
  }

  /** An account we made or used is watched from its first call on, whether or not its webhooks arrive. */
  @OnStripeCall('account.create', 'account.update', 'cardholder.create', 'balance_transfer.create', 'topup.create')
  async watch(
    tx: Tx,
    call: SettledStripeCall<
      'account.create' | 'account.update' | 'cardholder.create' | 'balance_transfer.create' | 'topup.create'
    >,
  ): Promise<void> {
    if (call.status !== 'done') return;
    const created = 'stripeAccountId' in call.result ? call.result.stripeAccountId : null;
    const stripeAccount = created ?? call.stripeAccount;
    if (stripeAccount !== null) await this.inbox.watch(tx, stripeAccount);
  }
}
