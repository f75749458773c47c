import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { DataRetentionService } from './data-retention.service';

const enforceJob = 'enforce-retention';

@Injectable()
export class DataRetentionJobs {
  private readonly logger = new Logger('data-retention');

  constructor(
    private readonly jobs: Jobs,
    private readonly retention: DataRetentionService,
  ) {}

  @Cron('41 3 * * *', { timeZone: 'UTC' })
  async scheduleEnforcement(): Promise<void> {
    await this.jobs.enqueueSingleton(enforceJob);
  }

  @Job(enforceJob, { retryLimit: 3, expireInSeconds: 3_600 })
  async enforce(): Promise<void> {
    const forgotten = await this.retention.enforce();
    this.logger.log({ ...forgotten }, 'Forgot what is older than RETENTION_* keeps.');
  }
}
