import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { PayoutLimitsService } from './payout-limits.service';

@Injectable()
export class PayoutLimitsJobs {
  constructor(
    private readonly limits: PayoutLimitsService,
    private readonly jobs: Jobs,
  ) {}

  @Cron('41 3 * * *', { timeZone: 'UTC' })
  async schedulePurge(): Promise<void> {
    await this.jobs.enqueueSingleton('purge-daily-limits');
  }

  @Job('purge-daily-limits')
  async purge(): Promise<void> {
    await this.limits.purge();
  }
}
