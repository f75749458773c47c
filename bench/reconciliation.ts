import { fork } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { runMigrations } from '../src/platform/database/migrations';
import { startEmbeddedDatabase } from '../src/platform/embedded/embedded-database';
import { describeMachine, fdatasyncMicros } from './machine';
import type { Compared, Measure, Verified } from './reconciliation-run';
import { BenchAccount, refuseInconsistent, seedAccount } from './reconciliation-seed';
import { runBench, stopping } from './run-bench';
import { seedPayouts } from './seed';
import { median, rounded } from './statistics';

/**
 * Stripe's lines against the ledger, all of them in the database by now: how many are matched in a second, beside a plain full join of
 * the same rows. Two sizes in one run, so that a time that grows faster than the rows is seen. Then how long it takes to prove and
 * to seal a ledger.
 */
const { values: options } = parseArgs({
  options: {
    /** Lines of the two accounts. */
    small: { type: 'string', default: '100000' },
    lines: { type: 'string', default: '1000000' },
    /** Comparisons of each kind, turn by turn. */
    rounds: { type: 'string', default: '3' },
    /** Journal entries, in payouts' chains of two, that are proven and sealed. 0 leaves it out. */
    entries: { type: 'string', default: '1000000' },
  },
});

async function main(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'disburse-bench-'));
  stopping.push(() => rmSync(home, { recursive: true, force: true }));
  // PostgreSQL does not run as root: whoever it runs as must get through.
  chmodSync(home, 0o755);
  const machine = describeMachine();
  const disk = fdatasyncMicros(home);
  console.log(
    `${machine.processors} processors (${machine.model}), load ${machine.load_1m.toFixed(1)} before the bench; fdatasync ${disk} µs.`,
  );
  const database = await startEmbeddedDatabase(home);
  stopping.push(() => database.stop());
  const report: Record<string, unknown> = {
    machine: { ...machine, load_1m: rounded(machine.load_1m), fdatasync_us: disk },
  };
  report['compare'] = await measureComparisons(database.url);
  if (Number(options.entries) > 0) report['ledger'] = await measureLedger(database.url);
  console.log(`\n${JSON.stringify(report)}`);
}

async function measureComparisons(url: string): Promise<object> {
  await runMigrations(url);
  const sql = await connect(url);
  const begun = performance.now();
  const accounts: BenchAccount[] = [];
  for (const [index, lines] of [Number(options.small), Number(options.lines)].entries()) {
    accounts.push(await seedAccount(sql, index, lines));
  }
  await refuseInconsistent(sql);
  await sql.query('vacuum analyze');
  await sql.query('checkpoint');
  const lines = accounts.reduce((sum, account) => sum + account.lines, 0);
  console.log(`${lines} lines with their entries seeded in ${((performance.now() - begun) / 1_000).toFixed(1)} s.`);
  const serverPid = await pidOfServer(sql);

  const results: Record<string, Record<string, number>> = {};
  for (const account of accounts) {
    const { answer, serverMb } = await measure<Compared>(
      { what: 'compare', databaseUrl: url, account: account.id, rounds: Number(options.rounds) },
      serverPid,
    );
    refuseWrong(account, answer);
    const [plain, ours] = [median(answer.plainSeconds), median(answer.compareSeconds)];
    results[`${account.lines} lines`] = {
      'plain join s': rounded(plain),
      'reconciliation s': rounded(ours),
      'times the join': rounded(ours / plain),
      'matched per s': Math.round(answer.matched / ours),
      'process MB': answer.memoryMb,
      'PostgreSQL MB': serverMb,
      differences: answer.ourDifferences.length,
    };
  }
  console.table(results);
  const [small, large] = Object.values(results);
  const growth = large!['reconciliation s']! / small!['reconciliation s']! / (accounts[1]!.lines / accounts[0]!.lines);
  console.log(`Time for each line, large against small: ${growth.toFixed(2)} times.`);
  return { ...results, growth_per_line: rounded(growth) };
}

/** A comparison that is fast and wrong is worth nothing: the plain join must find the same. */
function refuseWrong(account: BenchAccount, { plainDifferences, ourDifferences }: Compared): void {
  const isSame = JSON.stringify(plainDifferences) === JSON.stringify(ourDifferences);
  if (!isSame || ourDifferences.length !== account.differences) {
    throw new Error(
      `${account.id}: ${account.differences} differences were seeded, the plain join found ${plainDifferences.length}, reconciliation ${ourDifferences.length}${isSame ? '' : ', others'}.`,
    );
  }
}

async function measureLedger(url: string): Promise<object> {
  const admin = await connect(url);
  await admin.query('create database ledger_bench');
  const own = new URL(url);
  own.pathname = '/ledger_bench';
  await runMigrations(own.href);
  const begun = performance.now();
  await seedPayouts(own.href, Math.ceil(Number(options.entries) / 2));
  console.log(
    `${options.entries} entries in payouts' chains seeded in ${((performance.now() - begun) / 1_000).toFixed(1)} s.`,
  );
  const sql = await connect(own.href);
  const { answer, serverMb } = await measure<Verified>(
    { what: 'verify', databaseUrl: own.href },
    await pidOfServer(sql),
  );
  if (answer.problems > 0) throw new Error(`A ledger nobody touched has ${answer.problems} problems.`);
  const row = (seconds: number) => ({ s: rounded(seconds), 'entries per s': Math.round(answer.entries / seconds) });
  console.table({
    'prove entries, chains and balances': row(answer.verifySeconds),
    [`seal them (${answer.seals} seals)`]: row(answer.sealSeconds),
    'prove them again, seals too': row(answer.verifySealedSeconds),
  });
  console.log(`${answer.memoryMb} MB at most in the process, ${serverMb} MB in PostgreSQL.`);
  return { ...answer, postgresql_mb: serverMb };
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  stopping.push(() => client.end());
  return client;
}

/** Runs one measure in a process of its own; meanwhile watches the memory of PostgreSQL's processes. */
async function measure<Answer>(what: Measure, serverPid: number): Promise<{ answer: Answer; serverMb: number }> {
  let serverMb = 0;
  const watch = setInterval(() => (serverMb = Math.max(serverMb, ownMemoryMbOfServer(serverPid))), 100);
  const child = fork(join(__dirname, 'reconciliation-run.js'));
  stopping.push(() => void child.kill('SIGKILL'));
  try {
    const answer = await new Promise<Answer>((done, fail) => {
      child.once('message', (message) => done(message as Answer));
      child.once('exit', (code) => fail(new Error(`A process of the bench ended with ${code}.`)));
      child.send(what);
    });
    return { answer, serverMb };
  } finally {
    clearInterval(watch);
  }
}

async function pidOfServer(sql: Client): Promise<number> {
  const { rows } = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
  return Number(statusOf(rows[0]!.pid, 'PPid'));
}

/** What the server's processes have for themselves: shared buffers are one cache for all. */
function ownMemoryMbOfServer(serverPid: number): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const own = processes.filter((pid) => statusOf(Number(pid), 'PPid') === String(serverPid));
  return Math.round(own.reduce((sum, pid) => sum + (Number(statusOf(Number(pid), 'RssAnon')) || 0), 0) / 1024);
}

function statusOf(pid: number, field: string): string | undefined {
  try {
    return new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined; // It ended meanwhile.
  }
}

runBench(main);
