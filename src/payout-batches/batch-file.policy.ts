import { createHash } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { FieldError } from '../shared/domain-error';
import { BatchMalformed, BatchTooLarge, BatchTooLong } from './payout-batch.errors';
import { batchBytesMax, BatchFormat, batchRowsMax } from './payout-batch.types';

/** One row as the caller wrote it, shaped like the body of `POST /v1/payouts`; or what kept it from being read. */
export type FileRow = Readonly<{ number: number; body: unknown; errors: readonly FieldError[] }>;

export interface BatchFile {
  readonly rows: readonly FileRow[];
  readonly sha256: Buffer;
}

const textColumns = [
  'connected_account',
  'cardholder',
  'amount',
  'currency',
  'expires_at',
  'reference',
  'description',
  'label',
  'purpose',
] as const;
const listColumns = [
  'allowed_categories',
  'blocked_categories',
  'allowed_merchant_countries',
  'blocked_merchant_countries',
] as const;

/** The columns a CSV may have; besides, `metadata.<key>`. Order is free, absent ones are absent fields. */
export const csvColumns: readonly string[] = [...textColumns, ...listColumns, 'amount_match'];

const rowBytesMax = 64 * 1024;

/**
 * Reads a batch as it arrives; only its rows are kept. Bytes and rows beyond the limits end the reading.
 * @throws {BatchMalformed} on a file that cannot be read; errors of single rows are in the rows
 * @throws {BatchTooLong | BatchTooLarge}
 */
export async function readBatchFile(bytes: AsyncIterable<Uint8Array>, format: BatchFormat): Promise<BatchFile> {
  const hash = createHash('sha256');
  const text = decode(bytes, (chunk) => hash.update(chunk));
  const rows: FileRow[] = [];
  for await (const row of format === 'csv' ? readCsv(text) : readLines(text)) {
    if (rows.length === batchRowsMax) throw new BatchTooLong(batchRowsMax);
    rows.push(row);
  }
  return { rows, sha256: hash.digest() };
}

async function* decode(bytes: AsyncIterable<Uint8Array>, see: (chunk: Uint8Array) => void): AsyncGenerator<string> {
  // Strips a byte order mark, and throws on the first byte that is not UTF-8.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let count = 0;
  const read = (chunk?: Uint8Array): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch {
      throw new BatchMalformed(`The batch is not UTF-8 (near byte ${count}). Save it as UTF-8 and send it again.`);
    }
  };
  for await (const chunk of bytes) {
    count += chunk.length;
    if (count > batchBytesMax) throw new BatchTooLarge(batchBytesMax);
    see(chunk);
    yield withoutNul(read(chunk));
  }
  yield read();
}

/** UTF-16 without its mark is valid UTF-8 full of NULs. */
function withoutNul(text: string): string {
  if (text.includes('\0')) throw new BatchMalformed('The batch holds NUL characters: it is not UTF-8 text.');
  return text;
}

async function* readLines(text: AsyncIterable<string>): AsyncGenerator<FileRow> {
  let rest = '';
  let number = 0;
  const toRow = (line: string): FileRow[] => (line.trim() === '' ? [] : [toJsonRow(line, (number += 1))]);
  for await (const piece of text) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > rowBytesMax) throw new BatchMalformed(`A line is longer than ${rowBytesMax} characters.`);
    for (const line of lines) yield* toRow(line);
  }
  yield* toRow(rest);
}

function toJsonRow(line: string, number: number): FileRow {
  const broken = (detail: string): FileRow => ({
    number,
    body: null,
    errors: [{ row: number, pointer: '', detail, code: 'malformed' }],
  });
  try {
    const body: unknown = JSON.parse(line, (key, value: unknown) => {
      if (key === '__proto__') throw new SyntaxError('a key that is none');
      return value;
    });
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return broken('must be a JSON object');
    return { number, body, errors: [] };
  } catch {
    return broken('is not valid JSON');
  }
}

async function* readCsv(text: AsyncIterable<string>): AsyncGenerator<FileRow> {
  const parser = parse({ skip_empty_lines: true, relax_column_count: true, max_record_size: rowBytesMax });
  // Errors of either end arrive at whoever reads the parser.
  pipeline(Readable.from(text), parser, () => undefined);
  let header: string[] | undefined;
  let number = 0;
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      if (header === undefined) header = checkedHeader(record);
      else yield toCsvRow(header, record, (number += 1));
    }
  } catch (error) {
    if (error instanceof CsvError)
      throw new BatchMalformed(`The CSV cannot be read after row ${number}: ${csvSentence(error)}`);
    throw error;
  }
}

function csvSentence(error: CsvError): string {
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'a quote is opened and never closed.';
    case 'CSV_MAX_RECORD_SIZE':
      return `a row is longer than ${rowBytesMax} characters; perhaps a quote is not closed.`;
    default:
      return 'quotes are not as RFC 4180 has them.';
  }
}

function checkedHeader(record: readonly string[]): string[] {
  const header = record.map((name) => name.trim());
  const errors: FieldError[] = [];
  header.forEach((name, index) => {
    const isKnown = csvColumns.includes(name) || /^metadata\..+$/.test(name);
    if (!isKnown)
      errors.push({ pointer: `/${name.slice(0, 100)}`, detail: 'is not a column of a batch', code: 'unknown_field' });
    else if (header.indexOf(name) < index)
      errors.push({ pointer: `/${name}`, detail: 'is there twice', code: 'duplicate' });
  });
  if (errors.length > 0) {
    throw new BatchMalformed(
      `The first line must name the columns: ${csvColumns.join(', ')}, metadata.<key>, divided by commas.`,
      errors.slice(0, 100),
    );
  }
  return header;
}

/** Empty cells are absent fields; lists are divided by semicolons. */
function toCsvRow(header: readonly string[], record: readonly string[], number: number): FileRow {
  if (record.length !== header.length) {
    const detail = `has ${record.length} cells, the header ${header.length}`;
    return { number, body: null, errors: [{ row: number, pointer: '', detail, code: 'malformed' }] };
  }
  const body: Record<string, unknown> = {};
  const controls: Record<string, unknown> = {};
  const metadata: Record<string, string> = Object.create(null) as Record<string, string>;
  header.forEach((name, index) => {
    const cell = record[index] ?? '';
    if (cell === '') return;
    // Anything else than digits stays text, and is refused as no amount.
    if (name === 'amount') body[name] = /^\d{1,16}$/.test(cell) ? Number(cell) : cell;
    else if ((listColumns as readonly string[]).includes(name))
      controls[name] = cell.split(';').map((part) => part.trim());
    else if (name === 'amount_match') controls[name] = cell;
    else if (name.startsWith('metadata.')) metadata[name.slice('metadata.'.length)] = cell;
    else body[name] = cell;
  });
  if (Object.keys(controls).length > 0) body['controls'] = controls;
  if (Object.keys(metadata).length > 0) body['metadata'] = { ...metadata };
  return { number, body, errors: [] };
}
