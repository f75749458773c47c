import { randomBytes } from 'node:crypto';
import { NestFastifyApplication } from '@nestjs/platform-fastify';
import Stripe from 'stripe';
import { createApp } from '../../src/app';
import { ApiKeysService } from '../../src/platform/api-keys/api-keys.service';
import { Config, ConfigFields, readConfig } from '../../src/platform/config/config';
import { Database } from '../../src/platform/database/database';
import { createStripe } from '../../src/stripe/stripe-client';
import { askPublishableKey } from '../../src/stripe/simulator-publishable-key';
import { ensureWebhookEndpoints } from '../../src/stripe/stripe-webhook-setup';
import { TestClock } from './clock';
import { watchContract } from './contract';
import { createTestDatabase } from './database';
import { freePort } from './free-port';

export type Role = 'admin' | 'marketplace' | 'finance' | 'auditor' | 'pci';

export interface TestApp {
  readonly url: string;
  readonly app: NestFastifyApplication;
  readonly config: Config;
  readonly database: Database;
  readonly databaseUrl: string;
  readonly keys: Readonly<Record<Role, string>>;
  readonly clock: TestClock;
  /** The platform at Stripe, as the marketplace's own tools or a merchant would reach it. */
  readonly stripe: Stripe;
  readonly simulator: Readonly<{ url: string; key: string }>;
  stop(): Promise<void>;
}

/**
 * The real application on its own database and its own Stripe platform, listening on a free port. `changes` overrides the
 * configuration. Give `on` to start a second replica beside the first: same database, same platform.
 */
export async function startTestApp(changes: Partial<ConfigFields> = {}, on?: TestApp): Promise<TestApp> {
  const database = on ? { url: on.databaseUrl, drop: () => Promise.resolve() } : await createTestDatabase();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const simulator = on?.simulator ?? {
    url: process.env['TEST_SIMULATOR_URL']!,
    key: `sk_test_${randomBytes(12).toString('hex')}`,
  };
  const secrets = on
    ? undefined
    : await ensureWebhookEndpoints({
        apiBase: simulator.url,
        publicUrl: url,
        areSecretsKnown: false,
        apiKey: simulator.key,
      });
  const config = (
    on?.config ?? readConfig({ NODE_ENV: 'test', LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent' })
  ).with({
    port,
    publicUrl: url,
    databaseUrl: database.url,
    databasePoolMax: 12,
    // Walks over every route and value ask thousands of times a minute.
    rateLimits: { readsPerMinute: 1_000_000, writesPerMinute: 1_000_000, reportsPerMinute: 1_000_000 },
    stripeApiKey: simulator.key,
    stripeApiBase: simulator.url,
    stripePublishableKey: await askPublishableKey(simulator.url, simulator.key),
    dataEncryptionKeys: on?.config.dataEncryptionKeys ?? [randomBytes(32)],
    ...(secrets
      ? {
          stripeWebhookSecrets: secrets.webhookSecrets,
          stripeAuthorizationWebhookSecrets: secrets.authorizationWebhookSecrets,
        }
      : {}),
    ...changes,
  });
  const clock = on?.clock ?? new TestClock();
  const app = await createApp(config, clock);
  const contract = watchContract(app);
  await app.listen(port, '127.0.0.1');
  const made = on ? [] : await app.get(ApiKeysService).ensureBootstrap({ makeOnePerRole: true });
  return {
    url,
    app,
    config,
    database: app.get(Database),
    databaseUrl: database.url,
    keys: on?.keys ?? (Object.fromEntries(made.map(({ role, key }) => [role, key])) as Record<Role, string>),
    clock,
    stripe: createStripe(simulator.key, simulator.url),
    simulator,
    stop: async () => {
      // Read first: afterwards there is no database to read it from. A test that took its database away has nothing to compare.
      const kept = await contract.expectKept(app.get(Database)).catch((error: unknown) => error as Error);
      await app.close();
      await database.drop();
      if (kept) throw kept;
    },
  };
}
