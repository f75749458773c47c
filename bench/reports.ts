import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { runMigrations } from '../src/platform/database/migrations';
import { startEmbeddedDatabase } from '../src/platform/embedded/embedded-database';
import { describeMachine } from './machine';
import { sellerCount } from './purchases';
import { seedMonths } from './reports-seed';
import { runBench, stopping } from './run-bench';
import { adminKey, megabytesOf, RunningService, startService, stopProcess } from './service';
import { median, rounded } from './statistics';

/**
 * A month's settlement report and a seller's statement among many payouts: the time to the first byte over HTTP, which is of the first row
 * (nothing is sent before it), the rows per second of all of it, and the service's memory. The baseline is the first fetch of the same
 * rows through a plain cursor, without the service. What the payouts are: `seedMonths`.
 */
const { values: options } = parseArgs({
  options: {
    payouts: { type: 'string', default: '1000000' },
    /** Requests for each first byte. */
    rounds: { type: 'string', default: '7' },
  },
});
const count = Number(options.payouts);
const rounds = Number(options.rounds);
const targetMs = 300;
const months = 4;

async function main(): Promise<void> {
  const machine = describeMachine();
  console.log(
    `${machine.processors} processors (${machine.model}), load ${machine.load_1m.toFixed(1)} before the bench.`,
  );
  const home = mkdtempSync(join(tmpdir(), 'disburse-reports-'));
  stopping.push(() => rmSync(home, { recursive: true, force: true }));
  chmodSync(home, 0o755);
  const database = await startEmbeddedDatabase(join(home, 'data'));
  stopping.push(() => database.stop());
  await runMigrations(database.url);
  const sql = new Client({ connectionString: database.url });
  await sql.connect();
  stopping.push(() => sql.end());

  const begun = performance.now();
  await seedMonths(database.url, count, months);
  const seedingSeconds = rounded((performance.now() - begun) / 1_000, 1);
  const { rows } = await sql.query<{ entries: string; postings: string; month: string; seller: string }>(
    `select (select count(*) from journal_entries) as entries, (select count(*) from postings) as postings,
            to_char(now() - interval '1 month', 'YYYY-MM') as month, (select min(id) from connected_accounts) as seller`,
  );
  const { entries, postings, month, seller } = rows[0]!;
  console.log(`${count} payouts, ${entries} entries, ${postings} postings, seeded in ${seedingSeconds} s.`);
  console.log(
    'Seeded in sets: without triggers, and the ends of the payouts without the hashes of their chains, which no report reads.',
  );

  const service = await startService(home, database.url, {
    ROLE: 'api',
    STRIPE_API_KEY: 'sk_test_bench',
    STRIPE_WEBHOOK_SECRETS: 'whsec_bench',
    STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: 'whsec_bench',
  });
  stopping.push(() => stopProcess(service.process));
  const [year = '', number = ''] = month.split('-');
  const lastDay = new Date(Date.UTC(Number(year), Number(number), 0)).getUTCDate();
  const period = `from=${month}-01&to=${month}-${lastDay}`;
  const subjects: Record<string, string> = {
    'settlement of a month, all sellers': `/v1/reports/settlement?${period}&format=csv`,
    'settlement of a month, one seller': `/v1/reports/settlement?${period}&connected_account=${seller}&format=csv`,
    "a seller's statement of the month": `/v1/connected-accounts/${seller}/statements?month=${month}&format=csv`,
    'journal of the month': `/v1/reports/journal?${period}&format=csv`,
    'ledger of the month': `/v1/reports/ledger?${period}&format=csv`,
  };
  const results: Record<string, Record<string, number>> = {};
  for (const [name, path] of Object.entries(subjects)) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) times.push(await firstByteMs(service, path));
    results[name] = {
      'first byte, median ms': rounded(median(times), 1),
      'highest ms': rounded(Math.max(...times), 1),
    };
  }
  const settlement = subjects['settlement of a month, all sellers']!;
  const before = megabytesOf(service.process);
  const whole = await readAll(service, settlement);
  const baseline = await plainCursor(sql, month);
  const floatMs = await floatSum(sql, seller);
  console.table(results);
  const report = {
    machine: { ...machine, load_1m: rounded(machine.load_1m) },
    payouts: count,
    seeding_seconds: seedingSeconds,
    first_byte: results,
    target_ms: targetMs,
    settlement_rows: whole.rows,
    settlement_rows_per_second: whole.perSecond,
    baseline_rows_per_second: baseline.perSecond,
    baseline_first_rows_ms: baseline.firstMs,
    memory_mb_before: before,
    memory_mb_highest: whole.memory,
    float_of_a_seller_ms: floatMs,
    payouts_of_that_seller: Math.ceil(count / sellerCount),
  };
  console.log(`\n${JSON.stringify(report)}`);
}

async function firstByteMs(service: RunningService, path: string): Promise<number> {
  const begun = performance.now();
  const abort = new AbortController();
  const answer = await fetch(`${service.url}${path}`, {
    headers: { authorization: `Bearer ${adminKey}` },
    signal: abort.signal,
  });
  const reader = answer.body!.getReader();
  const { value } = await reader.read();
  const ms = performance.now() - begun;
  if (!answer.ok || !value || Buffer.from(value).indexOf('\n') === value.length - 1)
    throw new Error(`${path}: ${answer.status}, no row`);
  abort.abort();
  return ms;
}

async function readAll(
  service: RunningService,
  path: string,
): Promise<{ rows: number; perSecond: number; memory: number }> {
  const begun = performance.now();
  const answer = await fetch(`${service.url}${path}`, { headers: { authorization: `Bearer ${adminKey}` } });
  let rows = -1;
  let memory = 0;
  for await (const piece of answer.body as unknown as AsyncIterable<Uint8Array>) {
    for (const byte of piece) if (byte === 10) rows += 1;
    memory = Math.max(memory, megabytesOf(service.process));
  }
  return { rows, perSecond: Math.round(rows / ((performance.now() - begun) / 1_000)), memory };
}

/** The view summed up by payout, as somebody at psql would write it, through a cursor. */
async function plainCursor(sql: Client, month: string): Promise<{ perSecond: number; firstMs: number }> {
  const begun = performance.now();
  await sql.query('begin');
  await sql.query(
    `declare plain no scroll cursor for
     select payout_id, reference, currency, amount, sum(captured), sum(refunded), sum(paid), sum(overspent), sum(reclaimed), sum(released)
       from report_settlement where occurred_at >= '${month}-01' and occurred_at < '${month}-01'::timestamptz + interval '1 month'
      group by 1, 2, 3, 4`,
  );
  let rows = 0;
  let firstMs = 0;
  for (;;) {
    const page = await sql.query('fetch 1000 from plain');
    if (firstMs === 0) firstMs = performance.now() - begun;
    rows += page.rows.length;
    if (page.rows.length < 1_000) break;
  }
  await sql.query('rollback');
  return { perSecond: Math.round(rows / ((performance.now() - begun) / 1_000)), firstMs: Math.round(firstMs) };
}

/** What a prefunded reservation adds up under the lock of the seller's float. */
async function floatSum(sql: Client, seller: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    await sql.query(`select sum(amount_minor) from postings where connected_account_id = $1 and account = $2`, [
      seller,
      `seller_float:${seller}:usd`,
    ]);
    times.push(performance.now() - begun);
  }
  return rounded(median(times), 1);
}

runBench(main);
