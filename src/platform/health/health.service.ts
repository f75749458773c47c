import { setTimeout as sleep } from 'node:timers/promises';
import { BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Database } from '../database/database';
import { Jobs } from '../jobs/jobs.service';

export interface Readiness {
  status: 'ok' | 'unavailable' | 'stopping';
  checks: { database: 'up' | 'down'; queue: 'up' | 'down' };
}

/** A check that hangs is a check that failed. */
const checkTimeoutMs = 2_000;

@Injectable()
export class HealthService implements BeforeApplicationShutdown {
  private isStopping = false;

  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
  ) {}

  async readiness(): Promise<Readiness> {
    const [database, queue] = await Promise.all([
      isUp(() => this.database.query('select 1')),
      isUp(() => this.jobs.assertHealthy()),
    ]);
    const isReady = database && queue;
    return {
      status: this.isStopping ? 'stopping' : isReady ? 'ok' : 'unavailable',
      checks: { database: database ? 'up' : 'down', queue: queue ? 'up' : 'down' },
    };
  }

  /** Load balancers stop sending requests while the last ones are answered. */
  beforeApplicationShutdown(): void {
    this.isStopping = true;
  }
}

async function isUp(check: () => Promise<unknown>): Promise<boolean> {
  const abort = new AbortController();
  const timeout = sleep(checkTimeoutMs, false, { signal: abort.signal, ref: false }).catch(() => false);
  try {
    return await Promise.race([check().then(() => true), timeout]);
  } catch {
    return false;
  } finally {
    abort.abort();
  }
}
