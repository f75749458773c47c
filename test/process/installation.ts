import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { ensureWebhookEndpoints } from '../../src/stripe/stripe-webhook-setup';
import { createTestDatabase, TestDatabase } from '../support/database';
import { freePort } from '../support/free-port';
import { World } from '../support/http';
import { endPrograms, Program, startService } from './program';

/** A database and a platform at the tests' simulator, and the built program on them in as many processes as a test starts. */
export class Installation {
  private constructor(
    private readonly database: TestDatabase,
    /** Looks at the database, and meddles with it. */
    readonly sql: Client,
    readonly world: World,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  static async create(more: Readonly<Record<string, string>> = {}): Promise<Installation> {
    const database = await createTestDatabase();
    const sql = new Client({ connectionString: database.url });
    await sql.connect();
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
    return new Installation(
      database,
      sql,
      { url, keys: { admin }, simulator },
      {
        DATABASE_URL: database.url,
        STRIPE_API_KEY: simulator.key,
        STRIPE_API_BASE: simulator.url,
        STRIPE_REQUESTS_PER_SECOND: '500',
        STRIPE_WEBHOOK_SECRETS: secrets!.webhookSecrets.join(','),
        STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: secrets!.authorizationWebhookSecrets.join(','),
        DATA_ENCRYPTION_KEYS: randomBytes(32).toString('base64'),
        BOOTSTRAP_ADMIN_KEY: admin,
        PORT: String(port),
        ...more,
      },
    );
  }

  /** The one with the role `api` answers at `world.url`. */
  async start(role: 'api' | 'worker'): Promise<Program> {
    const own = role === 'api' ? {} : { PORT: String(await freePort()) };
    return (await startService({ ...this.env, ROLE: role, ...own })).program;
  }

  async count(sql: string, parameters: readonly unknown[] = []): Promise<number> {
    const { rows } = await this.sql.query<{ count: string }>(sql, [...parameters]);
    return Number(rows[0]!.count);
  }

  /** Another connection, for a lock that a test holds. */
  async connect(): Promise<Client> {
    const client = new Client({ connectionString: this.database.url });
    await client.connect();
    return client;
  }

  async end(): Promise<void> {
    await endPrograms();
    await this.sql.end();
    await this.database.drop();
  }
}
