import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Job } from '../jobs/job.decorator';
import { Jobs } from '../jobs/jobs.service';
import { Idempotency } from './idempotency.service';

@Injectable()
export class IdempotencyJobs {
  private readonly logger = new Logger('http');

  constructor(
    private readonly idempotency: Idempotency,
    private readonly jobs: Jobs,
  ) {}

  @Cron('17 3 * * *', { timeZone: 'UTC' })
  async schedulePurge(): Promise<void> {
    await this.jobs.enqueueSingleton('purge-idempotency-keys');
  }

  @Job('purge-idempotency-keys')
  async purge(): Promise<void> {
    const count = await this.idempotency.purge();
    if (count > 0) this.logger.log(`Forgot ${count} old answers.`);
  }
}
