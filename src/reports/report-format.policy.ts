import { ColumnType, Report, ReportRow, Totals } from './report.types';
import { SellerStatement } from './seller-statement.types';

const crlf = '\r\n';
// A spreadsheet takes these at the start of a text for a formula. https://owasp.org/www-community/attacks/CSV_Injection
const formulaStart = /^\s*[=+\-@|＝＋－＠]|^[\t\r\n]/;

/** One CSV field (RFC 4180). Text that a spreadsheet would run is made plain by an apostrophe; numbers are what they are. */
export function toCsvField(value: string | null, type: ColumnType): string {
  if (value === null) return '';
  const text = type === 'text' && formulaStart.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

type Table = Readonly<{
  columns: readonly Readonly<{ name: string; type: ColumnType }>[];
  pages: AsyncIterable<readonly ReportRow[]>;
}>;

/** Rows as CSV: a header, then rows. Pieces of text, a page each; the header comes with the first rows. */
export async function* toCsv({ columns, pages }: Table): AsyncGenerator<string> {
  let head = columns.map((column) => toCsvField(column.name, 'text')).join(',') + crlf;
  for await (const page of pages) {
    yield (
      head +
      page
        .map((row) => columns.map(({ name, type }) => toCsvField(csvValue(row[name] ?? null, type), type)).join(','))
        .join(crlf) +
      crlf
    );
    head = '';
  }
  if (head !== '') yield head;
}

/** The report as one JSON object: rows under `data`, then `summary`. Pieces of text, a page each. */
export async function* toJson(report: Report): AsyncGenerator<string> {
  const { from, to, cutoff, connectedAccountId, payoutStatus, label } = report.period;
  yield* jsonRows(report, {
    object: 'report',
    name: report.name,
    from: from?.toISOString() ?? null,
    to: to?.toISOString() ?? null,
    cutoff: cutoff?.toISOString() ?? null,
    connected_account: connectedAccountId,
    status: payoutStatus,
    label,
  });
  const summary = await report.summary();
  const text = JSON.stringify({
    rows: summary.rows,
    totals: toNumbers(summary.totals),
    ledger: toNumbers(summary.ledger),
    ties: summary.ties,
  });
  yield `],"summary":${text}}`;
}

/** A seller's month as one JSON object: its rows under `data`, then the balances and the ledger's own. */
export async function* statementToJson(statement: SellerStatement): AsyncGenerator<string> {
  yield* jsonRows(statement, {
    object: 'seller_statement',
    connected_account: statement.connectedAccountId,
    month: statement.month,
    currency: statement.currency,
    from: statement.from.toISOString(),
    to: statement.to.toISOString(),
    cutoff: statement.cutoff?.toISOString() ?? null,
  });
  const { rows, openingMinor, closingMinor, accounts, ledgerMinor, ties } = statement.closing();
  const text = JSON.stringify({
    movements: rows,
    opening_balance: Number(openingMinor),
    closing_balance: Number(closingMinor),
    ledger: { closing_balance: Number(ledgerMinor) },
    ties,
    accounts: accounts.map((each) => ({
      account: each.account,
      opening: Number(each.openingMinor),
      debit: Number(each.debitMinor),
      credit: Number(each.creditMinor),
      closing: Number(each.closingMinor),
    })),
  });
  yield `],${text.slice(1)}`;
}

async function* jsonRows({ columns, pages }: Table, facts: object): AsyncGenerator<string> {
  let before = `${JSON.stringify(facts).slice(0, -1)},"data":[`;
  for await (const page of pages) {
    yield before + page.map((row) => JSON.stringify(toJsonRow(columns, row))).join(',');
    before = ',';
  }
  if (before !== ',') yield before;
}

function csvValue(value: string | null, type: ColumnType): string | null {
  if (value === null) return null;
  if (type === 'major') return toMajor(value);
  return type === 'flag' ? String(isTrue(value)) : value;
}

/** Every currency of ours has a hundred minor units. */
function toMajor(minor: string): string {
  const [sign, digits] = minor.startsWith('-') ? ['-', minor.slice(1)] : ['', minor];
  const padded = digits.padStart(3, '0');
  return `${sign}${padded.slice(0, -2)}.${padded.slice(-2)}`;
}

function toJsonRow(columns: Table['columns'], row: ReportRow): Record<string, string | number | boolean | null> {
  return Object.fromEntries(columns.map(({ name, type }) => [name, toJsonValue(row[name] ?? null, type)]));
}

function toJsonValue(value: string | null, type: ColumnType): string | number | boolean | null {
  if (value === null) return null;
  switch (type) {
    case 'minor':
    case 'major':
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
