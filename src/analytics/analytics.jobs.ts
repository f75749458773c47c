import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { AnalyticsService } from './analytics.service';

const observeJob = 'observe-platform-balance';

@Injectable()
export class AnalyticsJobs {
  constructor(
    private readonly jobs: Jobs,
    private readonly analytics: AnalyticsService,
  ) {}

  @Interval(300_000)
  async scheduleObservation(): Promise<void> {
    await this.jobs.enqueueSingleton(observeJob);
  }

  @Job(observeJob, { retryLimit: 2 })
  async observe(): Promise<void> {
    await this.analytics.observePlatformBalance();
  }
}
