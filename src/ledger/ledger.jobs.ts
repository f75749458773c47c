import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { LedgerSealsService } from './ledger-seals.service';

@Injectable()
export class LedgerJobs {
  private readonly logger = new Logger('ledger');

  constructor(
    private readonly seals: LedgerSealsService,
    private readonly jobs: Jobs,
  ) {}

  @Cron('11 0 * * *', { timeZone: 'UTC' })
  async scheduleDaily(): Promise<void> {
    await this.jobs.enqueueSingleton('seal-ledger');
  }

  // The first seals of a long ledger are many; each is a commit of its own, so that a killed worker's successor goes on.
  @Job('seal-ledger', { concurrency: 1, expireInSeconds: 60 * 60 })
  async seal(): Promise<void> {
    const { entries, newest } = await this.seals.sealNew();
    // A copy outside the database: with it even the newest seals cannot be taken away unseen (ledger-verify --seal).
    this.logger.log({ entries, seal: newest && `${newest.number}:${newest.hash}` }, 'The ledger is sealed.');
  }
}
