import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { PayoutBatchEntity } from './payout-batch.entity';
import { BatchProgress, BatchRowStatus, PayoutBatch, PayoutBatchRow } from './payout-batch.types';

/** A row as it waits to become a payout. */
export interface QueuedRow {
  readonly number: number;
  readonly reference: string;
  readonly body: unknown;
}

/** All SQL of batches, locks included. */
@Injectable()
export class PayoutBatchesRepository {
  /** Stores the batch with all rows in one statement each. Answers the numbers of rows whose reference another batch waits with. */
  async insert(tx: Tx, batch: PayoutBatch, rows: readonly QueuedRow[]): Promise<number[]> {
    await tx.insert(PayoutBatchEntity, batch);
    const inserted = await queryRows<{ number: number }>(
      tx,
      `insert into payout_batch_rows (batch_id, number, reference, request, status)
       select $1, number, reference, request, 'queued'
       from jsonb_to_recordset($2::jsonb) as row (number integer, reference text, request jsonb)
       order by number
       on conflict (reference) where status = 'queued' do nothing
       returning number`,
      [batch.id, JSON.stringify(rows.map(({ number, reference, body }) => ({ number, reference, request: body })))],
    );
    const known = new Set(inserted.map(({ number }) => number));
    return rows.filter(({ number }) => !known.has(number)).map(({ number }) => number);
  }

  async find(tx: Tx, id: string): Promise<PayoutBatch | null> {
    return tx.getRepository(PayoutBatchEntity).findOneBy({ id });
  }

  /** Newest first, one more than `limit`. */
  async list(tx: Tx, limit: number, startingAfter?: string): Promise<PayoutBatch[]> {
    const query = tx.getRepository(PayoutBatchEntity).createQueryBuilder('batch');
    if (startingAfter) query.where('batch.id < :startingAfter', { startingAfter });
    return query
      .orderBy('batch.id', 'DESC')
      .limit(limit + 1)
      .getMany();
  }

  async progress(tx: Tx, id: string): Promise<BatchProgress> {
    const counts = await queryRows<{ status: BatchRowStatus; payout_status: string | null; count: number }>(
      tx,
      `select each.status, payouts.status as payout_status, count(*)::int as count
       from payout_batch_rows each left join payouts on payouts.id = each.payout_id
       where each.batch_id = $1 group by 1, 2 order by 1, 2`,
      [id],
    );
    const rows = { queued: 0, accepted: 0, failed: 0 };
    const payouts: Record<string, number> = {};
    for (const { status, payout_status: payoutStatus, count } of counts) {
      rows[status] += count;
      if (payoutStatus !== null) payouts[payoutStatus] = count;
    }
    return { rows, payouts };
  }

  /** In the order of the file, one more than `limit`. */
  async listRows(
    tx: Tx,
    id: string,
    filter: { status?: BatchRowStatus | undefined; after: number },
    limit: number,
  ): Promise<PayoutBatchRow[]> {
    return queryRows<PayoutBatchRow>(
      tx,
      `select each.number, each.reference, each.status, each.payout_id as "payoutId", payouts.status as "payoutStatus",
              payouts.waiting_on as "waitingOn",
              case when each.failure_code is null then null
                   else json_build_object('code', each.failure_code, 'detail', each.failure_detail) end as failure
       from payout_batch_rows each left join payouts on payouts.id = each.payout_id
       where each.batch_id = $1 and each.number > $2 and ($3::text is null or each.status = $3)
       order by each.number limit $4`,
      [id, filter.after, filter.status ?? null, limit + 1],
    );
  }

  /** Those of these rows that wait, nobody else's until the transaction ends; not those in other hands. */
  async lockQueued(tx: Tx, id: string, from: number, to: number): Promise<QueuedRow[]> {
    return queryRows<QueuedRow>(
      tx,
      `select number, reference, request as body from payout_batch_rows
       where batch_id = $1 and number between $2 and $3 and status = 'queued' order by number for update skip locked`,
      [id, from, to],
    );
  }

  async accept(tx: Tx, id: string, rows: readonly Readonly<{ number: number; payoutId: string }>[]): Promise<void> {
    await tx.query(
      `update payout_batch_rows set status = 'accepted', payout_id = made.payout_id
       from unnest($2::integer[], $3::text[]) as made (number, payout_id)
       where payout_batch_rows.batch_id = $1 and payout_batch_rows.number = made.number`,
      [id, rows.map(({ number }) => number), rows.map(({ payoutId }) => payoutId)],
    );
  }

  async fail(tx: Tx, id: string, from: number, to: number, failure: { code: string; detail: string }): Promise<void> {
    await tx.query(
      `update payout_batch_rows set status = 'failed', failure_code = $4, failure_detail = $5
       where batch_id = $1 and number between $2 and $3 and status = 'queued'`,
      [id, from, to, failure.code, failure.detail],
    );
  }

  /** True for the one caller that finds the last row done. */
  async complete(tx: Tx, id: string, now: Date): Promise<boolean> {
    const rows = await queryRows(
      tx,
      `update payout_batches set completed_at = $2 where id = $1 and completed_at is null
         and not exists (select from payout_batch_rows where batch_id = $1 and status = 'queued')
       returning id`,
      [id, now],
    );
    return rows.length === 1;
  }

  /** Batches with rows that wait although their jobs should be long done. */
  async listUnfinished(tx: Tx, createdBefore: Date, limit: number): Promise<PayoutBatch[]> {
    return tx
      .getRepository(PayoutBatchEntity)
      .createQueryBuilder('batch')
      .where('batch.completed_at is null and batch.created_at < :createdBefore', { createdBefore })
      .orderBy('batch.id', 'ASC')
      .limit(limit)
      .getMany();
  }
}
