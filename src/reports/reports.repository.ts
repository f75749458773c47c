import { Injectable } from '@nestjs/common';
import { Database, queryRows, Tx } from '../platform/database/database';
import { ReportDefinition } from './report-definitions.policy';
import { ReportPeriod, ReportRow, Totals } from './report.types';

@Injectable()
export class ReportsRepository {
  constructor(private readonly database: Database) {}

  /**
   * A read-only snapshot: all of a report is read as of one moment. Ends when the generator does, also where its reader goes away; a
   * reader who stops reading without going gives the connection back after a minute.
   */
  async *snapshot<Part>(read: (tx: Tx) => AsyncGenerator<Part>): AsyncGenerator<Part> {
    const runner = this.database.dataSource.createQueryRunner();
    try {
      await runner.startTransaction();
      const tx: Tx = runner.manager;
      await queryRows(tx, `set transaction isolation level repeatable read, read only`);
      await queryRows(tx, `set local idle_in_transaction_session_timeout = '60s'`);
      // Somebody waits for the first row: it must not wait for a compiler or for a plan that is best only at its end.
      await queryRows(tx, `set local jit = off`);
      await queryRows(tx, `set local cursor_tuple_fraction = 0.0001`);
      yield* read(tx);
    } finally {
      // Nothing was written.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      await runner.release();
    }
  }

  /** The report's rows in pages, the first one small. One query, planned once; PostgreSQL keeps its place. */
  pages(tx: Tx, definition: ReportDefinition, period: ReportPeriod): AsyncGenerator<readonly ReportRow[]> {
    const columns = definition.columns.map(({ name, type, sql }) => {
      const expression = sql ?? `r.${name}`;
      return type === 'time'
        ? `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "${name}"`
        : `(${expression})::text as "${name}"`;
    });
    const source = definition.perPayout ? payoutsOf(definition, definition.perPayout.kinds) : eventsOf(definition);
    const sql = `select ${columns.join(', ')} from ${source} order by ${definition.order.join(', ')}`;
    return pagesOf(tx, sql, periodParameters(period));
  }

  /** The report's totals from the postings themselves, by currency. */
  async ledgerTotals(tx: Tx, { ledger }: ReportDefinition, period: ReportPeriod): Promise<Totals> {
    const names = Object.keys(ledger.sums);
    const from = ledger.from ?? `journal_entries e join postings p on p.journal_entry_id = e.id`;
    const rows = await queryRows<Record<string, string>>(
      tx,
      `select p.currency, ${names.map((name) => `(${ledger.sums[name]})::text as "${name}"`).join(', ')}
         from ${from}
        where ${ledger.period === undefined ? entryCondition('e') : periodCondition(ledger.period)}
          and ($7::text[] is null or e.kind = any($7::text[]))
        group by p.currency order by p.currency`,
      [...periodParameters(period), ledger.kinds],
    );
    return Object.fromEntries(
      rows.map((row) => [row['currency']!, Object.fromEntries(names.map((name) => [name, BigInt(row[name]!)]))]),
    );
  }
}

const firstPageSize = 100;
const pageSize = 1_000;

/** The rows of a query, fetched as the consumer takes them. Memory holds a page. */
export async function* pagesOf(
  tx: Tx,
  sql: string,
  parameters: readonly unknown[],
): AsyncGenerator<readonly ReportRow[]> {
  await queryRows(tx, `declare report_rows no scroll cursor for ${sql}`, parameters);
  for (let size = firstPageSize; ; size = pageSize) {
    const page = await queryRows<ReportRow>(tx, `fetch ${size} from report_rows`);
    if (page.length > 0) yield page;
    if (page.length < size) break;
  }
  await queryRows(tx, `close report_rows`);
}

function eventsOf({ view }: ReportDefinition): string {
  return `${view} r where ${periodCondition('r')}`;
}

/** Each payout once, at its first entry of the period; its sums beside it. */
function payoutsOf({ view, columns }: ReportDefinition, kinds: readonly string[]): string {
  const totals = columns.filter(({ isTotal }) => isTotal).map(({ name }) => name);
  const isOfKind = (alias: string) => `${alias}.kind in (${kinds.map((kind) => `'${kind}'`).join(', ')})`;
  return `journal_entries e
    cross join lateral (
      select m.connected_account_id, m.payout_id, m.reference, m.amount, m.currency, e.occurred_at, e.id as entry_id,
             ${totals.map((name) => `sum(m.${name}) as ${name}`).join(', ')}
        from ${view} m where m.payout_id = e.payout_id and ${periodCondition('m')}
       group by m.connected_account_id, m.payout_id, m.reference, m.amount, m.currency
      having ${totals.map((name) => `sum(m.${name}) <> 0`).join(' or ')}
    ) r
    where ${isOfKind('e')} and ${entryCondition('e')}
      and not exists (select from journal_entries earlier
        where earlier.payout_id = e.payout_id and ${isOfKind('earlier')} and ${entryCondition('earlier', 'time')}
          and (earlier.occurred_at, earlier.id) < (e.occurred_at, e.id))`;
}

export function periodParameters({
  from,
  to,
  connectedAccountId,
  cutoff,
  payoutStatus,
  label,
}: ReportPeriod): unknown[] {
  return [from, to, connectedAccountId, cutoff, payoutStatus, label];
}

function timeCondition(alias: string, postedAt: string): string {
  return `($1::timestamptz is null or ${alias}.occurred_at >= $1::timestamptz)
      and ($2::timestamptz is null or ${alias}.occurred_at < $2::timestamptz)
      and ($4::timestamptz is null or ${alias}.${postedAt} < $4::timestamptz)`;
}

function periodCondition(alias: string, postedAt = 'posted_at'): string {
  return `${timeCondition(alias, postedAt)}
      and ($3::text is null or ${alias}.connected_account_id = $3::text)
      and ($5::text is null or payout_status_at(${alias}.payout_id, $4::timestamptz) = $5::text)
      and ($6::text is null or exists (select from payouts l where l.id = ${alias}.payout_id and l.label = $6::text))`;
}

/** The same for the entries themselves; `time`: of a payout that is known to be the right one. */
function entryCondition(alias: string, what: 'all' | 'time' = 'all'): string {
  return what === 'time' ? timeCondition(alias, 'created_at') : periodCondition(alias, 'created_at');
}
