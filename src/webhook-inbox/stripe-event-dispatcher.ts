import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { BeforeApplicationShutdown, Injectable, Logger, OnApplicationBootstrap } from '@nestjs/common';
import { Client } from 'pg';
import { Config } from '../platform/config/config';
import { StatementBatch } from '../platform/database/statement-batch';
import { LogContext } from '../platform/logging/log-context';
import { Clock } from '../shared/clock';
import { withoutPersonalData } from '../stripe/classify-stripe-error';
import { StripeEventHandlers } from './stripe-event-handlers';
import type { StripeEvent } from './stripe-event.types';
import { chainByObject, dispatchAttemptsMax, dispatchDelayMs, objectOf } from './webhook-inbox.policy';
import { ClaimedEvent, HandledEvent, newsChannel, WebhookInboxRepository } from './webhook-inbox.repository';

/** Events of different objects that one process handles at the same time. Most of that time they wait for Stripe, and hold no connection. */
const concurrency = 32;

/** Taken in one statement, for the time it takes to handle a few. */
const claimSize = 64;

/** A worker that died is noticed when it has not spoken up for its events for so long; they are then given to another. */
const leaseMs = 12_000;
const leaseRenewalMs = 3_000;

/** Retries whose time has come, and events that no wake-up told of, are found by looking. */
const pollMs = 1_000;

const shutdownMs = 20_000;

/**
 * Hands stored events to their handlers, in every process that is a worker. The rows are the queue: an event is taken by putting off its
 * next attempt, and whoever does not finish it in time lets the next worker have it. Events of one object are handled one after the
 * other in Stripe's order; a slow one holds up only its own object.
 */
@Injectable()
export class StripeEventDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('webhook-inbox');
  /** Taken and not begun, by object, in the order they were taken. */
  private readonly chains: ClaimedEvent[][] = [];
  /** Everything this process answers for. */
  private readonly taken = new Set<string>();
  /** Objects being handled, each with what came for it meanwhile. */
  private readonly busy = new Map<string, ClaimedEvent[]>();
  private readonly running = new Set<Promise<void>>();
  private readonly handled: StatementBatch<HandledEvent, undefined>;
  private isStopping = false;
  private isWoken = false;
  /** More was due than one claim takes. */
  private hasMore = false;
  private listener: Client | undefined;
  private wakeUp: () => void = () => undefined;
  private loop: Promise<void> = Promise.resolve();

  constructor(
    private readonly repository: WebhookInboxRepository,
    private readonly handlers: StripeEventHandlers,
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly logContext: LogContext,
  ) {
    this.handled = new StatementBatch(
      async (events) => {
        await this.repository.markHandled(events, this.clock.now());
        return events.map(() => undefined);
      },
      { sizeMax: 100, underWayMax: 1 },
    );
  }

  /** Whether this process handles events. */
  get isWorker(): boolean {
    return this.config.roles.has('worker');
  }

  onApplicationBootstrap(): void {
    if (this.isWorker) this.loop = this.run();
  }

  /** Finishes what was begun and gives back what was not. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    this.wake();
    await this.loop;
    await Promise.race([Promise.allSettled(this.running), pause(shutdownMs, undefined, { ref: false })]);
    await this.repository.giveBack(this.chains.flat().map(({ id }) => id)).catch(() => undefined);
    await this.listener?.end().catch(() => undefined);
  }

  /** There may be something to do. */
  wake(): void {
    this.isWoken = true;
    this.wakeUp();
  }

  private async run(): Promise<void> {
    let renewedAt = performance.now();
    while (!this.isStopping) {
      try {
        this.listen();
        if (performance.now() - renewedAt >= leaseRenewalMs) {
          renewedAt = performance.now();
          await this.repository.renew([...this.taken], leaseMs);
        }
        this.isWoken = false;
        // Without room, what is there to be taken is looked for when there is.
        this.hasMore = true;
        if (this.chains.length < concurrency) {
          const claimed = await this.repository.claim(claimSize, leaseMs, this.clock.now());
          this.hasMore = claimed.length === claimSize;
          this.take(claimed);
        }
        if (!this.hasMore || this.chains.length >= concurrency) await this.rest();
      } catch (error) {
        this.logger.error({ err: error }, 'Stored events could not be taken up; it is tried again.');
        await pause(pollMs);
      }
    }
  }

  /**
   * Other processes tell of what they stored. A connection that broke, or cannot be had, is tried anew a second later; meanwhile, looking
   * finds everything too, so nothing waits for it.
   */
  private listen(): void {
    if (this.listener) return;
    const client = new Client({
      connectionString: this.config.databaseUrl!,
      application_name: 'disburse-inbox',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    this.listener = client;
    const forget = () => {
      setTimeout(() => {
        if (this.listener === client) this.listener = undefined;
      }, pollMs).unref();
    };
    client.on('error', forget);
    client.on('end', forget);
    client.on('notification', () => this.wake());
    client
      .connect()
      .then(() => client.query(`listen ${newsChannel}`))
      .catch((error: unknown) => {
        this.logger.warn({ err: error }, 'News of stored events cannot be heard; they are looked for.');
        forget();
      });
  }

  private async rest(): Promise<void> {
    if (this.isWoken || this.isStopping) return;
    const woken = new Promise<void>((done) => (this.wakeUp = done));
    const poll = new AbortController();
    await Promise.race([woken, pause(pollMs, undefined, { signal: poll.signal }).catch(() => undefined)]);
    poll.abort();
  }

  private take(events: readonly ClaimedEvent[]): void {
    for (const chain of chainByObject(events.filter(({ id }) => !this.taken.has(id)))) {
      for (const { id } of chain) this.taken.add(id);
      const before = this.busy.get(objectOf(chain[0]!));
      if (before) before.push(...chain);
      else this.chains.push(chain);
    }
    this.begin();
  }

  private begin(): void {
    while (!this.isStopping && this.running.size < concurrency) {
      const chain = this.chains.shift();
      if (!chain) return;
      const run = this.runChain(chain).finally(() => {
        this.running.delete(run);
        this.begin();
        if (this.hasMore && this.chains.length < concurrency) this.wake();
      });
      this.running.add(run);
    }
  }

  private async runChain(chain: ClaimedEvent[]): Promise<void> {
    const object = objectOf(chain[0]!);
    const earlier = this.busy.get(object);
    if (earlier) {
      earlier.push(...chain);
      return;
    }
    this.busy.set(object, chain);
    try {
      while (chain.length > 0 && !this.isStopping) await this.handle(chain.shift()!);
    } finally {
      this.busy.delete(object);
      if (chain.length > 0) this.chains.push(chain);
    }
  }

  /** Each handler that is through stays through when another has to be retried. Never throws: what is not marked is taken up again. */
  private async handle(stored: ClaimedEvent): Promise<void> {
    const event: StripeEvent = {
      id: stored.stripeEventId,
      type: stored.type,
      stripeAccount: stored.stripeAccountId,
      createdAt: stored.occurredAt,
      object: stored.object,
      previousAttributes: stored.previousAttributes,
      isStale: stored.isStale,
    };
    const handledBy = new Set(stored.handledBy);
    const errors: string[] = [];
    for (const handler of this.handlers.of(stored.type)) {
      if (handledBy.has(handler.label)) continue;
      try {
        await this.logContext.run({ stripe_event_id: event.id, event_type: event.type }, () => handler.call(event));
        handledBy.add(handler.label);
      } catch (error) {
        this.logger.warn(
          {
            err: error,
            stripe_event_id: event.id,
            type: event.type,
            handler: handler.label,
            attempts: stored.attempts,
          },
          'A handler of a Stripe event failed.',
        );
        errors.push(`${handler.label}: ${error instanceof Error ? error.message : 'unknown error'}`);
      }
    }
    try {
      if (errors.length === 0) await this.handled.add({ id: stored.id, handledBy: [...handledBy] });
      else await this.recordFailure(stored, [...handledBy], errors);
    } catch (error) {
      this.logger.error({ err: error, stripe_event_id: event.id }, 'What became of an event could not be written.');
    } finally {
      this.taken.delete(stored.id);
    }
  }

  private async recordFailure(
    stored: ClaimedEvent,
    handledBy: readonly string[],
    errors: readonly string[],
  ): Promise<void> {
    const isDead = stored.attempts >= dispatchAttemptsMax;
    await this.repository.markFailed(stored.id, {
      handledBy,
      error: withoutPersonalData(errors.join('; ')),
      isDead,
      delayMs: dispatchDelayMs(stored.attempts, Math.random()),
    });
    if (isDead) {
      this.logger.error(
        { stripe_event_id: stored.stripeEventId, type: stored.type, attempts: stored.attempts },
        'A Stripe event is dead: its handlers failed to the last retry.',
      );
    }
  }
}
