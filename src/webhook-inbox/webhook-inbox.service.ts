import { Injectable, Logger } from '@nestjs/common';
import { ulid } from 'ulid';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { LogContext } from '../platform/logging/log-context';
import { Clock } from '../shared/clock';
import { withoutPersonalData } from '../stripe/classify-stripe-error';
import { toStripeEventRecord } from '../stripe/stripe-event-redaction';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { stripeSignatureToleranceMs, verifyStripeSignature } from '../stripe/stripe-signature';
import type { StripeEventRecord } from '../stripe/stripe.types';
import { StoredStripeEvent } from './stored-stripe-event.entity';
import { StripeEventHandlers } from './stripe-event-handlers';
import type { StripeEvent, StripeEventSource } from './stripe-event.types';
import {
  DeadLetterNotFound,
  DeadLetterNotRetryable,
  StripeEventMalformed,
  StripeEventTooLarge,
  StripeLivemodeMismatch,
} from './webhook-inbox.errors';
import { accountsPerSweep, dispatchAttemptsMax, dispatchDelayMs, sweepFrom } from './webhook-inbox.policy';
import { EventAddress, platformCursor, StartedDispatch, WebhookInboxRepository } from './webhook-inbox.repository';

export const dispatchStripeEvent = 'dispatch-stripe-event';
export const sweepStripeAccount = 'sweep-stripe-account';

/** How often due accounts are looked up. */
export const sweepIntervalMs = 30_000;

// Stripe's own events are a few kilobytes.
const eventBytesMax = 512 * 1024;

// `/v1/events` takes no more: https://docs.stripe.com/api/events/list
const typesFilterMax = 20;

const sweepChunk = 100;

/** What Stripe tells us: verified, stored once, handed on as a job. It calls nobody; who wants an event says so with `@OnStripeEvent`. */
@Injectable()
export class WebhookInboxService {
  private readonly logger = new Logger('webhook-inbox');
  /** Accounts this process has put under watch: saves an insert per event. */
  private readonly watched = new Set<string>();

  constructor(
    private readonly repository: WebhookInboxRepository,
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly handlers: StripeEventHandlers,
    private readonly gateway: StripeGateway,
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly logContext: LogContext,
  ) {}

  /**
   * Takes a webhook: once this returns, the event is committed and Stripe may forget it.
   * @throws {StripeSignatureInvalid | StripeEventMalformed | StripeLivemodeMismatch | StripeEventTooLarge}
   */
  async receive(rawBody: Buffer, signature: string | undefined): Promise<void> {
    if (rawBody.length > eventBytesMax) throw new StripeEventTooLarge(eventBytesMax);
    verifyStripeSignature(
      rawBody,
      signature,
      this.config.stripeWebhookSecrets,
      stripeSignatureToleranceMs,
      this.clock.now(),
    );
    const event = toStripeEventRecord(parseJson(rawBody));
    if (!event) throw new StripeEventMalformed();
    if (event.isLive !== this.config.isLiveMode) throw new StripeLivemodeMismatch(event.isLive);
    const isNew = await this.store(event, 'webhook');
    this.logger.log(
      { stripe_event_id: event.id, type: event.type, stripe_account: event.stripeAccount, is_new: isNew },
      'Stripe sent an event.',
    );
  }

  /** From now on the events of this account are swept, though none has arrived yet. */
  async watch(tx: Tx, stripeAccount: string): Promise<void> {
    await this.repository.watch(tx, stripeAccount, this.clock.now());
  }

  /**
   * Hands a stored event to its handlers. Each handler that is through stays through when another has to be retried.
   * @param object the account and object it is about, if any
   */
  async dispatch(id: string, object: string | undefined): Promise<void> {
    const stored = await this.startDispatch(id, object);
    if (!stored) return;
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
    if (errors.length === 0) await this.repository.markHandled(id, [...handledBy], this.clock.now());
    else await this.recordFailure(stored, [...handledBy], errors, object);
  }

  /** Events that nobody could handle, newest first. */
  async listDeadLetters(limit: number, startingAfter: string | undefined): Promise<StoredStripeEvent[]> {
    return this.repository.listDead(limit, startingAfter);
  }

  /** Gives a dead event all its attempts again. @throws {DeadLetterNotFound | DeadLetterNotRetryable} */
  async retryDeadLetter(tx: Tx, id: string): Promise<StoredStripeEvent> {
    const stored = await this.repository.lock(tx, id);
    if (!stored) throw new DeadLetterNotFound(id);
    if (stored.status !== 'dead') throw new DeadLetterNotRetryable(stored);
    await this.repository.revive(tx, id);
    await this.jobs.enqueue(tx, dispatchStripeEvent, jobDataOf(stored));
    return { ...stored, status: 'pending', attempts: 0 };
  }

  /** Enqueues pending events whose job got lost. Answers how many. */
  async wakeOverdue(): Promise<number> {
    return this.database.transaction(async (tx) => {
      const events = await this.repository.takeOverdue(tx, 500);
      for (const event of events) {
        await this.jobs.enqueue(tx, dispatchStripeEvent, jobDataOf(event), { singletonKey: `overdue:${event.id}` });
      }
      return events.length;
    });
  }

  /** Enqueues a sweep for each account that is due, the platform first of all. */
  async startSweeps(): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.repository.watch(tx, platformCursor, this.clock.now());
      const limit = accountsPerSweep(this.config.stripeRequestsPerSecond, sweepIntervalMs);
      for (const stripeAccount of await this.repository.takeDueCursors(tx, limit)) {
        await this.jobs.enqueue(tx, sweepStripeAccount, { stripeAccount }, { singletonKey: stripeAccount });
      }
    });
  }

  /**
   * Lists what Stripe has told this account lately and stores what never arrived, so that a lost webhook heals by itself.
   * @param stripeAccount `acct_…`, or null for the platform
   * @returns how many events had been missing
   */
  async sweep(stripeAccount: string | null): Promise<number> {
    const key = stripeAccount ?? platformCursor;
    const cursor = await this.repository.findCursor(key);
    if (!cursor) return 0;
    const { types } = this.handlers;
    const filter = {
      createdFrom: sweepFrom(cursor, this.clock.now()),
      ...(types.length <= typesFilterMax ? { types } : {}),
    };
    let newest: Date | undefined;
    let missing = 0;
    let chunk: StripeEventRecord[] = [];
    for await (const event of this.gateway.listEvents(stripeAccount, filter)) {
      newest ??= event.createdAt;
      chunk.push(event);
      if (chunk.length < sweepChunk) continue;
      missing += await this.storeMissing(chunk);
      chunk = [];
    }
    missing += await this.storeMissing(chunk);
    // Only after all of it is stored: a sweep that breaks off starts again from where the last whole one ended.
    if (newest) await this.repository.advanceCursor(key, newest);
    if (missing > 0) {
      this.logger.warn(
        { stripe_account: stripeAccount, missing },
        'Events that never arrived were fetched from Stripe.',
      );
    }
    return missing;
  }

  private async storeMissing(events: readonly StripeEventRecord[]): Promise<number> {
    if (events.length === 0) return 0;
    const known = await this.repository.findKnown(events.map((event) => event.id));
    let stored = 0;
    // Oldest first, as they would have come.
    for (const event of events.toReversed()) {
      if (known.has(event.id) || event.isLive !== this.config.isLiveMode) continue;
      if (await this.store(event, 'sweep')) stored += 1;
    }
    return stored;
  }

  private async store(event: StripeEventRecord, source: StripeEventSource): Promise<boolean> {
    const isWanted = this.handlers.of(event.type).length > 0;
    const { stripeAccount } = event;
    const isNew = await this.database.transaction(async (tx) => {
      const id = `inbox_${ulid()}`;
      const isInserted = await this.repository.insert(tx, event, {
        id,
        status: isWanted ? 'pending' : 'ignored',
        source,
        receivedAt: this.clock.now(),
      });
      if (isInserted && isWanted) {
        const { objectId } = event;
        await this.jobs.enqueue(tx, dispatchStripeEvent, jobDataOf({ id, stripeAccountId: stripeAccount, objectId }));
      }
      if (stripeAccount !== null && !this.watched.has(stripeAccount)) await this.watch(tx, stripeAccount);
      return isInserted;
    });
    if (stripeAccount !== null) this.watched.add(stripeAccount);
    return isNew;
  }

  private async startDispatch(id: string, object: string | undefined): Promise<StartedDispatch | null> {
    const now = this.clock.now();
    if (object === undefined) return this.repository.startDispatch(this.database.reader, id, now);
    return this.database.transaction(async (tx) => {
      await this.repository.lockObject(tx, object);
      return this.repository.startDispatch(tx, id, now);
    });
  }

  private async recordFailure(
    stored: StartedDispatch,
    handledBy: readonly string[],
    errors: readonly string[],
    object: string | undefined,
  ): Promise<void> {
    const isDead = stored.attempts >= dispatchAttemptsMax;
    await this.database.transaction(async (tx) => {
      const at = await this.repository.markFailed(tx, stored.id, {
        handledBy,
        error: withoutPersonalData(errors.join('; ')),
        isDead,
        delayMs: dispatchDelayMs(stored.attempts, Math.random()),
      });
      if (at) await this.jobs.enqueue(tx, dispatchStripeEvent, { id: stored.id, object }, { startAfter: at });
    });
    if (isDead) {
      this.logger.error(
        { stripe_event_id: stored.stripeEventId, type: stored.type, attempts: stored.attempts },
        'A Stripe event is dead: its handlers failed to the last retry.',
      );
    }
  }
}

/** With the account: a capability is called the same on every one. */
function jobDataOf(event: EventAddress): { id: string; object?: string } {
  if (event.objectId === null) return { id: event.id };
  return { id: event.id, object: `${event.stripeAccountId ?? platformCursor}:${event.objectId}` };
}

function parseJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch {
    throw new StripeEventMalformed();
  }
}
