import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { ReportRow } from './report.types';
import { pagesOf } from './reports.repository';
import { StatementAccount } from './seller-statement.types';

export type StatementPeriod = Readonly<{ connectedAccountId: string; from: Date; to: Date; cutoff: Date | null }>;

/** The kinds of entries that change what is promised to a seller; every other kind only moves it within the promise. */
const kinds = `('payout_accepted', 'payout_released', 'capture', 'refund', 'refund_reversed', 'dispute_won', 'dispute_won_reversed',
  'receivable_settled', 'reclaim_done')`;
const promiseOf = (alias: string) => `-(${alias}.payout_owed + ${alias}.payout_held + ${alias}.payout_reclaiming)`;
const isKnown = (column: string) => `($4::timestamptz is null or ${column} < $4::timestamptz)`;

@Injectable()
export class SellerStatementsRepository {
  /**
   * What was promised and open when the month began: what is open now, less what has moved since. So it costs what came after the
   * month began, not the seller's whole history. Minor units.
   */
  async opening(tx: Tx, { connectedAccountId, from, cutoff }: StatementPeriod): Promise<bigint> {
    const moved = (condition: string) =>
      `(select coalesce(-sum(p.amount_minor), 0)
          from journal_entries e join postings p on p.journal_entry_id = e.id
         where e.connected_account_id = $1 and ${condition} and e.kind in ${kinds}
           and (p.account like 'payout\\_owed:%' or p.account like 'payout\\_held:%' or p.account like 'payout\\_reclaiming:%'))`;
    const [row] = await queryRows<{ opening: string }>(
      tx,
      `select (select coalesce(sum(owed_minor + held_minor + reclaiming_minor), 0) from payout_balances where connected_account_id = $1)
              - ${moved('e.occurred_at >= $2')}
              - case when $3::timestamptz is null then 0 else ${moved('e.occurred_at < $2 and e.created_at >= $3')} end as opening`,
      [connectedAccountId, from, cutoff],
    );
    return BigInt(row?.opening ?? '0');
  }

  /** The movements of the month in order, each with the balance after it. */
  pages(
    tx: Tx,
    { connectedAccountId, from, to, cutoff }: StatementPeriod,
    openingMinor: bigint,
  ): AsyncGenerator<readonly ReportRow[]> {
    return pagesOf(
      tx,
      `select to_char(m.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at,
              m.entry_id::text as journal_entry, m.kind, m.payout_id as payout, p.reference, m.source_id as source,
              case when m.kind = 'payout_accepted' then m.delta else 0 end::text as promised,
              case when m.kind not in ('payout_accepted', 'reclaim_done', 'payout_released') then -m.delta else 0 end::text as paid,
              case when m.kind in ('reclaim_done', 'payout_released') then -m.delta else 0 end::text as taken_back,
              ($5::bigint + sum(m.delta) over (order by m.occurred_at, m.entry_id))::text as balance
         from (select r.*, ${promiseOf('r')} as delta from report_movements r
                where r.connected_account_id = $1 and r.occurred_at >= $2 and r.occurred_at < $3 and r.kind in ${kinds}
                  and ${isKnown('r.posted_at')}) m
         join payouts p on p.id = m.payout_id
        where m.delta <> 0
        order by m.occurred_at, m.entry_id`,
      [connectedAccountId, from, to, cutoff, openingMinor.toString()],
    );
  }

  /** Every ledger account of the seller over the month, its payouts' accounts added up by name. */
  async accounts(tx: Tx, { connectedAccountId, from, to, cutoff }: StatementPeriod): Promise<StatementAccount[]> {
    const rows = await queryRows<{ account: string; opening: string; debit: string; credit: string }>(
      tx,
      `select split_part(p.account, ':', 1) as account,
              coalesce(sum(p.amount_minor) filter (where e.occurred_at < $2), 0) as opening,
              coalesce(sum(p.amount_minor) filter (where e.occurred_at >= $2 and p.amount_minor > 0), 0) as debit,
              coalesce(-sum(p.amount_minor) filter (where e.occurred_at >= $2 and p.amount_minor < 0), 0) as credit
         from journal_entries e join postings p on p.journal_entry_id = e.id
        where e.connected_account_id = $1 and e.occurred_at < $3 and ${isKnown('e.created_at')}
        group by 1 order by 1`,
      [connectedAccountId, from, to, cutoff],
    );
    return rows.map((row) => ({
      account: row.account,
      openingMinor: BigInt(row.opening),
      debitMinor: BigInt(row.debit),
      creditMinor: BigInt(row.credit),
      closingMinor: BigInt(row.opening) + BigInt(row.debit) - BigInt(row.credit),
    }));
  }
}
