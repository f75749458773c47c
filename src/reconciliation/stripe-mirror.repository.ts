import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { StripeBalanceTransaction } from '../stripe/stripe.types';

export type MirrorCursor = Readonly<{
  newestBalanceTransactionId: string | null;
  newestCreatedAt: Date | null;
  backfilledTo: Date | null;
  isBackfilled: boolean;
}>;

/** SQL of the mirror of Stripe's ledger and of its cursor. */
@Injectable()
export class StripeMirrorRepository {
  async cursor(tx: Tx, account: string): Promise<MirrorCursor> {
    const [row] = await queryRows<{
      newest_balance_transaction_id: string | null;
      newest_created_at: Date | null;
      backfilled_to: Date | null;
      is_backfilled: boolean;
    }>(
      tx,
      `select newest_balance_transaction_id, newest_created_at, backfilled_to, is_backfilled
         from stripe_mirror_cursors where connected_account_id = $1`,
      [account],
    );
    return {
      newestBalanceTransactionId: row?.newest_balance_transaction_id ?? null,
      newestCreatedAt: row?.newest_created_at ?? null,
      backfilledTo: row?.backfilled_to ?? null,
      isBackfilled: row?.is_backfilled ?? false,
    };
  }

  /** Never moves back: of two passes over one account, the one that saw more wins. */
  async advance(tx: Tx, account: string, newest: StripeBalanceTransaction, now: Date): Promise<void> {
    await queryRows(
      tx,
      `insert into stripe_mirror_cursors (connected_account_id, newest_balance_transaction_id, newest_created_at, updated_at)
       values ($1, $2, $3, $4)
       on conflict (connected_account_id) do update
         set newest_balance_transaction_id = excluded.newest_balance_transaction_id,
             newest_created_at = excluded.newest_created_at, updated_at = excluded.updated_at
         where stripe_mirror_cursors.newest_created_at is null
            or stripe_mirror_cursors.newest_created_at <= excluded.newest_created_at`,
      [account, newest.balanceTransactionId, newest.createdAt, now],
    );
  }

  async noteBackfill(tx: Tx, account: string, to: Date | null, isDone: boolean, now: Date): Promise<void> {
    await queryRows(
      tx,
      `insert into stripe_mirror_cursors (connected_account_id, backfilled_to, is_backfilled, updated_at)
       values ($1, $2, $3, $4)
       on conflict (connected_account_id) do update
         set backfilled_to = least(stripe_mirror_cursors.backfilled_to, excluded.backfilled_to),
             is_backfilled = stripe_mirror_cursors.is_backfilled or excluded.is_backfilled, updated_at = excluded.updated_at`,
      [account, to, isDone, now],
    );
  }

  /** Writes lines once; of a line known already only its status can have changed. */
  async upsert(tx: Tx, account: string, lines: readonly StripeBalanceTransaction[], now: Date): Promise<void> {
    if (lines.length === 0) return;
    const column = (value: (line: StripeBalanceTransaction) => unknown): unknown[] => lines.map(value);
    await queryRows(
      tx,
      `insert into stripe_balance_transactions (connected_account_id, balance_transaction_id, type, balance_type, amount_minor,
         fee_minor, net_minor, currency, source_id, status, created_at, available_on, mirrored_at)
       select distinct on (line.id) $1, line.id, line.type, line.balance_type, line.amount, line.fee, line.net, line.currency,
         line.source, line.status, line.created_at, line.available_on, $2
       from unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[],
         $11::text[], $12::timestamptz[], $13::timestamptz[])
         as line(id, type, balance_type, amount, fee, net, currency, source, status, created_at, available_on)
       on conflict (connected_account_id, balance_transaction_id) do update
         set status = excluded.status, available_on = excluded.available_on
         where stripe_balance_transactions.status <> excluded.status`,
      [
        account,
        now,
        column((line) => line.balanceTransactionId),
        column((line) => line.type),
        column((line) => line.balanceType),
        column((line) => line.amountMinor.toString()),
        column((line) => line.feeMinor.toString()),
        column((line) => line.netMinor.toString()),
        column((line) => line.currency),
        column((line) => line.sourceId),
        column((line) => line.status),
        column((line) => line.createdAt.toISOString()),
        column((line) => line.availableOn.toISOString()),
      ],
    );
  }

  /** Lines of the Issuing balance that were not available when last seen. Others do not matter: passing through, they count at once. */
  async pending(tx: Tx, account: string, after: string, limit: number): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `select balance_transaction_id as id from stripe_balance_transactions
        where connected_account_id = $1 and status = 'pending' and balance_type = 'issuing' and balance_transaction_id > $2
        order by balance_transaction_id limit $3`,
      [account, after, limit],
    );
    return rows.map((row) => row.id);
  }

  /** The moment by the database's own clock, which also stamps journal entries. */
  async databaseNow(tx: Tx): Promise<string> {
    const [row] = await queryRows<{ now: string }>(tx, `select clock_timestamp()::text as now`);
    return row!.now;
  }
}
