import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { describeMachine } from './machine';
import { runBench } from './run-bench';
import { adminKey, megabytesOf, RunningService } from './service';
import { quantile, rounded, summarize } from './statistics';
import { BenchSeller, measureFresh, onboard, payIn, startWorld } from './world';

/**
 * A batch of 10,000 rows, from its upload to the moment its last row is a payout. Three ways the same rows become promises, in one run:
 * asked for one by one over HTTP, as a batch, and as plain SQL that writes no more than the payout and its journal entry. In these three
 * the sellers cannot be paid yet, so nothing is asked of Stripe and the rows alone are measured. Then a batch whose sellers are paid at
 * once, all of Stripe's work beside it, and single payouts asked for behind it: how long they wait for their card, and how long they
 * waited before it.
 */
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000' },
    /** Payouts asked for one by one, eight at a time. */
    singles: { type: 'string', default: '2000' },
    /** Requests per second that Stripe allows: 100 live. */
    budget: { type: 'string', default: '100' },
    /** New payouts, one every other second, before and again behind the batch. */
    fresh: { type: 'string', default: '8' },
  },
});
const rowCount = Number(options.rows);
const singles = Number(options.singles);
const budget = Number(options.budget);
const fresh = Number(options.fresh);
const connections = 8;
const sellersMax = 10;
const amount = 50_00;

async function main(): Promise<void> {
  const machine = describeMachine();
  console.log(
    `${machine.processors} processors (${machine.model}), load ${machine.load_1m.toFixed(1)} before the bench.`,
  );
  const { sql, stripe, service } = await startWorld('batches', budget);
  await payIn(stripe, (rowCount + 1_000) * (amount + 1_00));
  const sellers: BenchSeller[] = [];
  while (sellers.length < sellersMax) sellers.push(await onboard(service, stripe));

  await sql.query(`update connected_accounts set card_issuing_capability = 'inactive'`);
  const one = await oneByOne(service, sellers);
  await untilLooked(sql);
  const waiting = await batch(service, sql, sellers);
  await untilLooked(sql);
  const plain = await plainSql(sql, waiting.id);
  await sql.query(`update payouts set status = 'closed', waiting_on = null, retry_at = null, outcome = 'canceled'`);
  await sql.query(`delete from pgboss.job where name = 'advance-payout' and state = 'created'`);
  await sql.query(`update connected_accounts set card_issuing_capability = 'active'`);

  const alone = await measureFresh(service, sellers, fresh, amount);
  const running = batch(service, sql, sellers);
  const behind = await measureFresh(service, sellers, fresh, amount);
  const paid = await running;

  const report = {
    machine: { ...machine, load_1m: rounded(machine.load_1m) },
    rows: rowCount,
    accepted: [waiting.accepted, paid.accepted],
    upload_ms: rounded(waiting.uploadMs, 0),
    rows_per_second: waiting.perSecond,
    one_by_one_per_second: one,
    plain_sql_per_second: plain,
    ratio_to_one_by_one: rounded(waiting.perSecond / one),
    ratio_to_plain_sql: rounded(waiting.perSecond / plain),
    rows_per_second_while_paying: paid.perSecond,
    budget_per_second: budget,
    new_payout_ready_ms_alone: summarize(alone),
    new_payout_ready_ms_behind: summarize(behind),
    ratio_p50: rounded(quantile(behind, 0.5) / quantile(alone, 0.5)),
    memory_mb: megabytesOf(service.process),
  };
  console.table({
    'rows accepted per second, of a batch': {
      figure: report.rows_per_second,
      'beside it': `${waiting.accepted} of ${rowCount} rows in ${rounded(waiting.seconds, 1)} s; upload checked and answered in ${report.upload_ms} ms`,
    },
    'one by one over HTTP, 8 connections': {
      figure: one,
      'beside it': `a batch is ${report.ratio_to_one_by_one} times`,
    },
    'payout and journal entry, plain SQL': {
      figure: plain,
      'beside it': `a batch is ${report.ratio_to_plain_sql} of it`,
    },
    'rows per second while Stripe pays': {
      figure: paid.perSecond,
      'beside it': `${paid.accepted} of ${rowCount} rows in ${rounded(paid.seconds, 1)} s, ${budget} requests/s at most`,
    },
    'new payout, request to ready, p50 / max, ms': {
      figure: `${report.new_payout_ready_ms_behind.p50} / ${report.new_payout_ready_ms_behind.max}`,
      'beside it': `without the batch ${report.new_payout_ready_ms_alone.p50} / ${report.new_payout_ready_ms_alone.max}`,
    },
    'memory of the service, MB': { figure: report.memory_mb, 'beside it': '' },
  });
  console.log(`\n${JSON.stringify(report)}`);
}

function rowOf(sellers: readonly BenchSeller[], n: number): object {
  const { id, cardholder } = sellers[n % sellers.length]!;
  const reference = `bench-${randomBytes(8).toString('hex')}`;
  return { connected_account: id, cardholder, amount, currency: 'usd', reference };
}

async function oneByOne(service: RunningService, sellers: readonly BenchSeller[]): Promise<number> {
  const numbers = Array.from({ length: singles }, (_, n) => n).values();
  const begun = performance.now();
  const worker = async () => {
    for (const n of numbers) await service.call('POST', '/v1/payouts', rowOf(sellers, n));
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return rounded((singles * 1_000) / (performance.now() - begun), 0);
}

interface Batch {
  readonly id: string;
  readonly accepted: number;
  readonly uploadMs: number;
  /** From the answer to the last row. */
  readonly seconds: number;
  readonly perSecond: number;
}

async function batch(service: RunningService, sql: Client, sellers: readonly BenchSeller[]): Promise<Batch> {
  const lines = Array.from({ length: rowCount }, (_, n) => JSON.stringify(rowOf(sellers, n)));
  const begun = performance.now();
  const answer = await fetch(`${service.url}/v1/payout-batches`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${adminKey}`,
      'content-type': 'application/x-ndjson',
      'idempotency-key': randomBytes(12).toString('hex'),
    },
    body: lines.join('\n'),
  });
  if (answer.status !== 202) throw new Error(`The batch was answered ${answer.status}: ${await answer.text()}`);
  const { id } = (await answer.json()) as { id: string };
  const uploadMs = performance.now() - begun;
  for (let isDone = false; !isDone; await pause(100)) {
    const { rows } = await sql.query('select from payout_batches where id = $1 and completed_at is not null', [id]);
    isDone = rows.length === 1;
  }
  // By the service's clock: from the row of the batch to the writing of its end.
  const { rows } = await sql.query<{ seconds: number; accepted: number }>(
    `select extract(epoch from completed_at - created_at)::float as seconds,
            (select count(*)::int from payout_batch_rows where batch_id = $1 and status = 'accepted') as accepted
     from payout_batches where id = $1`,
    [id],
  );
  const { seconds, accepted } = rows[0]!;
  return { id, accepted, uploadMs, seconds, perSecond: rounded(accepted / seconds, 0) };
}

/** Payouts that cannot be paid yet are looked at once: until then the database has more to do than a measurement says. */
async function untilLooked(sql: Client): Promise<void> {
  for (let left = 1; left > 0; await pause(200)) {
    const { rows } = await sql.query<{ left: number }>(
      `select count(*)::int as left from pgboss.job where name = 'advance-payout' and state < 'completed' and start_after <= now()`,
    );
    left = rows[0]!.left;
  }
}

/** What the database must do for the same rows whoever asks: each payout and its journal entry, a hundred in a transaction. */
async function plainSql(sql: Client, batchId: string): Promise<number> {
  const begun = performance.now();
  for (let from = 1; from <= rowCount; from += 100) {
    await sql.query(
      `with made as (
         insert into payouts (id, connected_account_id, cardholder_id, amount_minor, currency, status, reference, controls, metadata,
                              expires_at, created_at, updated_at)
         select 'payout_plain' || lpad(number::text, 21, '0'), connected_account_id, cardholder_id, amount_minor, currency, 'pending',
                'plain-' || payouts.reference, controls, metadata, expires_at, now(), now()
         from payout_batch_rows each join payouts on payouts.id = each.payout_id
         where each.batch_id = $1 and each.number between $2 and $3
         returning *)
       select post_journal_entry('payout_accepted', id, connected_account_id, id, now(),
                array['marketplace_funds:' || currency, 'payout_owed:' || id || ':' || currency], array[amount_minor, -amount_minor])
       from made`,
      [batchId, from, from + 99],
    );
  }
  return rounded((rowCount * 1_000) / (performance.now() - begun), 0);
}

runBench(main);
