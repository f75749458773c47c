import type { AuditEntryView } from './audit-log.dto';

const crlf = '\r\n';
// A spreadsheet takes these at the start of a text for a formula. https://owasp.org/www-community/attacks/CSV_Injection
const formulaStart = /^\s*[=+\-@|＝＋－＠]|^[\t\r\n]/;

const columns: Readonly<Record<string, (entry: AuditEntryView) => string | null>> = {
  id: ({ id }) => id,
  occurred_at: (entry) => entry.occurred_at,
  actor_type: ({ actor }) => actor.type,
  actor_id: ({ actor }) => actor.id,
  actor_role: ({ actor }) => actor.role,
  action: ({ action }) => action,
  object_type: ({ object }) => object.type,
  object_id: ({ object }) => object.id,
  outcome: ({ outcome }) => outcome,
  refusal_code: (entry) => entry.refusal_code,
  before: ({ before }) => before && JSON.stringify(before),
  after: ({ after }) => after && JSON.stringify(after),
  ip: ({ ip }) => ip,
  user_agent: (entry) => entry.user_agent,
  request_id: (entry) => entry.request_id,
};

/** A header, then a line per entry (RFC 4180), in pieces. */
export async function* toCsv(pages: AsyncIterable<readonly AuditEntryView[]>): AsyncGenerator<string> {
  yield Object.keys(columns).join(',') + crlf;
  for await (const page of pages) {
    for (const entry of page)
      yield (
        Object.values(columns)
          .map((column) => field(column(entry)))
          .join(',') + crlf
      );
  }
}

/** One JSON object a line, in pieces. https://jsonlines.org */
export async function* toJsonLines(pages: AsyncIterable<readonly AuditEntryView[]>): AsyncGenerator<string> {
  for await (const page of pages) for (const entry of page) yield `${JSON.stringify(entry)}\n`;
}

function field(value: string | null): string {
  if (value === null) return '';
  const text = formulaStart.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
