import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { PgBoss } from 'pg-boss';
import { describeMachine } from './machine';
import { runBench } from './run-bench';
import { megabytesOf, RunningService, stopProcess } from './service';
import { quantile, rounded, summarize } from './statistics';
import { BenchSeller, measureFresh, onboard, payIn, startWorld, StripeClient } from './world';

/**
 * Many payouts expire in the same moment while new ones come: does each end at its second, is Stripe asked at its budget and no faster,
 * and how long does a new payout wait for its card behind them? The baseline is the same new payouts with nothing expiring, in the same
 * run. Every payout has its real card and its real transfer at the simulator. All of them take payouts * 3 calls / budget: the window
 * shows the rate, and the rest is projected from it.
 */
const { values: options } = parseArgs({
  options: {
    /** Payouts that expire in the same moment; 100,000 in one minute is what must not starve new ones. */
    payouts: { type: 'string', default: '5000' },
    /** How long to watch after that moment. */
    seconds: { type: 'string', default: '90' },
    /** Requests per second that Stripe allows: 100 live. */
    budget: { type: 'string', default: '100' },
    /** New payouts, one every other second, before and again behind the backlog. */
    fresh: { type: 'string', default: '20' },
  },
});
const count = Number(options.payouts);
const seconds = Number(options.seconds);
const budget = Number(options.budget);
const fresh = Number(options.fresh);
const sellersMax = 10;
const amount = 50_00;
const buffer = 1_00;
const callsPerPayout = 3;
const portion = 5_000;

async function main(): Promise<void> {
  const machine = describeMachine();
  console.log(
    `${machine.processors} processors (${machine.model}), load ${machine.load_1m.toFixed(1)} before the bench.`,
  );
  const world = await startWorld('expiry', budget);
  const { sql, stripe, databaseUrl } = world;
  await payIn(stripe, count * (amount + buffer));
  const sellers: BenchSeller[] = [];
  while (sellers.length < sellersMax) sellers.push(await onboard(world.service, stripe));

  const alone = await measureFresh(world.service, sellers, fresh, amount);
  // What Stripe would tell of the seeded objects was told and handled long ago: nobody listens, and the sweep looks behind it.
  await stopProcess(world.service.process);
  await stripe.control('POST', '/faults', { on: 'webhook', action: 'drop' });
  const begun = performance.now();
  await seed(sql, stripe, sellers);
  await stripe.control('GET', '/deliveries?wait_seconds=20');
  await stripe.control('DELETE', '/faults');
  await sql.query(`update stripe_event_cursors set swept_to = now() + interval '5 minutes'`);
  const service = await world.restart();
  const seedingSeconds = rounded((performance.now() - begun) / 1_000, 1);
  console.log(`${count} ready payouts with a card and a transfer at the simulator, seeded in ${seedingSeconds} s.`);

  const expiresAt = await letExpire(sql, databaseUrl);
  const watched = watch(sql, service, expiresAt);
  await pause(expiresAt.getTime() - Date.now());
  const behind = await measureFresh(service, sellers, fresh, amount);
  const rates = await watched;

  const late = await sql.query<{ late: string }>(
    `select extract(epoch from t.occurred_at - $1::timestamptz) * 1000 as late from payout_timeline t
      where t.kind = 'status.changed' and t.detail->>'to' = 'expired' and t.payout_id like 'payout_bench%'`,
    [expiresAt],
  );
  const lateMs = late.rows.map((row) => Number(row.late));
  const report = {
    machine: { ...machine, load_1m: rounded(machine.load_1m) },
    payouts: count,
    budget_per_second: budget,
    window_seconds: seconds,
    status_moved: lateMs.length,
    status_moved_ms_after_expires_at: {
      first: rounded(quantile(lateMs, 0), 0),
      p50: rounded(quantile(lateMs, 0.5), 0),
      max: rounded(quantile(lateMs, 1), 0),
    },
    ...rates,
    new_payout_ready_ms_alone: summarize(alone),
    new_payout_ready_ms_behind: summarize(behind),
    ratio_p50: rounded(quantile(behind, 0.5) / quantile(alone, 0.5)),
  };
  console.table({
    'status moved to expired': { figure: `${lateMs.length} of ${count}`, 'beside it': '' },
    'after expires_at, first / p50 / last moved, ms': {
      figure: Object.values(report.status_moved_ms_after_expires_at).join(' / '),
      'beside it': 'the decision declines the card from its second on, whatever the status',
    },
    'calls settled per second': {
      figure: rates.calls_per_second,
      'beside it': `all requests ${rates.requests_per_second}/s, highest second ${rates.requests_per_second_max}, budget ${budget}`,
    },
    'payouts closed in the window': {
      figure: rates.closed,
      'beside it': `all closed, projected: ${rates.projected_minutes} min`,
    },
    'new payout, request to ready, p50 / max, ms': {
      figure: `${report.new_payout_ready_ms_behind.p50} / ${report.new_payout_ready_ms_behind.max}`,
      'beside it': `with nothing expiring ${report.new_payout_ready_ms_alone.p50} / ${report.new_payout_ready_ms_alone.max}`,
    },
    'memory of the service, MB': { figure: rates.memory_mb_max, 'beside it': '' },
  });
  console.log(`\n${JSON.stringify(report)}`);
}

/** Ready payouts as this service would have made them: their transfers and cards at Stripe, their journal through its one writer. */
async function seed(sql: Client, stripe: StripeClient, sellers: readonly BenchSeller[]): Promise<void> {
  const total = amount + buffer;
  const progress = setInterval(() => console.log(`  ${made.length} of ${count} at Stripe`), 20_000);
  const made: { n: number; seller: BenchSeller; transfer: string; card: string }[] = [];
  const numbers = Array.from({ length: count }, (_, n) => n).values();
  const worker = async () => {
    for (const n of numbers) {
      const seller = sellers[n % sellers.length]!;
      const transfer = await stripe.post('/v1/transfers', {
        amount: total,
        currency: 'usd',
        destination: seller.stripeAccount,
      });
      const card = await stripe.post(
        '/v1/issuing/cards',
        { cardholder: seller.stripeCardholder, currency: 'usd', type: 'virtual', status: 'active' },
        seller.stripeAccount,
      );
      made.push({ n, seller, transfer: transfer.id, card: card.id });
    }
  };
  await Promise.all(Array.from({ length: 12 }, worker)).finally(() => clearInterval(progress));
  for (const { stripeAccount } of sellers) {
    const share = made.filter((each) => each.seller.stripeAccount === stripeAccount).length * total;
    if (share === 0) continue;
    const params = {
      amount: share,
      currency: 'usd',
      'source_balance[type]': 'payments',
      'destination_balance[type]': 'issuing',
    };
    await stripe.post('/v1/balance_transfers', params, stripeAccount, '2026-07-08.preview');
  }
  await sql.query(
    `create temporary table seeded (payout text, fund text, card text, seller text, stripe_account text, holder text, stripe_transfer text, stripe_card text, at timestamptz)`,
  );
  const pad = (n: number) => `bench${String(n).padStart(21, '0')}`;
  const columns = [
    made.map(({ n }) => `payout_${pad(n)}`),
    made.map(({ n }) => `fund_${pad(n)}`),
    made.map(({ n }) => `card_${pad(n)}`),
    made.map(({ seller }) => seller.id),
    made.map(({ seller }) => seller.stripeAccount),
    made.map(({ seller }) => seller.cardholder),
    made.map(({ transfer }) => transfer),
    made.map(({ card }) => card),
  ];
  await sql.query(
    `insert into seeded select *, now() from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])`,
    columns,
  );
  await sql.query(
    `insert into payouts (id, connected_account_id, cardholder_id, amount_minor, currency, status, reference, controls, metadata,
       expires_at, card_id, created_at, updated_at)
     select payout, seller, holder, ${amount}, 'usd', 'ready', payout, '{}', '{}', at + interval '20 days', card, at, at from seeded`,
  );
  await sql.query(
    `insert into cards (id, payout_id, connected_account_id, cardholder_id, stripe_card_id, last4, brand, exp_month, exp_year, status,
       amount_minor, currency, amount_match, created_at, updated_at)
     select card, payout, seller, holder, stripe_card, '4242', 'Visa', 12, 2030, 'active', ${amount}, 'usd', 'up_to', at, at from seeded`,
  );
  await sql.query(
    `insert into funding_transfers (id, connected_account_id, stripe_account_id, reference, direction, rail, status, money_at, amount_minor,
       buffer_minor, currency, created_at, updated_at, settled_at)
     select fund, seller, stripe_account, payout, 'out', 'transfer', 'settled', 'issuing', ${amount}, ${buffer}, 'usd', at, at, at from seeded`,
  );
  // The calls themselves are not seeded, so neither is the key that leads to them.
  await sql.query('set session_replication_role = replica');
  await sql.query(
    `insert into funding_transfer_hops (funding_transfer_id, connected_account_id, kind, status, amount_minor, stripe_call_id, stripe_object_id,
       created_at, updated_at)
     select fund, seller, 'transfer', 'done', ${total}, 'call_' || stripe_transfer, stripe_transfer, at, at from seeded`,
  );
  await sql.query('set session_replication_role = origin');
  // In portions with fresh statistics between them: plans made for empty tables read all that was written since, for each entry.
  const post = async (kind: string, source: string, accounts: string, amounts: string) => {
    for (let from = 0; from < count; from += portion) {
      await sql.query(
        `select count(post_journal_entry('${kind}', ${source}, seller, payout, at, array[${accounts}], array[${amounts}]::bigint[], '{}'))
           from seeded where payout between 'payout_${pad(from)}' and 'payout_${pad(from + portion - 1)}'`,
      );
      await sql.query('analyze journal_entries, postings, payout_balances');
    }
  };
  const on = (name: string, of: string) => `'${name}:' || ${of} || ':usd'`;
  await post(
    'payout_accepted',
    'payout',
    `'marketplace_funds:usd', ${on('payout_owed', 'payout')}`,
    `${amount}, -${amount}`,
  );
  await post(
    'funding_transfer',
    'stripe_transfer',
    `${on('seller_payments', 'seller')}, 'platform_payments:usd', 'marketplace_funds:usd', ${on('probe_buffer', 'payout')}`,
    `${total}, -${total}, ${buffer}, -${buffer}`,
  );
  await post(
    'funding_sent',
    `fund || ':sent'`,
    `${on('funds_in_transit', 'seller')}, ${on('seller_payments', 'seller')}`,
    `${total}, -${total}`,
  );
  await post(
    'funding_available',
    `fund || ':available'`,
    `${on('issuing_available', 'seller')}, ${on('funds_in_transit', 'seller')}`,
    `${total}, -${total}`,
  );
  await sql.query('analyze');
}

/** Sets the moment, and the jobs that wait for it as PayoutsService.request leaves them. */
async function letExpire(sql: Client, url: string): Promise<Date> {
  const expiresAt = new Date(Date.now() + 5_000 + count / 2);
  await sql.query('update payouts set expires_at = $1 where id in (select payout from seeded)', [expiresAt]);
  const boss = new PgBoss({ connectionString: url, schema: 'pgboss', supervise: false, schedule: false });
  await boss.start();
  const { rows } = await sql.query<{ payout: string }>('select payout from seeded');
  for (let from = 0; from < rows.length; from += 5_000) {
    const jobs = rows.slice(from, from + 5_000).map(({ payout }) => ({
      data: { payoutId: payout },
      startAfter: expiresAt,
      singletonKey: randomBytes(12).toString('hex'),
    }));
    await boss.insert('expire-payout', jobs);
  }
  await boss.stop({ close: true });
  return expiresAt;
}

interface Requests {
  readonly all: number;
  readonly refused: number;
  readonly byName: ReadonlyMap<string, number>;
}

interface Rates {
  readonly calls_per_second: number;
  readonly requests_per_second: number;
  readonly requests_per_second_max: number;
  readonly closed: number;
  readonly projected_minutes: number;
  readonly memory_mb_max: number;
  readonly simulator_refused_for_rate: number;
  /** In the window, by name. */
  readonly requests: Readonly<Record<string, number>>;
}

async function watch(sql: Client, service: RunningService, expiresAt: Date): Promise<Rates> {
  await pause(expiresAt.getTime() - Date.now());
  const before = await requestsMade(service);
  let last = before;
  let highest = 0;
  let memory = 0;
  const begun = performance.now();
  let lastAt = begun;
  while (performance.now() - begun < seconds * 1_000) {
    await pause(1_000);
    const now = await requestsMade(service);
    const at = performance.now();
    highest = Math.max(highest, ((now.all - last.all) * 1_000) / (at - lastAt));
    [last, lastAt] = [now, at];
    memory = Math.max(memory, megabytesOf(service.process));
  }
  const elapsed = (performance.now() - begun) / 1_000;
  const { rows } = await sql.query<{ closed: number; calls: number }>(
    `select (select count(*) from payouts where status = 'closed' and id like 'payout_bench%')::int as closed,
            (select count(*) from stripe_calls where settled_at >= $1 and payout_id like 'payout_bench%')::int as calls`,
    [expiresAt],
  );
  const { closed, calls } = rows[0]!;
  const callsPerSecond = calls / elapsed;
  return {
    calls_per_second: rounded(callsPerSecond, 1),
    requests_per_second: rounded((last.all - before.all) / elapsed, 1),
    requests_per_second_max: rounded(highest, 1),
    closed,
    projected_minutes: rounded((count * callsPerPayout) / callsPerSecond / 60, 1),
    memory_mb_max: memory,
    simulator_refused_for_rate: last.refused - before.refused,
    requests: Object.fromEntries(
      [...last.byName].map(([name, times]) => [name, times - (before.byName.get(name) ?? 0)]),
    ),
  };
}

/** From the service's own metrics: every request it made to Stripe. */
async function requestsMade(service: RunningService): Promise<Requests> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  let all = 0;
  let refused = 0;
  const byName = new Map<string, number>();
  for (const [, labels, value] of text.matchAll(/^disburse_stripe_request_seconds_count\{([^}]*)\} (\d+)/gm)) {
    all += Number(value);
    if (labels!.includes('status="429"')) refused += Number(value);
    const name = /request="([^"]*)"/.exec(labels!)?.[1] ?? '';
    byName.set(name, (byName.get(name) ?? 0) + Number(value));
  }
  return { all, refused, byName };
}

runBench(main);
