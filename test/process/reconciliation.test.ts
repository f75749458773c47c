import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { Platform } from '../simulator/world';
import { createTestDatabase, TestDatabase } from '../support/database';
import { World } from '../support/http';
import { freePort } from '../support/free-port';
import { Scenario } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { endPrograms, Program, runCommand, startService } from './program';

jest.setTimeout(180_000);

const linesPerHour = 100;
const hours = 3;

describe('a reconciliation run whose worker is killed', () => {
  let database: TestDatabase;
  let client: Client;
  let world: World;
  let env: Record<string, string>;
  let scenario: Scenario;
  let seller: string;
  let stripeAccount: string;
  let worker: Program;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    const port = await freePort();
    const simulator = { url: process.env['TEST_SIMULATOR_URL']!, key: `sk_test_${randomBytes(12).toString('hex')}` };
    const admin = `key-${randomBytes(20).toString('hex')}`;
    world = { url: `http://127.0.0.1:${port}`, keys: { admin }, simulator };
    env = {
      DATABASE_URL: database.url,
      DATABASE_POOL_MAX: '8',
      STRIPE_API_KEY: simulator.key,
      STRIPE_API_BASE: simulator.url,
      STRIPE_REQUESTS_PER_SECOND: '500',
      STRIPE_WEBHOOK_SECRETS: 'whsec_unused',
      STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: 'whsec_unused',
      DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
      BOOTSTRAP_ADMIN_KEY: admin,
      PORT: String(port),
    };
    scenario = new Scenario(world);
    await start('api');
    worker = await start('worker');
    stripeAccount = await new Platform(simulator.url, simulator.key).newSeller();
    const account = await scenario.marketplace.post('/v1/connected-accounts', {
      stripe_account_id: stripeAccount,
      legal_name: 'Rocket Rides',
    });
    seller = account.id;
    // A history of several pages, and hours apart: the cursor is a time.
    for (let hour = 0; hour < hours; hour += 1) {
      await scenario.stripe.control('POST', '/clock/advance', { seconds: 3_600 });
      for (let made = 0; made < linesPerHour; made += 10) {
        await Promise.all(
          Array.from({ length: 10 }, () =>
            scenario.stripe.post(
              '/v1/test_helpers/issuing/fund_balance',
              { amount: 500, currency: 'usd' },
              stripeAccount,
            ),
          ),
        );
      }
    }
  });

  afterAll(async () => {
    await endPrograms();
    await client?.end();
    await database?.drop();
  });

  async function start(role: 'api' | 'worker'): Promise<Program> {
    const own = role === 'api' ? {} : { PORT: String(await freePort()) };
    const { program } = await startService({ ...env, ROLE: role, ...own });
    return program;
  }

  const run = (id: string) => scenario.finance.get(`/v1/reconciliation-runs/${id}`);

  it('goes on from its cursor with another worker, and its report has the bytes of a run nobody disturbed', async () => {
    const delayed = await scenario.stripe.control('POST', '/faults', {
      on: 'request',
      action: 'delay',
      method: 'GET',
      path: '/v1/balance_transactions',
      account: stripeAccount,
      // The first page is stored, the second is on its way when the worker dies.
      skip: 1,
      delay_ms: 8_000,
    });
    const started = await scenario.finance.post('/v1/reconciliation-runs', { connected_account: seller });
    await waitFor('Stripe to be asked for the second page', async () => {
      const { faults } = await scenario.stripe.control('GET', '/faults');
      return faults.find((fault: { id: string; struck: number }) => fault.id === delayed.id)?.struck === 1;
    });
    await worker.kill('SIGKILL');
    const mirrored = await client.query<{ id: string; mirrored_at: Date }>(
      `select balance_transaction_id as id, mirrored_at from stripe_balance_transactions where connected_account_id = $1 order by 1`,
      [seller],
    );
    const cursor = await client.query(
      `select is_backfilled, backfilled_to is not null as has_place from stripe_mirror_cursors where connected_account_id = $1`,
      [seller],
    );
    expect(mirrored.rows.length).toBe(100);
    expect(cursor.rows).toEqual([{ is_backfilled: false, has_place: true }]);
    expect(await run(started.id)).toMatchObject({ status: 'running' });

    worker = await start('worker');
    const finished = await waitFor(
      'the run to end',
      async () => {
        const each = await run(started.id);
        return each.status !== 'running' && each;
      },
      60_000,
    );

    expect(finished).toMatchObject({ status: 'completed', breaks_open: hours * linesPerHour });
    const after = await client.query<{ id: string; mirrored_at: Date }>(
      `select balance_transaction_id as id, mirrored_at from stripe_balance_transactions
        where connected_account_id = $1 and balance_transaction_id = any($2) order by 1`,
      [seller, mirrored.rows.map((row) => row.id)],
    );
    expect(after.rows).toEqual(mirrored.rows);

    // The same question again, from the shell this time: exit 1, since breaks are open.
    const again = await runCommand(env, 'reconcile', '--connected-account', seller);
    expect(again).toMatchObject({
      code: 1,
      answer: expect.stringContaining(`report SHA-256 ${finished.report_sha256}`),
      output: expect.stringMatching(/100 % {2}run_\w+: 1 of 1 accounts/),
    });
    const report = await fetch(`${world.url}/v1/reconciliation-runs/${started.id}/report`, {
      headers: { authorization: `Bearer ${world.keys['admin']}` },
    });
    const bytes = Buffer.from(await report.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(finished.report_sha256);
    expect(bytes.toString().trimEnd().split('\n').length).toBeGreaterThan(hours * linesPerHour);
  });
});
