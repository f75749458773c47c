import { Injectable } from '@nestjs/common';
import { Metrics } from '../platform/metrics/metrics.service';
import { WebhookInboxRepository } from './webhook-inbox.repository';

/** Events that wait for their handlers, and events that nobody could handle. */
@Injectable()
export class WebhookInboxMetrics {
  constructor(metrics: Metrics, repository: WebhookInboxRepository) {
    metrics.gauge('disburse_stripe_events_open', 'Stored Stripe events not handled.', ['status'], async (gauge) => {
      gauge.reset();
      for (const { status, count } of await repository.countOpen()) gauge.set({ status }, count);
    });
  }
}
