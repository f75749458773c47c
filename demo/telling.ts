import { Json } from './http';

/** Something the demo promised did not come true; the message says which. */
export class DemoFailed extends Error {}

const startedAt = Date.now();

export function step(title: string): void {
  console.log(`\n${title}`);
}

/** One line of the story: what happened, and the ids to look it up by. */
export function say(what: string, ids = ''): void {
  const seconds = ((Date.now() - startedAt) / 1_000).toFixed(1).padStart(5);
  console.log(`  ${seconds} s  ${ids ? what.padEnd(52) : what}${ids ? `  ${ids}` : ''}`);
}

/** Minor units as people write them. */
export function money(minor: number, currency: string): string {
  return `${(minor / 100).toFixed(2)} ${currency.toUpperCase()}`;
}

/** @throws {DemoFailed} naming both amounts */
export function expect(what: string, actual: number, wanted: number, currency: string): void {
  if (actual !== wanted)
    throw new DemoFailed(`${what}: ${money(actual, currency)} instead of ${money(wanted, currency)}`);
  say(`${what}: ${money(actual, currency)}`);
}

/**
 * Asks `look` until it answers something true.
 * `isWorthWaiting` is asked from time to time; when it says no, waiting ends at once.
 * @throws {DemoFailed} naming what was awaited
 */
export async function until<Fact>(
  what: string,
  look: () => Promise<Fact>,
  timeoutMs = 30_000,
  isWorthWaiting: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<Exclude<Fact, false | null | undefined>> {
  const deadline = Date.now() + timeoutMs;
  for (let round = 1; ; round += 1) {
    const fact = await look();
    if (fact) return fact as Exclude<Fact, false | null | undefined>;
    if (Date.now() > deadline) throw new DemoFailed(`waited ${timeoutMs / 1_000} s in vain for ${what}`);
    if (round % 10 === 0 && !(await isWorthWaiting())) throw new DemoFailed(`${what} is held up`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Prints rows as a table of the given columns; amounts are in minor units and shown in major ones. */
export function table(rows: readonly Json[], columns: readonly string[]): void {
  const amounts = new Set(['amount', 'captured', 'refunded', 'paid', 'reclaimed']);
  const cells = rows.map((row) =>
    columns.map((column) => (amounts.has(column) ? money(Number(row[column]), '').trim() : String(row[column] ?? ''))),
  );
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((row) => row[index]!.length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, index) => (amounts.has(columns[index]!) ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!))).join('  ')}`;
  console.log(line(columns));
  console.log(`  ${widths.map((width) => '-'.repeat(width)).join('  ')}`);
  for (const row of cells) console.log(line(row));
}
