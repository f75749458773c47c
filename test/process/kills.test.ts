import { waitFor } from '../support/wait-for';
import { makePayee, Payee } from '../payouts/paying';
import { Installation } from './installation';
import { Program } from './program';

jest.setTimeout(120_000);

const inFlight = 6;
/** Locks that hold the service's transactions where a test wants them. */
const beforeWork = 70_001;
const beforeCommit = 70_002;

describe('a process that is killed', () => {
  let installation: Installation;
  let api: Program;
  let payee: Payee;

  beforeAll(async () => {
    installation = await Installation.create();
    api = await installation.start('api');
    payee = await makePayee(asApp());
    await installation.sql.query(`
      create function wait_for_test() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(tg_argv[0]::bigint); return new; end $$;
      create trigger wait_in_mid_work before insert on payouts
        for each row when (new.reference like 'mid-work-%') execute function wait_for_test(${beforeWork});
      create constraint trigger wait_at_the_commit after insert on idempotency_keys deferrable initially deferred
        for each row when (new.key like 'commit-%') execute function wait_for_test(${beforeCommit})`);
  });
  afterAll(() => installation.end());

  const asApp = () => ({ url: installation.world.url, keys: { marketplace: installation.world.keys['admin']! } });

  interface Heard {
    readonly status: number;
    readonly isReplay: boolean;
    readonly payout: string;
  }

  async function pay(name: string): Promise<Heard> {
    const response = await fetch(`${installation.world.url}/v1/payouts`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${installation.world.keys['admin']}`,
        'content-type': 'application/json',
        'idempotency-key': name,
      },
      body: JSON.stringify({ ...payee, amount: 20_00, currency: 'usd', reference: name }),
    });
    const { id } = (await response.json()) as { id: string };
    const isReplay = response.headers.get('idempotent-replayed') === 'true';
    return { status: response.status, isReplay, payout: id };
  }

  /** How many of the service's transactions wait for the test's lock. */
  const waiting = (lock: number) =>
    installation.count(`select count(*) from pg_locks where locktype = 'advisory' and objid = $1 and not granted`, [
      lock,
    ]);

  it('between the commit and the answer has paid: the key replays what was stored', async () => {
    const names = Array.from({ length: inFlight }, (_, n) => `commit-${n}`);
    const holder = await installation.connect();
    await holder.query('select pg_advisory_lock($1)', [beforeCommit]);
    const unheard = names.map((name) => expect(pay(name)).rejects.toThrow('fetch failed'));
    await waitFor('every request to be at its commit', async () => (await waiting(beforeCommit)) === inFlight);

    // Frozen, it cannot hear that they were committed, nor answer.
    process.kill(api.pid, 'SIGSTOP');
    await holder.end();
    const stored = () => installation.count(`select count(*) from idempotency_keys where key like 'commit-%'`);
    await waitFor('every request to be committed', async () => (await stored()) === inFlight);
    await api.kill('SIGKILL');
    await Promise.all(unheard);

    api = await installation.start('api');
    const again = await Promise.all(names.map(pay));
    expect(again).toEqual(names.map(() => expect.objectContaining({ status: 201, isReplay: true }) as unknown));
    await expectOnePayoutEach(names, again);
  });

  it('before the commit has paid nothing, however much was written: the key does the work, once', async () => {
    const names = Array.from({ length: inFlight }, (_, n) => `${n % 2 ? 'mid-work' : 'commit-lost'}-${n}`);
    const holder = await installation.connect();
    await holder.query('select pg_advisory_lock($1), pg_advisory_lock($2)', [beforeWork, beforeCommit]);
    const unheard = names.map((name) => expect(pay(name)).rejects.toThrow('fetch failed'));
    const atWork = async () => (await waiting(beforeWork)) + (await waiting(beforeCommit));
    await waitFor('every request to be at work', async () => (await atWork()) === inFlight);

    await api.kill('SIGKILL');
    await Promise.all(unheard);
    // With all written and the answer stored, but for the commit.
    const lost = await installation.sql.query(
      `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1 and not granted`,
      [beforeCommit],
    );
    expect(lost.rowCount).toBe(inFlight / 2);
    await holder.end();

    api = await installation.start('api');
    // Its last connections may still be ending, and hold the keys until they have.
    const again = await Promise.all(
      names.map((name) =>
        waitFor(`${name} to be nobody's`, async () => {
          const heard = await pay(name);
          return heard.status !== 409 && heard;
        }),
      ),
    );
    expect(again).toEqual(names.map(() => expect.objectContaining({ status: 201, isReplay: false }) as unknown));
    const twice = await Promise.all(names.map(pay));
    expect(twice).toEqual(again.map((heard) => ({ ...heard, isReplay: true })));
    await expectOnePayoutEach(names, again);
  });

  async function expectOnePayoutEach(names: readonly string[], heard: readonly Heard[]): Promise<void> {
    const { rows } = await installation.sql.query<{ id: string; entries: number; told: number; jobs: number }>(
      `select id, (select count(*)::int from journal_entries where payout_id = payouts.id) as entries,
              (select count(*)::int from outgoing_events where payout_id = payouts.id) as told,
              (select count(*)::int from pgboss.job where data->>'payoutId' = payouts.id) as jobs
       from payouts where reference = any($1) order by array_position($1, reference)`,
      [names],
    );
    expect(rows).toEqual(heard.map(({ payout }) => ({ id: payout, entries: 1, told: 1, jobs: 2 })));
  }

  it('in the middle of a batch leaves the rest to another, and every row is one payout', async () => {
    const rowCount = 600;
    const held = 'held';
    const rows = Array.from({ length: rowCount }, (_, n) => {
      const row = { ...payee, amount: 20_00, currency: 'usd', reference: `row-${n}` };
      // Of the last hundred, and of a hundred in the middle, the worker can make no payout before it dies.
      return JSON.stringify(n % 300 < 200 ? row : { ...row, label: held });
    });
    const holder = await installation.connect();
    await holder.query('begin');
    await holder.query('insert into payout_labels (label, created_at, updated_at) values ($1, now(), now())', [held]);
    const worker = await installation.start('worker');
    const response = await fetch(`${installation.world.url}/v1/payout-batches`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${installation.world.keys['admin']}`,
        'content-type': 'application/x-ndjson',
        'idempotency-key': 'batch',
      },
      body: rows.join('\n'),
    });
    expect(response.status).toBe(202);

    const accepted = () => installation.count(`select count(*) from payout_batch_rows where status = 'accepted'`);
    const payouts = () => installation.count(`select count(*) from payouts where reference like 'row-%'`);
    await waitFor('the worker to be in the middle', async () => (await accepted()) >= 200, 60_000);
    await worker.kill('SIGKILL');
    await holder.query('rollback');
    await holder.end();
    expect(await installation.count(`select count(*) from payout_batch_rows where status = 'queued'`)).toBeGreaterThan(
      0,
    );
    expect(await payouts()).toBe(await accepted());

    await installation.start('worker');
    const completed = () => installation.count('select count(*) from payout_batches where completed_at is not null');
    await waitFor('every row to be a payout', async () => (await completed()) === 1, 60_000);
    expect(await accepted()).toBe(rowCount);
    expect(await payouts()).toBe(rowCount);
    expect(await installation.count(`select count(distinct payout_id) from payout_batch_rows`)).toBe(rowCount);
    const entries = `select count(*) from journal_entries entry join payouts on payouts.id = entry.payout_id
                     where kind = 'payout_accepted' and reference like 'row-%'`;
    expect(await installation.count(entries)).toBe(rowCount);
  });
});
