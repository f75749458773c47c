import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { Driver, TaskResult } from './authorizations-protocol';
import { ServiceSettings, startService, stop } from './authorizations-service';
import { cpuSecondsOf, cpuSecondsOfServer } from './machine';
import type { EventSort } from './purchases';
import { rounded, summarize } from './statistics';

export interface InboxSizes {
  /** Events stored for the rate. */
  readonly events: number;
  /** Events waiting while fresh ones arrive. */
  readonly backlog: number;
}

const connections = 32;
const baselineConnections = 8;
const fresh = 200;

/** Stripe's own limit for a live account, where draining with a look at Stripe for each event ends. https://docs.stripe.com/rate-limits */
const liveRequestsPerSecond = 100;

interface Drain {
  readonly perSecond: number;
  /** Microseconds of processor time for one event. */
  readonly cpu: { readonly service: number; readonly database: number };
}

/** How fast events are stored, how fast they take effect, and what a backlog does to both. */
export async function measureInbox(
  service: ServiceSettings,
  sizes: InboxSizes,
  payouts: number,
  sql: Client,
): Promise<object> {
  const { rows } = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
  const serverPid = rows[0]!.pid;
  // Stored by an api replica alone; the queue grows, nobody works on it.
  const api = await startService(service, 'api');
  const load = await Driver.start('authorizations-load', {
    payouts,
    port: api.port,
    databaseUrl: service.databaseUrl,
    connections,
  });
  let turn = 0;
  const send = async (sort: EventSort, run: string, count: number): Promise<TaskResult> => {
    turn += count;
    return load.run({ kind: 'events', sort, run: `inbox_${run}`, fromTurn: turn - count, count });
  };
  /** From the first of these events handled to the last, by one worker: its start does not count. */
  const drain = async (
    stripeRequestsPerSecond: number | undefined,
    meanwhile?: () => Promise<void>,
  ): Promise<Drain> => {
    const waiting = await pendingEvents(sql);
    const worker = await startService(service, 'worker', stripeRequestsPerSecond);
    const { since } = await waitUntilOneIsHandled(sql, waiting);
    const before = [cpuSecondsOf(worker.process.pid!), cpuSecondsOfServer(serverPid)] as const;
    await meanwhile?.();
    unhandled += await waitUntilHandled(sql);
    const handled = await handledSince(sql, since);
    const after = [cpuSecondsOf(worker.process.pid!), cpuSecondsOfServer(serverPid)] as const;
    await stop(worker.process);
    const [ofService, ofDatabase] = [after[0] - before[0], after[1] - before[1]];
    const micros = (cpuSeconds: number) => rounded((cpuSeconds * 1e6) / Math.max(1, handled.count), 0);
    return {
      perSecond: Math.round(handled.perSecond),
      cpu: { service: micros(ofService), database: micros(ofDatabase) },
    };
  };
  let unhandled = 0;

  await send('card', 'warm', 500);
  const used = () => [cpuSecondsOf(api.process.pid!), cpuSecondsOfServer(serverPid)] as const;
  const before = used();
  const stored = await send('card', 'rate', sizes.events);
  const after = used();
  const baseline = await insertRate(sql, sizes.events, serverPid);
  const missing = Math.max(0, sizes.backlog - sizes.events - 500);
  if (missing > 0) await send('card', 'more', missing);
  const storedMore = await send('card', 'full', 500);

  // A worker drains the queue, and new events arrive behind it: of cards, and of authorizations, which go first.
  const backlog = await pendingEvents(sql);
  const drained = await drain(undefined, async () => {
    await send('card', 'behind', fresh);
    await send('money', 'money', fresh);
  });
  const behind = await effectTimes(sql, 'evt_inbox_behind%');
  const money = await effectTimes(sql, 'evt_inbox_money%');

  const perDrain = Math.min(Math.max(sizes.events, 2_000), 10_000);
  await send('foreign_card', 'foreign', perDrain);
  const drainedAlone = await drain(undefined);
  await send('card', 'live', liveRequestsPerSecond * 5);
  const drainedLive = await drain(liveRequestsPerSecond);

  const worker = await startService(service, 'worker');
  await send('card', 'first', 1);
  await waitUntilHandled(sql);
  for (let each = 0; each < 100; each += 1) {
    await send('card', `alone_${each}`, 1);
    await pause(15);
  }
  unhandled += await waitUntilHandled(sql);
  const alone = await effectTimes(sql, 'evt_inbox_alone%');
  load.stop();
  await stop(worker.process);
  await stop(api.process);

  const perSecond = (stored.count * 1_000) / stored.elapsedMs;
  const micros = (cpuSeconds: number) => rounded((cpuSeconds * 1e6) / stored.count, 0);
  const summary = {
    stored_per_second: Math.round(perSecond),
    stored_per_second_on_backlog: Math.round((storedMore.count * 1_000) / storedMore.elapsedMs),
    baseline_inserts_per_second: baseline.perSecond,
    ratio: rounded(perSecond / baseline.perSecond),
    store_cpu_us: { service: micros(after[0] - before[0]), database: micros(after[1] - before[1]) },
    baseline_cpu_us: baseline.cpu,
    store_ms: stored.latencies,
    backlog,
    handled_per_second: drained.perSecond,
    handled_per_second_without_stripe: drainedAlone.perSecond,
    handled_per_second_at_stripes_live_rate: drainedLive.perSecond,
    handle_cpu_us: { with_stripe: drained.cpu, without_stripe: drainedAlone.cpu },
    effect_ms_queue_empty: alone,
    effect_ms_behind_backlog: behind,
    effect_ms_of_money_behind_backlog: money,
    unhandled,
    wrong: stored.wrong.length,
  };
  console.log(
    `\nInbox: each event is stored in one commit and is its own place in the queue. Baseline: the bare insert of the event through pg, one commit each, ${baselineConnections} connections.`,
  );
  console.table({
    'events stored/s': {
      figure: summary.stored_per_second,
      'beside it': `baseline ${baseline.perSecond}/s, ratio ${summary.ratio}`,
      'to reach': 'ratio ≥ 0.50',
    },
    'processor time for one stored, µs': {
      figure: `${summary.store_cpu_us.service} + ${summary.store_cpu_us.database}`,
      'beside it': `service + database; baseline ${baseline.cpu} in the database`,
      'to reach': '',
    },
    [`events stored/s, ${backlog} waiting`]: {
      figure: summary.stored_per_second_on_backlog,
      'beside it': `baseline ${baseline.perSecond}/s`,
      'to reach': '',
    },
    'answer to Stripe, p50 / p99, ms': {
      figure: `${stored.latencies.p50} / ${stored.latencies.p99}`,
      'beside it': `${connections} connections`,
      'to reach': '',
    },
    'receipt to effect, queue empty, p50 / p99, ms': {
      figure: `${alone.p50} / ${alone.p99}`,
      'beside it': `${alone.count} events, each with a look at Stripe`,
      'to reach': '',
    },
    [`receipt to effect, ${backlog} waiting, p50 / p99, ms`]: {
      figure: `${behind.p50} / ${behind.p99}`,
      'beside it': `${behind.count} events of cards, first come, first served`,
      'to reach': '',
    },
    [`the same of authorizations, p50 / p99, ms`]: {
      figure: `${money.p50} / ${money.p99}`,
      'beside it': `${money.count} events, which go first`,
      'to reach': 'not the whole backlog',
    },
    'events handled/s, each with a look at Stripe': {
      figure: summary.handled_per_second,
      'beside it': `one worker; a stand-in that answers at once; cpu µs ${drained.cpu.service} + ${drained.cpu.database}`,
      'to reach': '',
    },
    [`the same at Stripe's ${liveRequestsPerSecond} requests/s`]: {
      figure: summary.handled_per_second_at_stripes_live_rate,
      'beside it': `${liveRequestsPerSecond}/s is all there is`,
      'to reach': 'the budget',
    },
    'events handled/s, without Stripe': {
      figure: summary.handled_per_second_without_stripe,
      'beside it': `one worker; cpu µs ${drainedAlone.cpu.service} + ${drainedAlone.cpu.database}`,
      'to reach': 'several hundred',
    },
    'never handled': { figure: summary.unhandled, 'beside it': '', 'to reach': 0 },
  });
  if (summary.unhandled > 0 || summary.wrong > 0) process.exitCode = 1;
  return summary;
}

/** What the same machine stores of bare events: one row, one commit, as many connections as decisions have. */
async function insertRate(sql: Client, events: number, serverPid: number): Promise<{ perSecond: number; cpu: number }> {
  const { rows } = await sql.query<{ object: object }>(
    `select object from stripe_events where stripe_event_id = 'evt_inbox_rate_0'`,
  );
  const object = JSON.stringify(rows[0]!.object);
  const clients = Array.from(
    { length: baselineConnections },
    () =>
      new Client({
        host: sql.host,
        port: sql.port,
        user: sql.user ?? '',
        password: sql.password ?? '',
        database: sql.database ?? '',
      }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  await sql.query('create table bench_events (like stripe_events including all)');
  let next = 0;
  const cpuBefore = cpuSecondsOfServer(serverPid);
  const begun = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let index = next++; index < events; index = next++) {
        await client.query({
          name: 'store',
          text: `insert into bench_events (id, stripe_event_id, type, object_id, object_type, object, occurred_at, received_at, source, status)
                 values ($1, $2, 'issuing_card.updated', $1, 'issuing.card', $3, now(), now(), 'webhook', 'pending') on conflict (stripe_event_id) do nothing`,
          values: [`inbox_${index}`, `evt_${index}`, object],
        });
      }
    }),
  );
  const perSecond = Math.round((events * 1_000) / (performance.now() - begun));
  const cpu = rounded(((cpuSecondsOfServer(serverPid) - cpuBefore) * 1e6) / events, 0);
  await Promise.all(clients.map((client) => client.end()));
  await sql.query('drop table bench_events');
  return { perSecond, cpu };
}

async function pendingEvents(sql: Client): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    `select count(*)::int as count from stripe_events where status = 'pending'`,
  );
  return rows[0]!.count;
}

async function waitUntilOneIsHandled(sql: Client, waiting: number): Promise<{ since: Date }> {
  const until = performance.now() + 60_000;
  while ((await pendingEvents(sql)) >= waiting) {
    if (performance.now() > until) throw new Error('The worker handles nothing.');
    await pause(20);
  }
  const { rows } = await sql.query<{ since: Date }>('select clock_timestamp() as since');
  return rows[0]!;
}

/** What was handled since then, until the last of it. */
async function handledSince(sql: Client, since: Date): Promise<{ count: number; perSecond: number }> {
  const { rows } = await sql.query<{ count: number; perSecond: number }>(
    `select count(*)::int as count, (count(*) / greatest(0.001, extract(epoch from max(handled_at) - $1)))::float8 as "perSecond"
     from stripe_events where status = 'handled' and handled_at > $1`,
    [since],
  );
  return rows[0]!;
}

/** Waits until nothing is pending any more; answers how many still are when nothing has moved for half a minute. */
async function waitUntilHandled(sql: Client): Promise<number> {
  let left = await pendingEvents(sql);
  let movedAt = performance.now();
  while (left > 0 && performance.now() - movedAt < 30_000) {
    await pause(50);
    const now = await pendingEvents(sql);
    if (now !== left) movedAt = performance.now();
    left = now;
  }
  return left;
}

async function effectTimes(sql: Client, events: string): Promise<ReturnType<typeof summarize>> {
  const { rows } = await sql.query<{ ms: number }>(
    `select extract(epoch from handled_at - received_at)::float8 * 1000 as ms from stripe_events
     where stripe_event_id like $1 and status = 'handled'`,
    [events],
  );
  return summarize(rows.map((row) => row.ms));
}
