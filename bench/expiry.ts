import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { PgBoss } from 'pg-boss';
import { runMigrations } from '../src/platform/database/migrations';
import { startEmbeddedDatabase } from '../src/platform/embedded/embedded-database';
import { startEmbeddedSimulator } from '../src/platform/embedded/embedded-simulator';
import { ensureWebhookEndpoints } from '../src/stripe/stripe-webhook-setup';
import { describeMachine } from './machine';
import { freePort, megabytesOf, RunningService, startService, stopProcess } from './service';
import { quantile, rounded, summarize } from './statistics';

/**
 * Many payouts expire in the same moment while new ones come: does each end at its second, is Stripe asked at its budget and no faster,
 * and how long does a new payout wait for its card behind them? The baseline is the same new payouts with nothing expiring, in the same
 * run. Every payout has its real card and its real transfer at the simulator. All of them take payouts * 3 calls / budget: the window
 * shows the rate, and the rest is projected from it.
 */
const { values: options } = parseArgs({
  options: {
    /** Payouts that expire in the same moment; issue 5 asks for 100,000. */
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

const stopping: (() => Promise<void> | void)[] = [];

interface BenchSeller {
  readonly id: string;
  readonly stripeAccount: string;
  readonly cardholder: string;
  readonly stripeCardholder: string;
}

async function main(): Promise<void> {
  const machine = describeMachine();
  console.log(
    `${machine.processors} processors (${machine.model}), load ${machine.load_1m.toFixed(1)} before the bench.`,
  );
  const home = mkdtempSync(join(tmpdir(), 'disburse-expiry-'));
  stopping.push(() => rmSync(home, { recursive: true, force: true }));
  chmodSync(home, 0o755);
  const database = await startEmbeddedDatabase(join(home, 'data'));
  stopping.push(() => database.stop());
  await runMigrations(database.url);
  const simulator = await startEmbeddedSimulator(0, join(home, 'simulator'));
  stopping.push(() => simulator.stop());
  const stripe = new StripeClient(simulator.url, `sk_test_${randomBytes(12).toString('hex')}`);
  await stripe.control('PATCH', '/settings', { default_daily_limit: 0 });

  const port = await freePort();
  const secrets = await ensureWebhookEndpoints({
    apiBase: simulator.url,
    publicUrl: `http://127.0.0.1:${port}`,
    areSecretsKnown: false,
    apiKey: stripe.key,
  });
  const env = {
    STRIPE_API_KEY: stripe.key,
    STRIPE_API_BASE: simulator.url,
    STRIPE_REQUESTS_PER_SECOND: String(budget),
    DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
    STRIPE_WEBHOOK_SECRETS: secrets!.webhookSecrets.join(','),
    STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: secrets!.authorizationWebhookSecrets.join(','),
  };
  let service = await startService(home, database.url, env, port);
  stopping.push(() => stopProcess(service.process));

  const sql = new Client({ connectionString: database.url });
  await sql.connect();
  stopping.push(() => sql.end());

  for (let paid = 0; paid < count * (amount + buffer) + 100_000_00; paid += 900_000_00) {
    await stripe.post('/v1/payment_intents', {
      amount: 900_000_00,
      currency: 'usd',
      confirm: 'true',
      payment_method: 'pm_card_bypassPending',
      'payment_method_types[]': 'card',
    });
  }
  const sellers: BenchSeller[] = [];
  while (sellers.length < sellersMax) sellers.push(await onboard(service, stripe));

  const alone = await measureFresh(service, sellers, fresh);
  // What Stripe would tell of the seeded objects was told and handled long ago: nobody listens, and the sweep looks behind it.
  await stopProcess(service.process);
  await stripe.control('POST', '/faults', { on: 'webhook', action: 'drop' });
  const begun = performance.now();
  await seed(sql, stripe, sellers);
  await stripe.control('GET', '/deliveries?wait_seconds=20');
  await stripe.control('DELETE', '/faults');
  await sql.query(`update stripe_event_cursors set swept_to = now() + interval '5 minutes'`);
  service = await startService(home, database.url, env, port);
  const seedingSeconds = rounded((performance.now() - begun) / 1_000, 1);
  console.log(`${count} ready payouts with a card and a transfer at the simulator, seeded in ${seedingSeconds} s.`);

  const expiresAt = await letExpire(sql, database.url);
  const watched = watch(sql, service, expiresAt);
  await pause(expiresAt.getTime() - Date.now());
  const behind = await measureFresh(service, sellers, fresh);
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

async function onboard(service: RunningService, stripe: StripeClient): Promise<BenchSeller> {
  interface View {
    readonly id: string;
    readonly status: string;
    readonly stripe_account_id: string | null;
    readonly eligible: boolean;
    readonly stripe_cardholder_id: string | null;
  }
  const address = { line1: '354 Oyster Point Blvd', city: 'South San Francisco', state: 'CA', postal_code: '94080' };
  const terms = { ip: '203.0.113.7', date: '2026-11-02T09:30:00Z' };
  const { id } = await service.call<View>('POST', '/v1/connected-accounts', {
    country: 'US',
    business_type: 'company',
    email: 'owner@rocketrides.example.com',
    legal_name: 'Rocket Rides',
    phone: '+14155550100',
    address,
    terms_acceptance: terms,
  });
  const account = () => service.call<View>('GET', `/v1/connected-accounts/${id}`);
  const { stripe_account_id: stripeAccount } = await until(account, (view) => view.stripe_account_id !== null);
  await stripe.control('POST', `/accounts/${stripeAccount}/complete`);
  await stripe.control('POST', '/clock/advance', { seconds: 1 });
  await until(account, (view) => view.status === 'active');
  const holder = await service.call<View>('POST', '/v1/cardholders', {
    connected_account: id,
    type: 'individual',
    name: 'Jenny Rosen',
    first_name: 'Jenny',
    last_name: 'Rosen',
    dob: { day: 9, month: 12, year: 1985 },
    email: 'jenny.rosen@example.com',
    phone_number: '+14155550101',
    billing_address: { ...address, country: 'US' },
    user_terms_acceptance: terms,
  });
  await until(
    () => service.call<View>('GET', `/v1/cardholders/${holder.id}`),
    (view) => view.eligible,
  );
  const { data } = await stripe.get<{ data: { id: string }[] }>('/v1/issuing/cardholders', stripeAccount!);
  return { id, stripeAccount: stripeAccount!, cardholder: holder.id, stripeCardholder: data[0]!.id };
}

/** Milliseconds from the request of each payout to its card, one every other second. */
async function measureFresh(
  service: RunningService,
  sellers: readonly BenchSeller[],
  times: number,
): Promise<number[]> {
  const running: Promise<number>[] = [];
  for (let turn = 0; turn < times; turn += 1) {
    const { id, cardholder } = sellers[turn % sellers.length]!;
    running.push(untilReady(service, id, cardholder));
    await pause(2_000);
  }
  return Promise.all(running);
}

async function untilReady(service: RunningService, connectedAccount: string, cardholder: string): Promise<number> {
  const begun = performance.now();
  const { id } = await service.call<{ id: string }>('POST', '/v1/payouts', {
    connected_account: connectedAccount,
    cardholder,
    amount,
    currency: 'usd',
    reference: `bench-${randomBytes(8).toString('hex')}`,
  });
  await until(
    () => service.call<{ status: string }>('GET', `/v1/payouts/${id}`),
    ({ status }) => status === 'ready',
    300_000,
  );
  return performance.now() - begun;
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
  const post = (kind: string, source: string, accounts: string, amounts: string) =>
    sql.query(
      `select count(post_journal_entry('${kind}', ${source}, seller, payout, at, array[${accounts}], array[${amounts}]::bigint[], '{}')) from seeded`,
    );
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

async function until<Fact>(
  look: () => Promise<Fact>,
  isSo: (fact: Fact) => boolean,
  timeoutMs = 60_000,
): Promise<Fact> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const fact = await look();
    if (isSo(fact)) return fact;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${JSON.stringify(fact)}`);
    await pause(50);
  }
}

class StripeClient {
  constructor(
    private readonly url: string,
    readonly key: string,
  ) {}

  async get<Answer>(path: string, account: string): Promise<Answer> {
    return this.send<Answer>('GET', path, undefined, account);
  }

  async post(
    path: string,
    params: Readonly<Record<string, string | number>>,
    account?: string,
    version?: string,
  ): Promise<{ id: string }> {
    const form = Object.entries(params).map(([name, value]): [string, string] => [name, String(value)]);
    return this.send('POST', path, new URLSearchParams(form).toString(), account, version);
  }

  async control(method: string, path: string, body: object = {}): Promise<unknown> {
    return this.send(method, `/_simulator${path}`, method === 'GET' ? undefined : JSON.stringify(body));
  }

  private async send<Answer>(
    method: string,
    path: string,
    body?: string,
    account?: string,
    version?: string,
  ): Promise<Answer> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(account === undefined ? {} : { 'stripe-account': account }),
        ...(version === undefined ? {} : { 'stripe-version': version }),
      },
      ...(body === undefined ? {} : { body }),
    });
    const json = (await answer.json()) as Answer;
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(json)}`);
    return json;
  }
}

async function stopAll(): Promise<void> {
  for (const each of stopping.toReversed()) await Promise.resolve(each()).catch(() => undefined);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().finally(() => process.exit(1)));
}

void main()
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => stopAll());
