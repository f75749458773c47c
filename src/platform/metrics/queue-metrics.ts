import { Injectable } from '@nestjs/common';
import { Jobs } from '../jobs/jobs.service';
import { Metrics } from './metrics.service';

/** How much work waits, and how long the oldest has waited. Asked of the database when Prometheus asks us. */
@Injectable()
export class QueueMetrics {
  constructor(metrics: Metrics, jobs: Jobs) {
    metrics.gauge('disburse_jobs', 'Jobs by queue and state.', ['queue', 'state'], async (gauge) => {
      gauge.reset();
      for (const { queue, state, jobs: count } of await jobs.counts()) gauge.set({ queue, state }, count);
    });
    metrics.gauge(
      'disburse_job_oldest_seconds',
      'Age of the oldest job by queue and state.',
      ['queue', 'state'],
      async (gauge) => {
        gauge.reset();
        for (const { queue, state, oldestSeconds } of await jobs.counts()) gauge.set({ queue, state }, oldestSeconds);
      },
    );
  }
}
