import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Job } from '../platform/jobs/job.decorator';
import { Jobs } from '../platform/jobs/jobs.service';
import { attemptDeliveryJob, WebhookDeliveriesService } from './webhook-deliveries.service';

const sweepJob = 'deliver-outgoing-events';

@Injectable()
export class WebhookDeliveriesJobs {
  constructor(
    private readonly jobs: Jobs,
    private readonly deliveries: WebhookDeliveriesService,
  ) {}

  // Polled, not enqueued with each event: the decision function appends events in SQL, where no job can be made.
  @Interval(1_000)
  async scheduleSweep(): Promise<void> {
    await this.jobs.enqueueSingleton(sweepJob);
  }

  @Job(sweepJob, { retryLimit: 0 })
  async sweep(): Promise<void> {
    await this.deliveries.sweep();
  }

  @Job(attemptDeliveryJob, { concurrency: 20, retryLimit: 3 })
  async attempt({ deliveryId }: { deliveryId: string }): Promise<void> {
    await this.deliveries.attempt(deliveryId);
  }
}
