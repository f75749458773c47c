import { Injectable } from '@nestjs/common';
import { Database, queryRows, Tx } from '../platform/database/database';

/** Where ciphertext lies. A test holds this list against the catalog: columns named `*_encrypted` and `sealed_*`. */
export const encryptedColumns = [
  { table: 'cardholders', column: 'personal_data_encrypted' },
  { table: 'stripe_calls', column: 'sealed_params' },
  { table: 'webhook_endpoints', column: 'secret_encrypted' },
  { table: 'webhook_endpoints', column: 'previous_secret_encrypted' },
] as const;

export type EncryptedColumn = (typeof encryptedColumns)[number];

/**
 * What grows old, in whichever table it lies. The one place whose SQL writes other modules' tables for the sake of forgetting: who
 * forgets must not have to ask each of them.
 */
@Injectable()
export class DataRetentionRepository {
  constructor(private readonly database: Database) {}

  async countOpenPayouts(tx: Tx, cardholderId: string): Promise<number> {
    const [row] = await queryRows<{ payouts: number }>(
      tx,
      'select payouts from cardholder_open_payouts where cardholder_id = $1',
      [cardholderId],
    );
    return row?.payouts ?? 0;
  }

  /**
   * Removes what Stripe's refusals may have repeated about a person (they quote the wrong value) and what could be guessed back from
   * hashes, wherever it was copied to.
   */
  async forgetCardholder(tx: Tx, cardholderId: string): Promise<void> {
    await tx.query(
      `update stripe_calls set failure_detail = case when failure_detail is null then null else 'erased' end,
              params_hash = sha256(convert_to('erased:' || id, 'UTF8'))
        where reference = $1 and kind in ('cardholder.create', 'cardholder.update') and status in ('done', 'failed')`,
      [cardholderId],
    );
    await tx.query(
      `update pgboss.job set output = null
        where data ->> 'cardholderId' = $1 or data ->> 'callId' in (select id from stripe_calls where reference = $1)`,
      [cardholderId],
    );
    const events = await queryRows<{ id: string }>(
      tx,
      `update outgoing_events set data = jsonb_set(data, '{failure}', 'null')
        where type = 'cardholder.updated' and data ->> 'id' = $1 returning id`,
      [cardholderId],
    );
    await tx.query(
      `update webhook_delivery_attempts set response_start = null
        where delivery_id in (select id from webhook_deliveries where event_id = any ($1))`,
      [events.map(({ id }) => id)],
    );
    // The key stays, so that no late repetition makes the cardholder anew: it is told that the key belongs to another request.
    await tx.query(
      `update idempotency_keys set answer = jsonb_set(answer::jsonb, '{failure}', 'null')::json,
              request_hash = sha256(convert_to('erased:' || key, 'UTF8'))
        where answer ->> 'id' = $1`,
      [cardholderId],
    );
  }

  /** Empties events that were handled before; their ids stay, so that none is stored twice. Never one that still waits. */
  async emptyStripeEvents(before: Date, limit: number): Promise<number> {
    return this.count(
      `update stripe_events set object = '{}', previous_attributes = null, last_error = null where id in (
         select id from stripe_events
          where status in ('handled', 'ignored') and object <> '{}'::jsonb and handled_at < $1
          order by handled_at limit $2 for update skip locked) returning 1`,
      [before, limit],
    );
  }

  async deleteDeliveries(before: Date, limit: number): Promise<number> {
    return this.count(
      `delete from webhook_deliveries where id in (
         select id from old) returning 1`,
      [before, limit],
      `old as materialized (
         select id from webhook_deliveries where status <> 'pending' and created_at < $1 order by created_at limit $2
       ), attempts as (delete from webhook_delivery_attempts where delivery_id in (select id from old))`,
    );
  }

  /** Events that nobody is still to be told of. */
  async deleteOutgoingEvents(before: Date, limit: number): Promise<number> {
    return this.count(
      `delete from outgoing_events where id in (
         select id from outgoing_events event
          where created_at < $1 and fanned_out_at is not null
            and not exists (select 1 from webhook_deliveries where event_id = event.id)
          order by created_at limit $2) returning 1`,
      [before, limit],
    );
  }

  /** Ciphertexts that another key than the current one made, locked; those in use by somebody else are left for the next round. */
  async lockOutdated(
    tx: Tx,
    { table, column }: EncryptedColumn,
    currentPrefix: string,
    limit: number,
  ): Promise<{ id: string; text: string }[]> {
    return queryRows(
      tx,
      `select id, ${column} as text from ${table}
        where ${column} is not null and ${column} <> 'erased' and not starts_with(${column}, $1)
        order by id limit $2 for update`,
      [currentPrefix, limit],
    );
  }

  async replaceCiphertext(tx: Tx, { table, column }: EncryptedColumn, id: string, text: string): Promise<void> {
    await tx.query(`update ${table} set ${column} = $2 where id = $1`, [id, text]);
  }

  private async count(statement: string, parameters: unknown[], more?: string): Promise<number> {
    const rows = await this.database.query<{ count: number }>(
      `with ${more === undefined ? '' : `${more}, `}done as (${statement}) select count(*)::int as count from done`,
      parameters,
    );
    return rows[0]?.count ?? 0;
  }
}
