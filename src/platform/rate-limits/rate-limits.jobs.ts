import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Job } from '../jobs/job.decorator';
import { Jobs } from '../jobs/jobs.service';
import { RateLimitsRepository } from './rate-limits.repository';

@Injectable()
export class RateLimitsJobs {
  constructor(
    private readonly repository: RateLimitsRepository,
    private readonly jobs: Jobs,
  ) {}

  @Cron('*/10 * * * *')
  async schedulePurge(): Promise<void> {
    await this.jobs.enqueueSingleton('purge-rate-limits');
  }

  @Job('purge-rate-limits')
  async purge(): Promise<void> {
    await this.repository.purge();
  }
}
