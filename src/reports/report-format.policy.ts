import { ColumnType, Report, ReportRow, Totals } from './report.types';

const crlf = '\r\n';
// A spreadsheet takes these at the start of a text for a formula. https://owasp.org/www-community/attacks/CSV_Injection
const formulaStart = /^\s*[=+\-@|＝＋－＠]|^[\t\r\n]/;

/** One CSV field (RFC 4180). Text that a spreadsheet would run is made plain by an apostrophe; numbers are what they are. */
export function toCsvField(value: string | null, type: ColumnType): string {
  if (value === null) return '';
  const text = type === 'text' && formulaStart.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The report as CSV: a header, then rows. Pieces of text, a page each. */
export async function* toCsv(report: Report): AsyncGenerator<string> {
  yield report.columns.map((column) => toCsvField(column.name, 'text')).join(',') + crlf;
  for await (const page of report.pages) {
    yield (
      page
        .map((row) =>
          report.columns.map(({ name, type }) => toCsvField(csvValue(row[name] ?? null, type), type)).join(','),
        )
        .join(crlf) + crlf
    );
  }
}

/** The report as one JSON object: rows under `data`, then `summary`. Pieces of text, a page each. */
export async function* toJson(report: Report): AsyncGenerator<string> {
  const { from, to, cutoff, connectedAccountId } = report.period;
  const head = JSON.stringify({
    object: 'report',
    name: report.name,
    from: from?.toISOString() ?? null,
    to: to?.toISOString() ?? null,
    cutoff: cutoff?.toISOString() ?? null,
    connected_account: connectedAccountId,
  });
  yield `${head.slice(0, -1)},"data":[`;
  let separator = '';
  for await (const page of report.pages) {
    yield separator + page.map((row) => JSON.stringify(toJsonRow(report, row))).join(',');
    separator = ',';
  }
  const summary = await report.summary();
  const text = JSON.stringify({
    rows: summary.rows,
    totals: toNumbers(summary.totals),
    ledger: toNumbers(summary.ledger),
    ties: summary.ties,
  });
  yield `],"summary":${text}}`;
}

function csvValue(value: string | null, type: ColumnType): string | null {
  return type === 'flag' && value !== null ? String(isTrue(value)) : value;
}

function toJsonRow(report: Report, row: ReportRow): Record<string, string | number | boolean | null> {
  return Object.fromEntries(report.columns.map(({ name, type }) => [name, toJsonValue(row[name] ?? null, type)]));
}

function toJsonValue(value: string | null, type: ColumnType): string | number | boolean | null {
  if (value === null) return null;
  switch (type) {
    case 'minor':
    case 'count':
      return Number(value);
    case 'flag':
      return isTrue(value);
    case 'text':
    case 'time':
      return value;
  }
}

/** PostgreSQL writes a boolean cast to text as `true`. */
function isTrue(value: string): boolean {
  return value === 'true' || value === 't';
}

/** Sorted, so that equal totals are equal bytes. */
function toNumbers(totals: Totals): Record<string, Record<string, number>> {
  return Object.fromEntries(
    Object.entries(totals)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([currency, sums]) => [
        currency,
        Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, Number(sum)])),
      ]),
  );
}
