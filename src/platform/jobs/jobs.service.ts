import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { BeforeApplicationShutdown, Injectable, Logger, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { Db as BossDatabase, JobResult, JobWithMetadata, PgBoss } from 'pg-boss';
import { Config } from '../config/config';
import { Tx } from '../database/database';
import { onEventKey, EventClass } from '../events/on.decorator';
import { LogContext } from '../logging/log-context';
import { findMethods } from './handlers';
import { jobKey, JobMetadata, JobOptions } from './job.decorator';

export interface EnqueueOptions {
  /** Not before this moment. Default: at once. */
  readonly startAfter?: Date;
  /** At most one *waiting* job of this name has this key: a second enqueue is dropped. A running one does not count. */
  readonly singletonKey?: string;
  /** Of those that wait in a queue the highest is run first. Default: that of the job which asks, or else 0. */
  readonly priority?: number;
}

interface Handler {
  readonly queue: string;
  readonly options: JobOptions;
  readonly run: (data: unknown) => Promise<unknown>;
}

/** Behind everything that somebody waits for. */
export const bulkPriority = -1;

const schema = 'pgboss';
const shutdownTimeoutMs = 25_000;

/**
 * Work that goes on behind the answer: rows in PostgreSQL, enqueued in the transaction of the row that asks for them, run by
 * whichever worker is free. At least once, so every handler is idempotent. A killed worker's job runs again after some fifteen
 * seconds: its heartbeat stops (10 s), the next supervision (every 2 s) hands it out again, and the next poll finds it.
 */
@Injectable()
export class Jobs implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('jobs');
  private readonly boss: PgBoss;
  private readonly handlers = new Map<string, Handler>();
  private readonly listeners = new Map<EventClass, string[]>();
  /** Of the job that is running: what it asks for is as urgent as itself, in whatever queue. */
  private readonly priority = new AsyncLocalStorage<number>();
  private readonly isWorker: boolean;

  constructor(
    private readonly config: Config,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
    private readonly logContext: LogContext,
  ) {
    this.isWorker = config.roles.has('worker');
    this.boss = new PgBoss({
      connectionString: config.databaseUrl!,
      schema,
      application_name: 'disburse-jobs',
      max: 8,
      supervise: this.isWorker,
      schedule: false,
      superviseIntervalSeconds: 2,
      // Shorter than the interval of supervision, or every other round would find that it is not quite time.
      monitorIntervalSeconds: 1,
      useListenNotify: true,
    });
    this.boss.on('error', (error) => this.logger.error({ err: error }, 'The job queue reported an error.'));
  }

  async onModuleInit(): Promise<void> {
    this.discover();
    await this.boss.start();
    const known = new Set((await this.boss.getQueues()).map((queue) => queue.name));
    for (const { queue, options } of this.handlers.values()) {
      const settings = {
        notify: true,
        retryLimit: options.retryLimit ?? 20,
        retryDelay: options.retryDelay ?? 1,
        retryBackoff: true,
        retryDelayMax: options.retryDelayMax ?? 300,
        expireInSeconds: options.expireInSeconds ?? 120,
        heartbeatSeconds: 10,
        // Finished jobs are kept a day for whoever looks into an incident.
        deleteAfterSeconds: 86_400,
      };
      // `short`: at most one waiting job per singleton key; jobs without one get a key of their own.
      if (known.has(queue)) await this.boss.updateQueue(queue, settings);
      else await this.boss.createQueue(queue, { ...settings, policy: 'short' });
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.isWorker) return;
    for (const handler of this.handlers.values()) {
      await this.boss.work(
        handler.queue,
        {
          batchSize: handler.options.concurrency ?? 4,
          localConcurrency: 1,
          burstWhenBatchFull: true,
          perJobResults: true,
          includeMetadata: true,
          pollingIntervalSeconds: handler.options.pollSeconds ?? 2,
          // Delayed jobs (an expiry, a retry) make no notification: polling finds them.
          notifyPollingIntervalSeconds: handler.options.pollSeconds ?? 2,
          heartbeatRefreshSeconds: 3,
        },
        (jobs) => Promise.all(jobs.map((job) => this.run(handler, job))),
      );
    }
  }

  /** Lets running jobs finish; what is cut off runs again elsewhere. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.boss.stop({ graceful: true, timeout: shutdownTimeoutMs, close: true });
  }

  /** Enqueues in the caller's transaction: the job exists if and only if the caller's rows do. `data` must survive JSON. */
  async enqueue(tx: Tx, name: string, data: object, options: EnqueueOptions = {}): Promise<void> {
    await this.send(name, data, options, databaseOf(tx));
  }

  /** The same for many jobs of one name, in one statement. */
  async enqueueAll(
    tx: Tx,
    name: string,
    jobs: readonly (EnqueueOptions & Readonly<{ data: object; singletonKey: string }>)[],
  ): Promise<void> {
    if (!this.handlers.has(name)) throw new Error(`No handler is registered for the job ${name}.`);
    if (jobs.length === 0) return;
    const priority = this.priority.getStore() ?? 0;
    await this.boss.insert(
      name,
      jobs.map((job) => ({ priority, ...job })),
      { db: databaseOf(tx) },
    );
  }

  /** For schedules: at most one job of this name waits, however many replicas ask. */
  async enqueueSingleton(name: string, data: object = {}): Promise<void> {
    await this.send(name, data, { singletonKey: 'schedule' });
  }

  /** Queues that listen to this kind of event. */
  listenersOf(event: EventClass): readonly string[] {
    return this.listeners.get(event) ?? [];
  }

  /** @throws when the queue's tables cannot be read */
  async assertHealthy(): Promise<void> {
    await this.boss.getDb().executeSql(`select 1 from ${schema}.job limit 1`);
  }

  /** Jobs that wait, run or failed, by queue: for metrics and the operator. */
  async counts(): Promise<{ queue: string; state: string; jobs: number; oldestSeconds: number }[]> {
    const { rows } = await this.boss.getDb().executeSql(
      `select name as queue, state::text, count(*)::int as jobs,
              coalesce(extract(epoch from now() - min(created_on)), 0)::int as "oldestSeconds"
       from ${schema}.job where state in ('created', 'retry', 'active', 'failed') group by name, state order by name, state`,
    );
    return rows as { queue: string; state: string; jobs: number; oldestSeconds: number }[];
  }

  private async send(name: string, data: object, options: EnqueueOptions, db?: BossDatabase): Promise<void> {
    if (!this.handlers.has(name)) throw new Error(`No handler is registered for the job ${name}.`);
    await this.boss.send(name, data, {
      singletonKey: options.singletonKey ?? randomUUID(),
      priority: options.priority ?? this.priority.getStore() ?? 0,
      ...(options.startAfter ? { startAfter: options.startAfter } : {}),
      ...(db ? { db } : {}),
    });
  }

  private discover(): void {
    const found = <Metadata>(key: string) => findMethods<Metadata>(this.discovery, this.scanner, this.reflector, key);
    for (const { metadata, call, label } of found<JobMetadata>(jobKey)) {
      this.register({ queue: metadata.name, options: metadata.options, run: call }, label);
    }
    for (const { metadata: event, call, label } of found<EventClass>(onEventKey)) {
      const queue = `on.${event.name}.${label}`;
      this.register({ queue, options: {}, run: call }, label);
      this.listeners.set(event, [...(this.listeners.get(event) ?? []), queue]);
    }
  }

  private register(handler: Handler, label: string): void {
    if (this.handlers.has(handler.queue)) throw new Error(`The job ${handler.queue} has a second handler, ${label}.`);
    this.handlers.set(handler.queue, handler);
  }

  private async run(handler: Handler, job: JobWithMetadata<unknown>): Promise<JobResult> {
    const payoutId = payoutOf(job.data as object);
    return this.logContext.run(
      { job: handler.queue, job_id: job.id, ...(payoutId ? { payout_id: payoutId } : {}) },
      async () => {
        try {
          await this.priority.run(job.priority, () => handler.run(job.data));
          return { id: job.id, status: 'completed' };
        } catch (error) {
          this.logger.warn(
            { err: error, attempt: job.retryCount + 1 },
            `The job ${handler.queue} failed and will be retried.`,
          );
          // Only the message: an error object may hold a request with personal data.
          return {
            id: job.id,
            status: 'failed',
            output: { message: error instanceof Error ? error.message : 'unknown' },
          };
        }
      },
    );
  }
}

/** pg-boss writes through the caller's transaction. */
function databaseOf(tx: Tx): BossDatabase {
  return {
    executeSql: async (text, values) => {
      const connection = (await tx.queryRunner!.connect()) as {
        query: (text: string, values?: unknown[]) => Promise<{ rows: unknown[] }>;
      };
      return connection.query(text, values);
    },
  };
}

function payoutOf(data: object): string | undefined {
  const { payoutId, reference } = data as { payoutId?: unknown; reference?: unknown };
  return [payoutId, reference].find((id): id is string => typeof id === 'string');
}
