import { Injectable } from '@nestjs/common';
import { Database, queryRows, Tx } from '../platform/database/database';
import { StripeCall } from './stripe-call.entity';
import type { StripeCallFailure, StripeCallStatus } from './stripe-call.types';

/**
 * A worker that stops renewing its lease for this long is taken for dead: sooner than the queue hands its job to another (10 s), so that one
 * need not wait. Safe either way: the key is the same.
 */
export const leaseSeconds = 8;

const open = `('intended', 'sent', 'unknown')`;

export type NewStripeCall = Pick<
  StripeCall,
  | 'id'
  | 'kind'
  | 'reference'
  | 'connectedAccountId'
  | 'payoutId'
  | 'stripeAccountId'
  | 'lane'
  | 'params'
  | 'sealedParams'
  | 'paramsHash'
  | 'idempotencyKey'
  | 'intendedAt'
>;

/**
 * The SQL of `stripe_calls`. Leases and retry times are the database's own time, which all replicas share and no test moves;
 * the times of record (`sent_at` …) are the service's clock.
 */
@Injectable()
export class StripeCallsRepository {
  constructor(private readonly database: Database) {}

  async insert(tx: Tx, call: NewStripeCall): Promise<void> {
    await tx.insert(StripeCall, call);
  }

  async find(id: string): Promise<StripeCall | null> {
    return this.database.reader.findOneBy(StripeCall, { id });
  }

  async lock(tx: Tx, id: string): Promise<StripeCall | null> {
    return tx.findOne(StripeCall, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  /** Held to the end of the transaction. Always before a row's lock: the order that keeps a claim and an outcome from deadlock. */
  async lockLane(tx: Tx, lane: string): Promise<void> {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 7236002))`, [lane]);
  }

  /** Whether nothing of its lane is in flight, nor waits from before it. */
  async isLaneFree(tx: Tx, call: StripeCall): Promise<boolean> {
    if (call.lane === null || call.status !== 'intended') return true;
    const rows = await queryRows<object>(
      tx,
      `select 1 from stripe_calls
       where lane = $1 and id <> $2 and (status in ('sent', 'unknown') or (status = 'intended' and sequence < $3)) limit 1`,
      [call.lane, call.id, call.sequence],
    );
    return rows.length === 0;
  }

  async findNextInLane(tx: Tx, lane: string): Promise<StripeCall | null> {
    return tx.findOne(StripeCall, { where: { lane, status: 'intended' }, order: { sequence: 'ASC' } });
  }

  /** When the lease of the worker that has this call runs out; null when nobody has it. */
  async leasedUntil(tx: Tx, id: string): Promise<Date | null> {
    const [row] = await queryRows<{ lease_expires_at: Date }>(
      tx,
      `select lease_expires_at from stripe_calls where id = $1 and lease_expires_at > clock_timestamp()`,
      [id],
    );
    return row?.lease_expires_at ?? null;
  }

  async startSending(tx: Tx, id: string, leaseToken: string, sentAt: Date): Promise<void> {
    await tx.query(
      `update stripe_calls
       set status = 'sent', attempts = attempts + 1, sent_at = coalesce(sent_at, $3),
           lease_token = $2, lease_expires_at = clock_timestamp() + make_interval(secs => $4)
       where id = $1`,
      [id, leaseToken, sentAt, leaseSeconds],
    );
  }

  async startLooking(tx: Tx, id: string, leaseToken: string): Promise<void> {
    await tx.query(
      `update stripe_calls
       set looks = looks + 1, lease_token = $2, lease_expires_at = clock_timestamp() + make_interval(secs => $3)
       where id = $1`,
      [id, leaseToken, leaseSeconds],
    );
  }

  async renewLease(id: string, leaseToken: string): Promise<void> {
    await this.database.query(
      `update stripe_calls set lease_expires_at = clock_timestamp() + make_interval(secs => $3)
       where id = $1 and lease_token = $2 and status in ${open}`,
      [id, leaseToken, leaseSeconds],
    );
  }

  async releaseLease(id: string, leaseToken: string): Promise<void> {
    await this.database.query(
      `update stripe_calls set lease_token = null, lease_expires_at = null where id = $1 and lease_token = $2`,
      [id, leaseToken],
    );
  }

  /** Moves the next attempt, and answers when that is. The call stays what it is. */
  async postpone(
    tx: Tx,
    id: string,
    change: Readonly<{ delayMs: number; failure: StripeCallFailure; serverErrors: number; mustLook: boolean }>,
  ): Promise<Date> {
    const [row] = await queryRows<{ next_attempt_at: Date }>(
      tx,
      `update stripe_calls
       set next_attempt_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000),
           failure_code = $3, failure_detail = $4, failure_param = $5, server_errors = $6, must_look = $7,
           lease_token = null, lease_expires_at = null
       where id = $1
       returning next_attempt_at`,
      [
        id,
        change.delayMs,
        change.failure.code,
        change.failure.detail,
        change.failure.param,
        change.serverErrors,
        change.mustLook,
      ],
    );
    return row!.next_attempt_at;
  }

  async markUnknown(
    tx: Tx,
    id: string,
    change: Readonly<{ delayMs: number; failure: StripeCallFailure; absences: number }>,
  ): Promise<Date> {
    const [row] = await queryRows<{ next_attempt_at: Date }>(
      tx,
      `update stripe_calls
       set status = 'unknown', next_attempt_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000),
           failure_code = $3, failure_detail = $4, failure_param = $5, absences = $6,
           lease_token = null, lease_expires_at = null
       where id = $1
       returning next_attempt_at`,
      [id, change.delayMs, change.failure.code, change.failure.detail, change.failure.param, change.absences],
    );
    return row!.next_attempt_at;
  }

  /** A new key for an object that is proven not to exist. Answers when it may be used. */
  async startGeneration(
    tx: Tx,
    id: string,
    change: Readonly<{ generation: number; idempotencyKey: string; delayMs: number }>,
  ): Promise<Date> {
    const [row] = await queryRows<{ next_attempt_at: Date }>(
      tx,
      `update stripe_calls
       set status = 'sent', generation = $2, idempotency_key = $3, sent_at = null, must_look = false, absences = 0,
           server_errors = 0, next_attempt_at = clock_timestamp() + make_interval(secs => $4::float8 / 1000),
           lease_token = null, lease_expires_at = null
       where id = $1
       returning next_attempt_at`,
      [id, change.generation, change.idempotencyKey, change.delayMs],
    );
    return row!.next_attempt_at;
  }

  async markDone(
    tx: Tx,
    id: string,
    outcome: Readonly<{
      stripeObjectId: string | null;
      claimedBalanceTransactionId: string | null;
      resultJson: string;
      settledAt: Date;
    }>,
  ): Promise<void> {
    await tx.query(
      `update stripe_calls
       set status = 'done', stripe_object_id = $2, claimed_balance_transaction_id = $3, result = $4::jsonb, settled_at = $5,
           failure_code = null, failure_detail = null, failure_param = null, sealed_params = null,
           lease_token = null, lease_expires_at = null
       where id = $1`,
      [id, outcome.stripeObjectId, outcome.claimedBalanceTransactionId, outcome.resultJson, outcome.settledAt],
    );
  }

  async markFailed(tx: Tx, id: string, failure: StripeCallFailure, settledAt: Date): Promise<void> {
    await tx.query(
      `update stripe_calls
       set status = 'failed', failure_code = $2, failure_detail = $3, failure_param = $4, settled_at = $5, sealed_params = null,
           lease_token = null, lease_expires_at = null
       where id = $1`,
      [id, failure.code, failure.detail, failure.param, settledAt],
    );
  }

  /** Which of these balance transactions are the outcome of another call. */
  async findClaimed(balanceTransactionIds: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.database.query<{ id: string }>(
      `select claimed_balance_transaction_id as id from stripe_calls where claimed_balance_transaction_id = any($1)`,
      [balanceTransactionIds],
    );
    return new Set(rows.map((row) => row.id));
  }

  /**
   * Calls whose turn has come and whose job seems lost, each first of its lane. They are given another while, so that
   * two sweeps in a row do not pile up jobs.
   */
  async takeOverdue(tx: Tx, limit: number): Promise<Pick<StripeCall, 'id' | 'kind' | 'params' | 'payoutId'>[]> {
    return queryRows(
      tx,
      `update stripe_calls set next_attempt_at = clock_timestamp()
       where id in (
         select c.id from stripe_calls c
         where c.status in ${open} and c.next_attempt_at < clock_timestamp() - interval '2 minutes'
           and (c.lease_expires_at is null or c.lease_expires_at < clock_timestamp())
           and (c.lane is null or not exists (
             select 1 from stripe_calls o where o.lane = c.lane and o.sequence < c.sequence and o.status in ${open}))
         order by c.next_attempt_at limit $1 for update skip locked)
       returning id, kind, params, payout_id as "payoutId"`,
      [limit],
    );
  }

  async listForPayout(payoutId: string): Promise<StripeCall[]> {
    return this.database.reader.find(StripeCall, { where: { payoutId }, order: { sequence: 'ASC' } });
  }

  async listForReference(reference: string): Promise<StripeCall[]> {
    return this.database.reader.find(StripeCall, { where: { reference }, order: { sequence: 'ASC' } });
  }

  /** How many calls are open, by status. */
  async countOpen(): Promise<{ status: StripeCallStatus; count: number }[]> {
    return this.database.query(
      `select status, count(*)::int as count from stripe_calls where status in ${open} group by status`,
    );
  }

  /** Calls of one status, oldest first: what an operator or a reconciliation run has to look at. */
  async listByStatus(status: StripeCallStatus, limit: number): Promise<StripeCall[]> {
    return this.database.reader.find(StripeCall, { where: { status }, order: { sequence: 'ASC' }, take: limit });
  }
}
