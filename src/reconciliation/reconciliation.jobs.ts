import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { ReconciliationRunnerService } from './reconciliation-runner.service';
import { ReconciliationService } from './reconciliation.service';

@Injectable()
export class ReconciliationJobs {
  constructor(
    private readonly reconciliation: ReconciliationService,
    private readonly runner: ReconciliationRunnerService,
    private readonly jobs: Jobs,
  ) {}

  // Once a day, by its row; asked for every hour, so that a night without a worker costs hours and not the day.
  @Cron('41 * * * *', { timeZone: 'UTC' })
  async scheduleDaily(): Promise<void> {
    await this.jobs.enqueueSingleton('start-daily-reconciliation');
  }

  @Job('start-daily-reconciliation')
  async startDaily(): Promise<void> {
    await this.reconciliation.startDaily();
  }

  @Job('begin-reconciliation-run')
  async begin({ runId }: { runId: string }): Promise<void> {
    await this.runner.begin(runId);
  }

  // A first pass over a long history lists for hours at Stripe's rate; the heartbeat tells a dead worker from a slow one.
  @Job('reconcile-account', { concurrency: 2, expireInSeconds: 6 * 60 * 60 })
  async reconcileAccount({ runId, account }: { runId: string; account: string }): Promise<void> {
    await this.runner.reconcileAccount(runId, account);
  }
}
