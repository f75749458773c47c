import { Injectable } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { Database, queryRows, Tx } from '../platform/database/database';
import type { StripeEventRecord } from '../stripe/stripe.types';
import { StoredStripeEvent } from './stored-stripe-event.entity';
import { StripeEventCursor } from './stripe-event-cursor.entity';
import type { StripeEventSource } from './stripe-event.types';

/** The platform's row among the cursors. */
export const platformCursor = 'platform';

/** What the job of an event has to know: which it is, and of which object. */
export type EventAddress = Pick<StoredStripeEvent, 'id' | 'stripeAccountId' | 'objectId'>;

/** An event as its handlers are about to get it. */
export type StartedDispatch = Pick<
  StoredStripeEvent,
  | 'id'
  | 'stripeEventId'
  | 'type'
  | 'stripeAccountId'
  | 'object'
  | 'previousAttributes'
  | 'occurredAt'
  | 'attempts'
  | 'isStale'
  | 'handledBy'
>;

/** The SQL of `stripe_events` and `stripe_event_cursors`. Retry times are the database's own, which all replicas share. */
@Injectable()
export class WebhookInboxRepository {
  constructor(private readonly database: Database) {}

  /** False when the event was stored before. */
  async insert(
    tx: Tx,
    event: StripeEventRecord,
    row: Readonly<{ id: string; status: 'pending' | 'ignored'; source: StripeEventSource; receivedAt: Date }>,
  ): Promise<boolean> {
    const rows = await queryRows<object>(
      tx,
      `insert into stripe_events (id, stripe_event_id, type, stripe_account_id, object_id, object_type, object, previous_attributes,
                                  api_version, occurred_at, received_at, source, status, handled_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, case when $13 = 'ignored' then $11::timestamptz end)
       on conflict (stripe_event_id) do nothing
       returning 1`,
      [
        row.id,
        event.id,
        event.type,
        event.stripeAccount,
        event.objectId,
        event.objectType,
        JSON.stringify(event.object),
        event.previousAttributes === null ? null : JSON.stringify(event.previousAttributes),
        event.apiVersion,
        event.createdAt,
        row.receivedAt,
        row.source,
        row.status,
      ],
    );
    return rows.length > 0;
  }

  /** Which of these events are stored. */
  async findKnown(stripeEventIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.database.query<{ id: string }>(
      `select stripe_event_id as id from stripe_events where stripe_event_id = any($1)`,
      [stripeEventIds],
    );
    return new Set(rows.map((row) => row.id));
  }

  /** Two events of one object are marked one after the other, so that at most one of them counts as the newest. */
  async lockObject(tx: Tx, object: string): Promise<void> {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 7236003))`, [object]);
  }

  async lock(tx: Tx, id: string): Promise<StoredStripeEvent | null> {
    return tx.findOne(StoredStripeEvent, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /**
   * Marks a pending event as given to its handlers, and tells whether a newer or equally new one of its object was given before.
   * Null when it is not pending (any more).
   */
  async startDispatch(tx: Tx, id: string, now: Date): Promise<StartedDispatch | null> {
    const [row] = await queryRows<StartedDispatch>(
      tx,
      `update stripe_events e
       set attempts = attempts + 1, dispatched_at = coalesce(dispatched_at, $2),
           is_stale = is_stale or exists (
             select 1 from stripe_events o
             where o.object_id = e.object_id and o.stripe_account_id is not distinct from e.stripe_account_id
               and o.id <> e.id and o.occurred_at >= e.occurred_at and o.dispatched_at is not null)
       where id = $1 and status = 'pending'
       returning id, stripe_event_id as "stripeEventId", type, stripe_account_id as "stripeAccountId", object,
                 previous_attributes as "previousAttributes", occurred_at as "occurredAt", attempts, is_stale as "isStale",
                 handled_by as "handledBy"`,
      [id, now],
    );
    return row ?? null;
  }

  async markHandled(id: string, handledBy: readonly string[], now: Date): Promise<void> {
    await this.database.query(
      `update stripe_events set status = 'handled', handled_at = $3, handled_by = $2, last_error = null
       where id = $1 and status = 'pending'`,
      [id, handledBy, now],
    );
  }

  /** Keeps which handlers are through and why another is not; answers when to try again, or null when the event is dead. */
  async markFailed(
    tx: Tx,
    id: string,
    change: Readonly<{ handledBy: readonly string[]; error: string; isDead: boolean; delayMs: number }>,
  ): Promise<Date | null> {
    const [row] = await queryRows<{ next_attempt_at: Date; status: string }>(
      tx,
      `update stripe_events
       set handled_by = $2, last_error = $3, status = case when $4 then 'dead' else status end,
           next_attempt_at = clock_timestamp() + make_interval(secs => $5::float8 / 1000)
       where id = $1 and status = 'pending'
       returning next_attempt_at, status`,
      [id, change.handledBy, change.error, change.isDead, change.delayMs],
    );
    return row && row.status === 'pending' ? row.next_attempt_at : null;
  }

  async revive(tx: Tx, id: string): Promise<void> {
    await tx.query(
      `update stripe_events set status = 'pending', attempts = 0, next_attempt_at = clock_timestamp() where id = $1`,
      [id],
    );
  }

  /** Pending events whose job seems lost; each is given another minute. */
  async takeOverdue(tx: Tx, limit: number): Promise<EventAddress[]> {
    return queryRows(
      tx,
      `update stripe_events set next_attempt_at = clock_timestamp() + interval '1 minute'
       where id in (
         select id from stripe_events
         where status = 'pending' and next_attempt_at < clock_timestamp() - interval '1 minute'
         order by next_attempt_at limit $1 for update skip locked)
       returning id, stripe_account_id as "stripeAccountId", object_id as "objectId"`,
      [limit],
    );
  }

  async listDead(limit: number, startingAfter: string | undefined): Promise<StoredStripeEvent[]> {
    return this.database.reader.find(StoredStripeEvent, {
      where: { status: 'dead', ...(startingAfter === undefined ? {} : { id: LessThan(startingAfter) }) },
      order: { id: 'DESC' },
      take: limit,
    });
  }

  /** How many events wait or are dead. */
  async countOpen(): Promise<{ status: 'pending' | 'dead'; count: number }[]> {
    return this.database.query(
      `select 'pending' as status, count(*)::int as count from stripe_events where status = 'pending'
       union all select 'dead', count(*)::int from stripe_events where status = 'dead'`,
    );
  }

  async watch(tx: Tx, stripeAccount: string, now: Date): Promise<void> {
    await tx.query(
      `insert into stripe_event_cursors (stripe_account_id, next_sweep_at, created_at)
       values ($1, clock_timestamp() + interval '1 minute', $2) on conflict do nothing`,
      [stripeAccount, now],
    );
  }

  async findCursor(stripeAccount: string): Promise<StripeEventCursor | null> {
    return this.database.reader.findOneBy(StripeEventCursor, { stripeAccountId: stripeAccount });
  }

  /** Accounts whose sweep is due, the longest waiting first; each is due again a minute later. */
  async takeDueCursors(tx: Tx, limit: number): Promise<string[]> {
    const rows = await queryRows<{ stripe_account_id: string }>(
      tx,
      `update stripe_event_cursors set next_sweep_at = clock_timestamp() + interval '1 minute'
       where stripe_account_id in (
         select stripe_account_id from stripe_event_cursors
         where next_sweep_at <= clock_timestamp() order by next_sweep_at limit $1 for update skip locked)
       returning stripe_account_id`,
      [limit],
    );
    return rows.map((row) => row.stripe_account_id);
  }

  async advanceCursor(stripeAccount: string, sweptTo: Date): Promise<void> {
    await this.database.query(
      `update stripe_event_cursors set swept_to = greatest(swept_to, $2) where stripe_account_id = $1`,
      [stripeAccount, sweptTo],
    );
  }
}
