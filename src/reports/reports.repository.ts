import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { ReportDefinition } from './report-definitions.policy';
import { ReportPeriod, ReportRow, Totals } from './report.types';

/** The place of the last row of a page, as text, exactly. */
export type ReportCursor = readonly string[];

@Injectable()
export class ReportsRepository {
  /** All of a report is read as of one moment; a reader who stops reading gives the connection back. */
  async beginSnapshot(tx: Tx): Promise<void> {
    await queryRows(tx, `set transaction isolation level repeatable read, read only`);
    await queryRows(tx, `set local idle_in_transaction_session_timeout = '60s'`);
  }

  async page(
    tx: Tx,
    definition: ReportDefinition,
    period: ReportPeriod,
    after: ReportCursor | null,
    limit: number,
  ): Promise<readonly { row: ReportRow; cursor: ReportCursor }[]> {
    const columns = definition.columns.map(({ name, type, sql }) => {
      const expression = sql ?? `r.${name}`;
      return type === 'time'
        ? `to_char(${expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "${name}"`
        : `(${expression})::text as "${name}"`;
    });
    const keys = definition.order.map((key) => key.sql);
    const cursorColumns = definition.order.map((key, index) => `(${key.sql})::text as "cursor ${index}"`);
    const parameters: unknown[] = periodParameters(period);
    const conditions = [periodCondition('r')];
    if (after) {
      const values = definition.order.map((key, index) => `$${parameters.length + index + 1}::${key.type}`);
      conditions.push(`(${keys.join(', ')}) > (${values.join(', ')})`);
      parameters.push(...after);
    }
    const sums = definition.columns
      .filter((column) => column.isTotal)
      .map((column) => column.sql ?? `r.${column.name}`);
    const grouping = definition.groupBy
      ? `group by ${definition.groupBy.join(', ')} having ${sums.map((sum) => `${sum} <> 0`).join(' or ')}`
      : '';
    const rows = await queryRows<Record<string, string | null>>(
      tx,
      `select ${[...columns, ...cursorColumns].join(', ')}
         from ${definition.view} r
        where ${conditions.join(' and ')} ${grouping}
        order by ${keys.join(', ')} limit ${limit}`,
      parameters,
    );
    return rows.map((row) => ({
      row: Object.fromEntries(definition.columns.map(({ name }) => [name, row[name] ?? null])),
      cursor: definition.order.map((_, index) => row[`cursor ${index}`]!),
    }));
  }

  /** The report's totals from the postings themselves, by currency. */
  async ledgerTotals(tx: Tx, { ledger }: ReportDefinition, period: ReportPeriod): Promise<Totals> {
    const names = Object.keys(ledger.sums);
    const from = ledger.from ?? `journal_entries e join postings p on p.journal_entry_id = e.id`;
    const rows = await queryRows<Record<string, string>>(
      tx,
      `select p.currency, ${names.map((name) => `(${ledger.sums[name]})::text as "${name}"`).join(', ')}
         from ${from}
        where ${ledger.period === undefined ? entryCondition : periodCondition(ledger.period)}
          and ($5::text[] is null or e.kind = any($5::text[]))
        group by p.currency order by p.currency`,
      [...periodParameters(period), ledger.kinds],
    );
    return Object.fromEntries(
      rows.map((row) => [row['currency']!, Object.fromEntries(names.map((name) => [name, BigInt(row[name]!)]))]),
    );
  }
}

function periodParameters({ from, to, connectedAccountId, cutoff }: ReportPeriod): unknown[] {
  return [from, to, connectedAccountId, cutoff];
}

function periodCondition(alias: string): string {
  return `($1::timestamptz is null or ${alias}.occurred_at >= $1::timestamptz)
      and ($2::timestamptz is null or ${alias}.occurred_at < $2::timestamptz)
      and ($3::text is null or ${alias}.connected_account_id = $3::text)
      and ($4::timestamptz is null or ${alias}.posted_at < $4::timestamptz)`;
}

const entryCondition = periodCondition('e').replaceAll('e.posted_at', 'e.created_at');
