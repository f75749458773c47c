import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { ensureWebhookEndpoints } from '../../src/stripe/stripe-webhook-setup';
import { endPrograms, Program, startService } from '../process/program';
import { createTestDatabase, TestDatabase } from '../support/database';
import { freePort } from '../support/free-port';
import { World } from '../support/http';
import { Scenario } from '../support/scenario';
import { waitFor } from '../support/wait-for';

jest.setTimeout(240_000);

const rowCount = 600;

describe('a batch whose worker is killed', () => {
  let database: TestDatabase;
  let client: Client;
  let env: Record<string, string>;
  let world: World;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const simulator = { url: process.env['TEST_SIMULATOR_URL']!, key: `sk_test_${randomBytes(12).toString('hex')}` };
    const secrets = await ensureWebhookEndpoints({
      apiBase: simulator.url,
      publicUrl: url,
      areSecretsKnown: false,
      apiKey: simulator.key,
    });
    const admin = `key-${randomBytes(20).toString('hex')}`;
    world = { url, keys: { admin }, simulator };
    env = {
      DATABASE_URL: database.url,
      STRIPE_API_KEY: simulator.key,
      STRIPE_API_BASE: simulator.url,
      STRIPE_REQUESTS_PER_SECOND: '500',
      STRIPE_WEBHOOK_SECRETS: secrets!.webhookSecrets.join(','),
      STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: secrets!.authorizationWebhookSecrets.join(','),
      DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
      BOOTSTRAP_ADMIN_KEY: admin,
      PORT: String(port),
    };
  });
  afterAll(async () => {
    await endPrograms();
    await client?.end();
    await database?.drop();
  });

  const start = async (role: string): Promise<Program> => {
    const own = role === 'api' ? {} : { PORT: String(await freePort()) };
    return (await startService({ ...env, ROLE: role, ...own })).program;
  };
  const count = async (sql: string) => Number((await client.query<{ count: string }>(sql)).rows[0]!.count);

  it('goes on in another one, and every row is one payout', async () => {
    await start('api');
    const worker = await start('worker');
    const seller = await new Scenario(world).onboardedSeller();
    const rows = Array.from({ length: rowCount }, (_, i) =>
      JSON.stringify({
        connected_account: seller.id,
        cardholder: seller.cardholder,
        amount: 20_00,
        currency: 'usd',
        reference: `row-${i}`,
      }),
    );
    const response = await fetch(`${world.url}/v1/payout-batches`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.keys['admin']}`,
        'content-type': 'application/x-ndjson',
        'idempotency-key': 'kill',
      },
      body: rows.join('\n'),
    });
    expect(response.status).toBe(202);

    const accepted = () => count(`select count(*) from payout_batch_rows where status = 'accepted'`);
    await waitFor('some rows to be payouts', async () => (await accepted()) >= 20, 60_000);
    await worker.kill('SIGKILL');
    const left = await count(`select count(*) from payout_batch_rows where status = 'queued'`);
    expect(left).toBeGreaterThan(0);
    expect(await accepted()).toBe(await count('select count(*) from payouts'));

    await start('worker');
    await waitFor(
      'every row to be a payout',
      async () => (await count('select count(*) from payout_batches where completed_at is not null')) === 1,
      180_000,
    );
    expect(await accepted()).toBe(rowCount);
    expect(await count('select count(*) from payouts')).toBe(rowCount);
    expect(await count(`select count(distinct payout_id) from payout_batch_rows`)).toBe(rowCount);
    expect(await count(`select count(*) from journal_entries where kind = 'payout_accepted'`)).toBe(rowCount);
  });
});
