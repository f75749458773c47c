import { Injectable, Logger } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Database } from '../platform/database/database';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { StripeCallPerformer } from './stripe-call-performer';
import { performReturningStripeCall, performStripeCall, StripeCallsService } from './stripe-calls.service';

const wakeOverdue = 'wake-overdue-stripe-calls';

@Injectable()
export class StripeCallsJobs {
  private readonly logger = new Logger('stripe');

  constructor(
    private readonly performer: StripeCallPerformer,
    private readonly calls: StripeCallsService,
    private readonly database: Database,
    private readonly jobs: Jobs,
  ) {}

  // Calls wait for the network and the budget, not for this processor.
  @Job(performStripeCall, { concurrency: 10 })
  async perform({ callId }: { callId: string }): Promise<void> {
    await this.performer.perform(callId);
  }

  /** Beside the other queue, never in front of it: both draw on the same budget. */
  @Job(performReturningStripeCall, { concurrency: 10 })
  async performReturning({ callId }: { callId: string }): Promise<void> {
    await this.performer.perform(callId);
  }

  @Interval(15_000)
  async scheduleWaking(): Promise<void> {
    await this.jobs.enqueueSingleton(wakeOverdue);
  }

  /** A call whose job was lost (its retries used up, its queue wiped) is picked up from its row. */
  @Job(wakeOverdue)
  async wakeOverdue(): Promise<void> {
    const count = await this.database.transaction((tx) => this.calls.wakeOverdue(tx));
    if (count > 0) this.logger.log({ count }, 'Took up Stripe calls whose turn had passed.');
  }
}
