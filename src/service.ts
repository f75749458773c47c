import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { createApp } from './app';
import { ApiKeysService } from './platform/api-keys/api-keys.service';
import { Config } from './platform/config/config';
import { Database } from './platform/database/database';
import { hasPendingMigrations, runMigrations } from './platform/database/migrations';
import { DataDir } from './platform/embedded/data-dir';
import { EmbeddedDatabase, startEmbeddedDatabase } from './platform/embedded/embedded-database';
import { EmbeddedSimulator, startEmbeddedSimulator } from './platform/embedded/embedded-simulator';
import { apiKeyRoles } from './platform/http/request.types';
import { simulatorApiKey } from './stripe/stripe-client';
import { askPublishableKey } from './stripe/simulator-publishable-key';
import { ensureWebhookEndpoints } from './stripe/stripe-webhook-setup';

export interface RunningService {
  /** What a person at a terminal wants to know. */
  readonly greeting: string;
  /** Finishes what it holds, then stops what it started. */
  stop(): Promise<void>;
}

/** The database is older than this build: `npm run migrate` first. */
export class DatabaseBehind extends Error {
  constructor() {
    super('The database is behind this build. Run `npm run migrate` (or node dist/src/cli.js migrate) first.');
    this.name = 'DatabaseBehind';
  }
}

/** Starts the service and every embedded default that the configuration leaves to it. */
export async function startService(given: Config): Promise<RunningService> {
  const isEmbedded = !given.databaseUrl || !given.stripeApiKey || given.dataEncryptionKeys.length === 0;
  const dataDir = isEmbedded ? await DataDir.claim(given.dataDir) : undefined;
  const started: { name: string; stop: () => Promise<void> }[] = [];
  if (dataDir) started.push({ name: 'data folder', stop: () => dataDir.release() });
  const stop = async () => {
    // The last started stops first: the service before what it stands on.
    for (const part of started.toReversed()) await part.stop();
  };

  try {
    let config = given;
    if (dataDir) {
      const embedded = await startEmbedded(config, dataDir);
      config = embedded.config;
      started.push(...embedded.started);
    }
    if (given.databaseUrl) {
      if (await hasPendingMigrations(given.databaseUrl)) throw new DatabaseBehind();
    } else {
      await runMigrations(config.databaseUrl!);
    }

    const app = await createApp(config);
    started.push({ name: 'service', stop: () => app.close() });
    const keys = await bootstrapKeys(app, config, dataDir);
    if (config.roles.has('api') || config.port !== 0) await app.listen(config.port, config.host);
    else await app.init();
    return { greeting: greet(config, keys, given), stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

async function startEmbedded(
  given: Config,
  dataDir: DataDir,
): Promise<{ config: Config; started: { name: string; stop: () => Promise<void> }[] }> {
  const started: { name: string; stop: () => Promise<void> }[] = [];
  let config = given;
  if (config.dataEncryptionKeys.length === 0) {
    if (!dataDir.state.dataEncryptionKey) {
      await dataDir.remember({ dataEncryptionKey: randomBytes(32).toString('base64') });
    }
    config = config.with({ dataEncryptionKeys: [Buffer.from(dataDir.state.dataEncryptionKey!, 'base64')] });
  }
  const [database, simulator] = await Promise.all<EmbeddedDatabase | EmbeddedSimulator | undefined>([
    config.databaseUrl ? undefined : startEmbeddedDatabase(dataDir.path),
    config.stripeApiKey ? undefined : startEmbeddedSimulator(config.simulatorPort, join(dataDir.path, 'simulator')),
  ]);
  if (database) {
    started.push({ name: 'PostgreSQL', stop: () => database.stop() });
    config = config.with({ databaseUrl: database.url });
  }
  if (simulator) {
    started.push({ name: 'simulator', stop: () => simulator.stop() });
    config = await connectSimulator(config, simulator.url, dataDir);
  }
  return { config, started };
}

/** Points the service at the simulator, whose endpoints and secrets are made once and kept. */
async function connectSimulator(config: Config, apiBase: string, dataDir: DataDir): Promise<Config> {
  const { state } = dataDir;
  const made = await ensureWebhookEndpoints({
    apiBase,
    publicUrl: `http://127.0.0.1:${config.port}`,
    areSecretsKnown: (state.webhookSecrets?.length ?? 0) > 0,
  });
  if (made) await dataDir.remember(made);
  const publishableKey = config.stripePublishableKey ?? (await askPublishableKey(apiBase));
  return config.with({
    stripeApiBase: apiBase,
    stripePublishableKey: publishableKey,
    stripeWebhookSecrets: state.webhookSecrets ?? [],
    stripeAuthorizationWebhookSecrets: state.authorizationWebhookSecrets ?? [],
  });
}

/** One key a role on the embedded defaults, made once and shown at every start: they guard nothing but this machine's data. */
async function bootstrapKeys(
  app: INestApplicationContext,
  config: Config,
  dataDir: DataDir | undefined,
): Promise<Record<string, string>> {
  const apiKeys = app.get(ApiKeysService);
  const isLocal = dataDir !== undefined && config.environment !== 'production';
  const made = await apiKeys.ensureBootstrap({ adminKey: config.bootstrapAdminKey, makeOnePerRole: isLocal });
  if (!isLocal) return {};
  const keys = { ...dataDir.state.apiKeys, ...Object.fromEntries(made.map(({ role, key }) => [role, key])) };
  for (const role of apiKeyRoles) {
    // A start that was cut off here before left a key that nobody knows: another one is made.
    keys[role] ??= (
      await app.get(Database).transaction((tx) => apiKeys.create(tx, { name: `local ${role}`, role }))
    ).key;
  }
  await dataDir.remember({ apiKeys: keys });
  return keys;
}

function greet(config: Config, keys: Record<string, string>, given: Config): string {
  const lines = [
    '',
    `Disburse (${[...config.roles].join(' and ')}) is ready.`,
    '',
    `  API            ${config.publicUrl}/v1`,
    `  Documentation  ${config.publicUrl}/docs`,
    `  Database       ${given.databaseUrl ? 'DATABASE_URL' : `embedded PostgreSQL in ${config.dataDir}`}`,
    given.stripeApiKey
      ? `  Stripe         ${config.stripeApiBase}`
      : `  Simulator      ${config.stripeApiBase} (platform key ${simulatorApiKey})`,
  ];
  if (Object.keys(keys).length > 0) {
    lines.push('', '  API keys, for this machine only:');
    for (const [role, key] of Object.entries(keys)) lines.push(`  ${role.padEnd(13)}  ${key}`);
  }
  return [...lines, '', 'Ctrl-C stops it.', ''].join('\n');
}
