import { Injectable } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { Database, queryRows, Tx } from '../platform/database/database';
import type { StripeEventRecord } from '../stripe/stripe.types';
import { StoredStripeEvent } from './stored-stripe-event.entity';
import { StripeEventCursor } from './stripe-event-cursor.entity';
import type { StripeEventSource } from './stripe-event.types';

/** The platform's row among the cursors. */
export const platformCursor = 'platform';

/** Workers hear here that events were stored. */
export const newsChannel = 'stripe_events';

/** An event as it is stored. */
export type NewEvent = Readonly<{
  event: StripeEventRecord;
  id: string;
  status: 'pending' | 'ignored';
  priority: 0 | 1;
  source: StripeEventSource;
  receivedAt: Date;
}>;

/** An event as its handlers are about to get it. */
export type ClaimedEvent = Pick<
  StoredStripeEvent,
  | 'id'
  | 'stripeEventId'
  | 'type'
  | 'stripeAccountId'
  | 'objectId'
  | 'object'
  | 'previousAttributes'
  | 'occurredAt'
  | 'attempts'
  | 'isStale'
  | 'handledBy'
>;

export type HandledEvent = Readonly<{ id: string; handledBy: readonly string[] }>;

/** The SQL of `stripe_events` and `stripe_event_cursors`. Retry times are the database's own, which all replicas share. */
@Injectable()
export class WebhookInboxRepository {
  constructor(private readonly database: Database) {}

  /** One statement and one commit for all of them. False where an event was stored before. */
  async insert(rows: readonly NewEvent[]): Promise<boolean[]> {
    const records = rows.map(({ event, ...row }) => ({
      id: row.id,
      stripe_event_id: event.id,
      type: event.type,
      stripe_account_id: event.stripeAccount,
      object_id: event.objectId,
      object_type: event.objectType,
      object: event.object,
      previous_attributes: event.previousAttributes,
      api_version: event.apiVersion,
      occurred_at: event.createdAt,
      received_at: row.receivedAt,
      source: row.source,
      status: row.status,
      priority: row.priority,
    }));
    // In one order everywhere: two replicas that are sent the same events never wait for each other in a circle.
    records.sort((a, b) => (a.stripe_event_id < b.stripe_event_id ? -1 : 1));
    const inserted = await this.database.query<{ id: string }>(
      `insert into stripe_events (id, stripe_event_id, type, stripe_account_id, object_id, object_type, object, previous_attributes,
                                  api_version, occurred_at, received_at, source, status, priority, handled_at)
       select id, stripe_event_id, type, stripe_account_id, object_id, object_type, object, previous_attributes,
              api_version, occurred_at, received_at, source, status, priority, case when status = 'ignored' then received_at end
       from jsonb_to_recordset($1::jsonb) as row(
         id text, stripe_event_id text, type text, stripe_account_id text, object_id text, object_type text, object jsonb,
         previous_attributes jsonb, api_version text, occurred_at timestamptz, received_at timestamptz, source text, status text,
         priority smallint)
       on conflict (stripe_event_id) do nothing
       returning id`,
      [JSON.stringify(records)],
    );
    const ids = new Set(inserted.map(({ id }) => id));
    return rows.map(({ id }) => ids.has(id));
  }

  /** Tells the workers of other processes. */
  async notify(): Promise<void> {
    await this.database.query(`select pg_notify($1, '')`, [newsChannel]);
  }

  /** Which of these events are stored. */
  async findKnown(stripeEventIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.database.query<{ id: string }>(
      `select stripe_event_id as id from stripe_events where stripe_event_id = any($1)`,
      [stripeEventIds],
    );
    return new Set(rows.map((row) => row.id));
  }

  async lock(tx: Tx, id: string): Promise<StoredStripeEvent | null> {
    return tx.findOne(StoredStripeEvent, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /**
   * Takes events that are due, the most urgent first, and marks them as given to their handlers: nobody else gets them for `leaseMs`.
   * One claim after the other, in all processes: so at most one of several events of one object counts as the newest.
   */
  async claim(limit: number, leaseMs: number, now: Date): Promise<ClaimedEvent[]> {
    return this.database.transaction(async (tx) => {
      await tx.query(`select pg_advisory_xact_lock(7236003)`);
      return queryRows<ClaimedEvent>(
        tx,
        `with due as materialized (
           select id, object_id, stripe_account_id, occurred_at, row_number() over () as place
           from (select * from stripe_events where status = 'pending' and next_attempt_at <= clock_timestamp()
                 order by priority, next_attempt_at, id limit $1) first),
         taken as (
           update stripe_events e
           set attempts = attempts + 1, dispatched_at = coalesce(dispatched_at, $2),
               next_attempt_at = clock_timestamp() + make_interval(secs => $3::float8 / 1000),
               is_stale = is_stale
                 or exists (
                   select 1 from stripe_events o
                   where o.object_id = e.object_id and o.stripe_account_id is not distinct from e.stripe_account_id
                     and o.id <> e.id and o.occurred_at >= e.occurred_at and o.dispatched_at is not null)
                 or exists (
                   select 1 from due o
                   where o.object_id = e.object_id and o.stripe_account_id is not distinct from e.stripe_account_id
                     and o.id < e.id and o.occurred_at = e.occurred_at)
           from due where e.id = due.id and e.status = 'pending'
           returning due.place, e.*)
         select id, stripe_event_id as "stripeEventId", type, stripe_account_id as "stripeAccountId", object_id as "objectId", object,
                previous_attributes as "previousAttributes", occurred_at as "occurredAt", attempts, is_stale as "isStale",
                handled_by as "handledBy"
         from taken order by place`,
        [limit, now, leaseMs],
      );
    });
  }

  /** This process is still at it. */
  async renew(ids: readonly string[], leaseMs: number): Promise<void> {
    if (ids.length === 0) return;
    await this.database.query(
      `update stripe_events set next_attempt_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
       where id = any($1) and status = 'pending'`,
      [ids, leaseMs],
    );
  }

  /** Taken, but not begun: the next worker may have them at once, and no attempt was made. */
  async giveBack(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.database.query(
      `update stripe_events set next_attempt_at = clock_timestamp(), attempts = attempts - 1 where id = any($1) and status = 'pending'`,
      [ids],
    );
  }

  async markHandled(events: readonly HandledEvent[], now: Date): Promise<void> {
    await this.database.query(
      `update stripe_events e
       set status = 'handled', handled_at = $2, last_error = null,
           handled_by = array(select jsonb_array_elements_text(done."handledBy"))
       from jsonb_to_recordset($1::jsonb) as done(id text, "handledBy" jsonb)
       where e.id = done.id and e.status = 'pending'`,
      [JSON.stringify(events), now],
    );
  }

  /** Keeps which handlers are through, why another is not, and when it is tried again. */
  async markFailed(
    id: string,
    change: Readonly<{ handledBy: readonly string[]; error: string; isDead: boolean; delayMs: number }>,
  ): Promise<void> {
    await this.database.query(
      `update stripe_events
       set handled_by = $2, last_error = $3, status = case when $4 then 'dead' else status end,
           next_attempt_at = clock_timestamp() + make_interval(secs => $5::float8 / 1000)
       where id = $1 and status = 'pending'`,
      [id, change.handledBy, change.error, change.isDead, change.delayMs],
    );
  }

  /** All its attempts again, from now on. */
  async revive(tx: Tx, id: string): Promise<void> {
    await tx.query(
      `update stripe_events set status = 'pending', attempts = 0, next_attempt_at = clock_timestamp() where id = $1`,
      [id],
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
