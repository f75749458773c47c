import { Injectable } from '@nestjs/common';
import { Metrics } from '../platform/metrics/metrics.service';
import { StripeCallsRepository } from './stripe-calls.repository';

/** How many calls wait for an outcome. `unknown` above zero wants a person's eye. */
@Injectable()
export class StripeCallMetrics {
  constructor(metrics: Metrics, repository: StripeCallsRepository) {
    metrics.gauge('disburse_stripe_calls_open', 'Calls to Stripe without an outcome.', ['status'], async (gauge) => {
      gauge.reset();
      for (const { status, count } of await repository.countOpen()) gauge.set({ status }, count);
    });
  }
}
