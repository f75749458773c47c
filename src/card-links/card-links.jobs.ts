import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { CardLinksService } from './card-links.service';

const reminderIntervalMs = 60_000;

@Injectable()
export class CardLinksJobs {
  constructor(
    private readonly cardLinks: CardLinksService,
    private readonly jobs: Jobs,
  ) {}

  @Interval(reminderIntervalMs)
  async scheduleReminders(): Promise<void> {
    await this.jobs.enqueueSingleton('remind-of-card-links');
  }

  @Job('remind-of-card-links')
  async remind(): Promise<void> {
    await this.cardLinks.remind();
  }
}
