import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { DataRetentionService } from '../../src/data-retention/data-retention.service';
import { encryptedColumns } from '../../src/data-retention/data-retention.repository';
import { Idempotency } from '../../src/platform/http/idempotency.service';
import { call, expectProblem } from '../http/client';
import { Receiver, verifies } from '../http/receiver';
import { runCommand } from '../process/program';
import { startTestApp, TestApp } from '../support/app';
import { Json } from '../support/http';
import { expectLedgerToBalance } from '../support/ledger';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';

jest.setTimeout(120_000);

const person = {
  type: 'individual' as const,
  name: 'Wilhelmina Zwicky',
  first_name: 'Wilhelmina',
  last_name: 'Zwicky',
  dob: { day: 3, month: 4, year: 1971 },
  email: 'w.zwicky@rosenhof.example.com',
  phone_number: '+14155552671',
  billing_address: { line1: '77 Quillback Lane', city: 'Petaluma', state: 'CA', postal_code: '94952', country: 'US' },
  user_terms_acceptance: { ip: '198.51.100.77', date: '2026-11-02T09:30:00Z' },
};
/** Whatever of her would tell who she is. */
const traces = ['Wilhelmina', 'Zwicky', 'rosenhof', '4155552671', 'Quillback', 'Petaluma', '94952', '198.51.100.77'];

/** Every row of every table, the queue's included, in which one of the texts stands. */
async function rowsWith(databaseUrl: string, texts: readonly string[]): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`);
      found.push(
        ...rows.filter(({ row }) => texts.some((text) => row.includes(text))).map(({ row }) => `${name}: ${row}`),
      );
    }
    return found;
  } finally {
    await client.end();
  }
}

describe('erasing a cardholder’s personal data', () => {
  let app: TestApp;
  let scenario: Scenario;
  let seller: Seller;
  let holder: string;
  let receiver: Receiver;

  beforeAll(async () => {
    app = await startTestApp();
    scenario = new Scenario(app);
    receiver = await Receiver.start();
    await scenario.marketplace.post('/v1/webhook-endpoints', { url: receiver.url });
    // Some servers answer with what they were told.
    receiver.answer = ({ text }) => ({ status: 200, body: text.slice(0, 400) });
    await scenario.fundPlatform(1_000_00);
    const made = await scenario.onboardedSeller();
    const { id } = await scenario.marketplace.post('/v1/cardholders', { ...person, connected_account: made.id });
    holder = id;
    seller = { ...made, cardholder: holder };
    await waitFor('the cardholder', async () => (await scenario.marketplace.get(`/v1/cardholders/${holder}`)).eligible);
  });

  afterAll(async () => {
    await receiver?.stop();
    await app?.stop();
  });

  const erase = (key = app.keys.admin) => call(app, 'POST', `/v1/cardholders/${holder}/erase`, { key });

  it('is refused while a payout needs the cardholder, and to everyone but admins', async () => {
    expectProblem(await erase(app.keys.marketplace), 403, 'role_not_allowed');
    const payout = await scenario.readyPayout(seller, 50_00);

    expectProblem(await erase(), 409, 'cardholder_has_open_payouts');
    expect((await scenario.marketplace.get(`/v1/cardholders/${holder}`)).email).toBe(person.email);

    const { id } = await scenario.purchase(payout, 30_00);
    await scenario.capture(payout, id);
    await scenario.untilStatus(payout, 'closed');
    await scenario.untilTold();
  });

  it('leaves nothing of the person in the database, and the books whole', async () => {
    // Stripe's refusals quote what was wrong; they are copied to wherever a cardholder is told of.
    await app.database.query(
      `update cardholders set failure_code = 'invalid', failure_detail = 'No such number: +14155552671' where id = $1`,
      [holder],
    );
    await app.database.query(
      `update stripe_calls set failure_detail = 'No such number: +14155552671' where reference = $1`,
      [holder],
    );
    const patched = await call(app, 'PATCH', `/v1/cardholders/${holder}`, {
      key: app.keys.marketplace,
      body: { email: 'other@rosenhof.example.com' },
      headers: { 'idempotency-key': 'patch-1' },
    });
    expect(patched.body.failure.detail).toContain('+14155552671');
    await waitFor('the change at Stripe', async () => {
      const calls = await app.database.query<{ open: number }>(
        `select count(*)::int as open from stripe_calls where reference = $1 and status not in ('done', 'failed')`,
        [holder],
      );
      const deliveries = await app.database.query<{ open: number }>(
        `select count(*)::int as open from outgoing_events e left join webhook_deliveries d on d.event_id = e.id
          where d.id is null or d.status = 'pending'`,
      );
      return calls[0]!.open === 0 && deliveries[0]!.open === 0;
    });
    expect((await rowsWith(app.databaseUrl, traces)).length).toBeGreaterThan(3);
    const [before] = await app.database.query<{ personal: string }>(
      'select personal_data_encrypted as personal from cardholders where id = $1',
      [holder],
    );
    const balances = await app.database.query('select * from payout_balances order by payout_id');

    const { status, body } = await erase();

    expect(status).toBe(200);
    expect(body).toMatchObject({ id: holder, eligible: false, erased_at: expect.any(String) });
    expect(await rowsWith(app.databaseUrl, [...traces, before!.personal])).toEqual([]);
    await expectLedgerToBalance(app);
    expect(await app.database.query('select * from payout_balances order by payout_id')).toEqual(balances);
    const [entry] = await app.database.query<Json>(
      `select * from audit_log where action = 'cardholder.erase' and outcome = 'done'`,
    );
    expect(entry).toMatchObject({ object_id: holder, after: { erased_at: expect.any(String) } });
  });

  it('makes the cardholder inactive at Stripe, and useless here', async () => {
    const view = await waitFor('it at Stripe', async () => {
      const each = await scenario.marketplace.get(`/v1/cardholders/${holder}`);
      return each.status === 'inactive' && each;
    });
    expect(view).toMatchObject({ eligible: false, erased_at: expect.any(String) });
    expect(view).not.toHaveProperty('name');
    const { status } = await scenario.stripe.get(
      `/v1/issuing/cardholders/${view.stripe_cardholder_id}`,
      seller.stripeAccount,
    );
    expect(status).toBe('inactive');
    expectProblem(
      await call(app, 'PATCH', `/v1/cardholders/${holder}`, {
        key: app.keys.admin,
        body: { email: 'a@b.example.com' },
      }),
      409,
      'cardholder_erased',
    );
    await expect(scenario.requestPayout(seller, 20_00)).rejects.toThrow('was erased');
    // Asked again, it is as it was; a late repetition of an old request brings nothing back.
    expect((await erase()).status).toBe(200);
    const repeated = await call(app, 'PATCH', `/v1/cardholders/${holder}`, {
      key: app.keys.marketplace,
      body: { email: 'other@rosenhof.example.com' },
      headers: { 'idempotency-key': 'patch-1' },
    });
    expectProblem(repeated, 422, 'idempotency_key_reused');
    expect(await rowsWith(app.databaseUrl, traces)).toEqual([]);
  });
});

describe('a new encryption key', () => {
  const [old, current] = [randomBytes(32), randomBytes(32)];
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ dataEncryptionKeys: [old] });
  });
  afterAll(() => app?.stop());

  it('is known for every column that holds ciphertext', async () => {
    const columns = await app.database.query(
      `select table_name as table, column_name as column from information_schema.columns
        where table_schema = 'public' and (column_name like '%\\_encrypted' or column_name like 'sealed\\_p%') order by 1, 2`,
    );
    expect(columns).toEqual([...encryptedColumns].sort((a, b) => (a.table + a.column < b.table + b.column ? -1 : 1)));
  });

  it('is used for everything after the command ran, while the service runs, and the old one is needed no more', async () => {
    const scenario = new Scenario(app);
    const receiver = await Receiver.start();
    const seller = await scenario.onboardedSeller();
    const endpoint = await scenario.marketplace.post('/v1/webhook-endpoints', { url: receiver.url });
    const env = (...keys: Buffer[]) => ({
      DATABASE_URL: app.databaseUrl,
      STRIPE_API_KEY: app.simulator.key,
      STRIPE_API_BASE: app.simulator.url,
      STRIPE_WEBHOOK_SECRETS: 'whsec_a',
      STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: 'whsec_b',
      DATA_ENCRYPTION_KEYS: keys.map((key) => key.toString('base64')).join(','),
    });

    const without = await runCommand(env(current), 'data-reencrypt');
    expect(without.code).toBe(2);
    expect(without.output).toMatch(/no key with id [0-9a-f]{8}/);
    const command = await runCommand(env(current, old), 'data-reencrypt');
    expect(command).toMatchObject({ code: 0, answer: expect.stringMatching(/^[2-9] values were encrypted anew/) });
    const again = await runCommand(env(current), 'data-reencrypt');
    expect(again.answer).toContain('Nothing to do');

    const rotated = await startTestApp({ dataEncryptionKeys: [current] }, app);
    try {
      const { body } = await call(rotated, 'GET', `/v1/cardholders/${seller.cardholder}`, {
        key: app.keys.marketplace,
      });
      expect(body.name).toBe('Jenny Rosen');
      await call(rotated, 'POST', `/v1/webhook-endpoints/${endpoint.id}/test`, { key: app.keys.marketplace, body: {} });
      // Whichever replica sends it: the old one cannot read the secret any more, and the attempt is repeated.
      const delivery = await waitFor('a signed event', () => Promise.resolve(receiver.received[0]), 30_000);
      expect(verifies(delivery, endpoint.secret as string)).toBe(true);
    } finally {
      await rotated.app.close();
      await receiver.stop();
    }
  });
});

describe('what is kept, and how long', () => {
  let app: TestApp;
  let retention: DataRetentionService;

  beforeAll(async () => {
    app = await startTestApp({ roles: new Set(['api']), retentionStripeEventsDays: 90, retentionWebhooksDays: 60 });
    retention = app.app.get(DataRetentionService);
  });
  afterAll(() => app?.stop());

  const daysAgo = (days: number) => new Date(app.clock.now().getTime() - days * 86_400_000);

  it('empties handled Stripe events, keeps their ids, and never touches one that waits', async () => {
    const event = (id: string, status: string, days: number) =>
      app.database.query(
        `insert into stripe_events (id, stripe_event_id, type, object, occurred_at, received_at, source, status, handled_at)
         values ($1, $1, 'payout.paid', '{"id": "po_1"}', $3, $3, 'webhook', $2, case when $2 in ('handled', 'ignored') then $3::timestamptz end)`,
        [id, status, daysAgo(days)],
      );
    await event('evt_old', 'handled', 91);
    await event('evt_ignored', 'ignored', 91);
    await event('evt_new', 'handled', 89);
    await event('evt_waiting', 'pending', 400);
    await event('evt_dead', 'dead', 400);

    const { stripeEvents } = await retention.enforce();

    expect(stripeEvents).toBe(2);
    const rows = await app.database.query<{ id: string; object: object }>(
      'select id, object from stripe_events order by id',
    );
    expect(Object.fromEntries(rows.map(({ id, object }) => [id, object]))).toEqual({
      evt_old: {},
      evt_ignored: {},
      evt_new: { id: 'po_1' },
      evt_waiting: { id: 'po_1' },
      evt_dead: { id: 'po_1' },
    });
    expect((await retention.enforce()).stripeEvents).toBe(0);
  });

  it('removes old events to the marketplace once nobody is still to be told', async () => {
    await app.database.query(
      `insert into webhook_endpoints (id, url, event_types, status, secret_encrypted, created_at)
       values ('hook_1', 'https://example.com', '{}', 'enabled', 'v1.a.b', now())`,
    );
    for (const [id, days, status] of [
      ['event_old', 61, 'delivered'],
      ['event_waiting', 61, 'pending'],
      ['event_new', 59, 'delivered'],
    ] as const) {
      await app.database.query(
        `insert into outgoing_events (id, type, data, occurred_at, created_at, fanned_out_at) values ($1, 'test.event', '{}', $2, $2, $2)`,
        [id, daysAgo(days)],
      );
      await app.database.query(
        `insert into webhook_deliveries (id, endpoint_id, event_id, event_sequence, status, next_attempt_at, delivered_at, created_at)
         select 'delivery_' || id, 'hook_1', id, sequence, $2, case when $2 = 'pending' then now() end, case when $2 = 'delivered' then now() end, created_at
           from outgoing_events where id = $1`,
        [id, status],
      );
      await app.database.query(
        `insert into webhook_delivery_attempts (delivery_id, attempt, attempted_at, duration_ms) values ('delivery_' || $1, 1, now(), 5)`,
        [id],
      );
    }

    const forgotten = await retention.enforce();

    expect(forgotten).toMatchObject({ deliveries: 1, outgoingEvents: 1 });
    const rows = await app.database.query<{ id: string }>('select id from outgoing_events order by id');
    expect(rows.map(({ id }) => id)).toEqual(['event_new', 'event_waiting']);
  });

  it('removes stored answers after the days that are configured', async () => {
    for (const [key, days] of [
      ['a', 31],
      ['b', 29],
    ] as const) {
      await app.database.query(
        `insert into idempotency_keys (key_family_id, key, request_hash, status, answer, created_at)
         values ('key_1', $1, sha256('x'), 200, '{}', $2)`,
        [key, daysAgo(days)],
      );
    }
    expect(await app.app.get(Idempotency).purge()).toBe(1);
  });
});
