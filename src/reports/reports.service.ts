import { Injectable } from '@nestjs/common';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { reportDefinitions, ReportDefinition } from './report-definitions.policy';
import { ReportNotFound } from './report.errors';
import { Report, ReportName, reportNames, ReportPeriod, ReportRow, ReportSummary, Totals } from './report.types';
import { ReportsRepository } from './reports.repository';

/** Reports over any period, row by row, with totals that the ledger must confirm. Memory holds a page, however long the report. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly repository: ReportsRepository,
    private readonly connectedAccounts: ConnectedAccountsService,
  ) {}

  /**
   * Opens a report. Its pages are read in one database snapshot as the caller takes them; with `isSummed` the summary is there after the
   * last one.
   * @throws {ReportNotFound} {ConnectedAccountNotFound}
   */
  async open(name: string, period: ReportPeriod, isSummed = true): Promise<Report> {
    if (!(reportNames as readonly string[]).includes(name)) throw new ReportNotFound(name);
    if (period.connectedAccountId !== null) await this.connectedAccounts.get(period.connectedAccountId);
    const { repository } = this;
    const definition = reportDefinitions[name as ReportName];
    const totals: Record<string, Record<string, bigint>> = {};
    let rows = 0;
    let summary: ReportSummary | undefined;

    const pages = repository.snapshot(async function* (tx): AsyncGenerator<readonly ReportRow[]> {
      for await (const page of repository.pages(tx, definition, period)) {
        for (const row of page) addTo(totals, definition, row);
        rows += page.length;
        yield page;
      }
      if (!isSummed) return;
      const ledger = await repository.ledgerTotals(tx, definition, period);
      summary = { rows, totals, ledger, ties: doTie(definition, totals, ledger) };
    });

    return {
      name: name as ReportName,
      period,
      columns: definition.columns,
      pages,
      summary: () =>
        summary
          ? Promise.resolve(summary)
          : Promise.reject(new Error('The rows of the report have not been read yet.')),
    };
  }
}

function addTo(totals: Record<string, Record<string, bigint>>, definition: ReportDefinition, row: ReportRow): void {
  // The journal writes currencies in capitals, as accounting systems do.
  const currency = (row['currency'] ?? '').toLowerCase();
  const sums = (totals[currency] ??= Object.fromEntries(
    definition.columns.filter((column) => column.isTotal).map((column) => [column.name, 0n]),
  ));
  for (const name of Object.keys(sums)) sums[name] = sums[name]! + BigInt(row[name] ?? '0');
}

/** Every sum the ledger knows equals the report's, for every currency either of them has. */
function doTie(definition: ReportDefinition, totals: Totals, ledger: Totals): boolean {
  const currencies = new Set([...Object.keys(totals), ...Object.keys(ledger)]);
  return [...currencies].every((currency) =>
    Object.keys(definition.ledger.sums).every(
      (name) => (totals[currency]?.[name] ?? 0n) === (ledger[currency]?.[name] ?? 0n),
    ),
  );
}
