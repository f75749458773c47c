import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { PayoutBatchesService } from './payout-batches.service';
import { PayoutLabelActsService } from './payout-label-acts.service';

@Injectable()
export class PayoutBatchesJobs {
  constructor(
    private readonly batches: PayoutBatchesService,
    private readonly labelActs: PayoutLabelActsService,
    private readonly jobs: Jobs,
  ) {}

  @Job('work-payout-batch', { concurrency: 4 })
  async work({ batchId, from, to }: { batchId: string; from: number; to: number }): Promise<void> {
    await this.batches.work(batchId, from, to);
  }

  @Interval(60_000)
  async scheduleResume(): Promise<void> {
    await this.jobs.enqueueSingleton('resume-payout-batches');
  }

  @Job('resume-payout-batches')
  async resume(): Promise<void> {
    await this.batches.resumeOverdue();
  }

  @Job('cancel-payouts-of-label')
  async cancel({ label, after }: { label: string; after: string }): Promise<void> {
    await this.labelActs.cancelFrom(label, after);
  }

  @Job('rotate-cards-of-label')
  async rotate({ label, after, until }: { label: string; after: string; until: string }): Promise<void> {
    await this.labelActs.rotateFrom(label, after, until);
  }
}
