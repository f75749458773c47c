import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { StatementBatch } from '../platform/database/statement-batch';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { idPrefixes, newId } from '../shared/ids';
import { toStripeEventRecord } from '../stripe/stripe-event-redaction';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { stripeSignatureToleranceMs, verifyStripeSignature } from '../stripe/stripe-signature';
import type { StripeEventRecord } from '../stripe/stripe.types';
import { StoredStripeEvent } from './stored-stripe-event.entity';
import { StripeEventDispatcher } from './stripe-event-dispatcher';
import { StripeEventHandlers } from './stripe-event-handlers';
import type { StripeEventSource } from './stripe-event.types';
import {
  DeadLetterNotFound,
  DeadLetterNotRetryable,
  StripeEventMalformed,
  StripeEventTooLarge,
  StripeLivemodeMismatch,
} from './webhook-inbox.errors';
import { accountsPerSweep, priorityOf, sweepFrom } from './webhook-inbox.policy';
import { NewEvent, platformCursor, WebhookInboxRepository } from './webhook-inbox.repository';

export const sweepStripeAccount = 'sweep-stripe-account';

/** How often due accounts are looked up. */
export const sweepIntervalMs = 30_000;

// Stripe's own events are a few kilobytes.
const eventBytesMax = 512 * 1024;

// `/v1/events` takes no more: https://docs.stripe.com/api/events/list
const typesFilterMax = 20;

const sweepChunk = 100;

// Other processes need not hear of each of a thousand events a second.
const newsPauseMs = 10;

/** What Stripe tells us: verified, stored once, handed on. It calls nobody; who wants an event says so with `@OnStripeEvent`. */
@Injectable()
export class WebhookInboxService {
  private readonly logger = new Logger('webhook-inbox');
  /** Accounts this process has put under watch: saves an insert per event. */
  private readonly watched = new Set<string>();
  private readonly stored: StatementBatch<NewEvent, boolean>;
  private hasNews = false;
  private isTelling = false;

  constructor(
    private readonly repository: WebhookInboxRepository,
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly handlers: StripeEventHandlers,
    private readonly dispatcher: StripeEventDispatcher,
    private readonly gateway: StripeGateway,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {
    this.stored = new StatementBatch((rows) => this.repository.insert(rows), { sizeMax: 50, underWayMax: 3 });
  }

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
    return { ...stored, status: 'pending', attempts: 0 };
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
    // Oldest first, as they would have come.
    const missing = events
      .toReversed()
      .filter((event) => !known.has(event.id) && event.isLive === this.config.isLiveMode);
    const areNew = await Promise.all(missing.map((event) => this.store(event, 'sweep')));
    return areNew.filter(Boolean).length;
  }

  private async store(event: StripeEventRecord, source: StripeEventSource): Promise<boolean> {
    const isWanted = this.handlers.of(event.type).length > 0;
    const isNew = await this.stored.add({
      event,
      id: newId(idPrefixes.storedStripeEvent),
      status: isWanted ? 'pending' : 'ignored',
      priority: priorityOf(event.type),
      source,
      receivedAt: this.clock.now(),
    });
    const { stripeAccount } = event;
    if (stripeAccount !== null && !this.watched.has(stripeAccount)) {
      await this.watch(this.database.reader, stripeAccount);
      this.watched.add(stripeAccount);
    }
    if (isNew && isWanted) this.tellWorkers();
    return isNew;
  }

  /** News for the workers, here or elsewhere; while some is on its way, more of it goes together. Lost news costs a second. */
  private tellWorkers(): void {
    if (this.dispatcher.isWorker) {
      this.dispatcher.wake();
      return;
    }
    this.hasNews = true;
    if (this.isTelling) return;
    this.isTelling = true;
    void (async () => {
      while (this.hasNews) {
        this.hasNews = false;
        await this.repository.notify();
        await pause(newsPauseMs);
      }
    })()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'Workers could not be told of new events.'))
      .finally(() => (this.isTelling = false));
  }
}

function parseJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch {
    throw new StripeEventMalformed();
  }
}
