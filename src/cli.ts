import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DynamicModule, INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describeApiOffline } from './api-document';
import { AppModule } from './app.module';
import { DataRetentionService } from './data-retention/data-retention.service';
import { LedgerSealsService } from './ledger/ledger-seals.service';
import { LedgerVerificationModule } from './ledger/ledger-verification.module';
import { LedgerVerificationService } from './ledger/ledger-verification.service';
import { SealMark } from './ledger/ledger-verification.types';
import { AuditLog } from './platform/audit-log/audit-log.service';
import { ApiKeysService } from './platform/api-keys/api-keys.service';
import { Config, ConfigInvalid, readConfig } from './platform/config/config';
import { ConfigModule } from './platform/config/config.module';
import { Database, Tx } from './platform/database/database';
import { DatabaseModule } from './platform/database/database.module';
import { hasPendingMigrations, runMigrations } from './platform/database/migrations';
import { dumpSchema } from './platform/database/schema-dump';
import { DataDir, DataDirInUse } from './platform/embedded/data-dir';
import { EncryptionModule } from './platform/encryption/encryption.module';
import { startEmbeddedDatabase } from './platform/embedded/embedded-database';
import { startEmbeddedSimulator } from './platform/embedded/embedded-simulator';
import { ApiKeyRole, apiKeyRoles } from './platform/http/request.types';
import { ProgressBar } from './progress-bar';
import { toCutoff } from './reconciliation/reconciliation.dto';
import { ReconciliationService } from './reconciliation/reconciliation.service';
import { ReconciliationRun } from './reconciliation/reconciliation.types';
import { DomainError } from './shared/domain-error';

// As with grep: 1 is an answer (breaks are open, the ledger is wrong), 2 is that no answer could be found.
const exitFound = 1;
const exitTrouble = 2;
const progressPauseMs = 300;
const breaksShownMax = 100;

/** What whoever typed the command can mend; the message says how. */
class CommandRefused extends Error {}

interface Command {
  readonly usage: string;
  readonly does: string;
  /** Answers the exit code. */
  readonly run: (args: string[]) => Promise<number>;
}

const commands: Readonly<Record<string, Command>> = {
  migrate: {
    usage: 'migrate',
    does: 'brings the database at DATABASE_URL up to date, one process at a time',
    run: migrate,
  },
  'migrate-dump': {
    usage: 'migrate-dump [--out migrations/schema.sql]',
    does: 'writes what the migrations add up to (without DATABASE_URL: in a throw-away database)',
    run: migrateDump,
  },
  reconcile: {
    usage: 'reconcile [--cutoff 2026-11-30] [--connected-account seller_…]',
    does: 'compares the ledger with Stripe; exit 1 when breaks are open',
    run: reconcile,
  },
  'ledger-verify': {
    usage: 'ledger-verify [--seal 12:9f3a…] [--read-only]',
    does: 'proves entries, hash chains, balances and seals from the postings, then seals what is new; exit 1 when something is wrong',
    run: verifyLedger,
  },
  'data-reencrypt': {
    usage: 'data-reencrypt',
    does: 'encrypts anew, with the first of DATA_ENCRYPTION_KEYS, what older keys encrypted',
    run: reencrypt,
  },
  'create-api-key': {
    usage: `create-api-key --role ${apiKeyRoles.join('|')} --name "month end"`,
    does: 'makes a key and prints it; it cannot be shown again',
    run: createApiKey,
  },
  openapi: {
    usage: 'openapi [--out client/openapi.json]',
    does: 'writes the API’s OpenAPI 3.1 document, without a database or a network',
    run: writeApiDocument,
  },
};

async function migrate(args: string[]): Promise<number> {
  parseArgs({ args, options: {} });
  const { databaseUrl } = readConfig({ DATABASE_URL: process.env['DATABASE_URL'] });
  if (!databaseUrl) {
    throw new CommandRefused(
      'DATABASE_URL is missing. The embedded database migrates by itself when the service starts.',
    );
  }
  const ran = await runMigrations(databaseUrl);
  for (const name of ran) console.log(`ran ${name}`);
  console.log(
    ran.length === 0 ? 'Nothing to do: the database is up to date.' : `The database is up to date (${ran.length} run).`,
  );
  return 0;
}

async function migrateDump(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { out: { type: 'string', default: 'migrations/schema.sql' } } });
  const { databaseUrl } = readConfig({ DATABASE_URL: process.env['DATABASE_URL'] });
  const dumped = databaseUrl ? await dumpMigrated(databaseUrl) : await onThrowAwayDatabase(dumpMigrated);
  const file = resolve(values.out);
  writeFileSync(file, dumped);
  console.log(`wrote ${file}`);
  return 0;
}

/** The schema after every migration of this build; a database of someone's own is looked at, not changed. */
async function dumpMigrated(databaseUrl: string): Promise<string> {
  if (await hasPendingMigrations(databaseUrl)) {
    throw new CommandRefused(
      'The database at DATABASE_URL is behind this build. Run `npm run migrate` first, or leave DATABASE_URL unset.',
    );
  }
  return dumpSchema(databaseUrl);
}

async function onThrowAwayDatabase(work: (databaseUrl: string) => Promise<string>): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'disburse-schema-'));
  // PostgreSQL is another user when this is root.
  await chmod(home, 0o755);
  const database = await startEmbeddedDatabase(home, { isDisposable: true });
  try {
    await runMigrations(database.url);
    return await work(database.url);
  } finally {
    await database.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function reconcile(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { cutoff: { type: 'string' }, 'connected-account': { type: 'string' } },
  });
  const cutoff = values.cutoff === undefined ? null : toCutoff(values.cutoff);
  if (cutoff !== null && !(cutoff instanceof Date && !Number.isNaN(cutoff.getTime()))) {
    throw new CommandRefused(
      `--cutoff must be a day (2026-11-30: its end, UTC) or an ISO 8601 moment, not "${String(values.cutoff)}".`,
    );
  }
  const connectedAccountId = values['connected-account'] ?? null;
  return withinReach(async (config) => {
    // The run's jobs are done here or by any worker that is free: it ends whether or not the service runs.
    const worker = AppModule.with(config.with({ roles: new Set(['worker']), databasePoolMax: 8 }));
    return inContext(worker, async (context) => {
      const reconciliation = context.get(ReconciliationService);
      const started = await context.get(Database).transaction(async (tx) => {
        const run = await reconciliation.start(tx, { connectedAccountId, cutoff });
        await recordCommand(context, tx, { action: 'reconciliation_run.create', objectId: run.id });
        return run;
      });
      const run = await untilEnded(reconciliation, started);
      return reportRun(reconciliation, run);
    });
  });
}

async function untilEnded(
  reconciliation: ReconciliationService,
  started: ReconciliationRun,
): Promise<ReconciliationRun> {
  const bar = new ProgressBar();
  for (let run = started; ; run = await reconciliation.get(started.id)) {
    const done = run.accountsTotal === 0 ? 0 : run.accountsDone / run.accountsTotal;
    bar.show(
      done,
      `${run.id}: ${run.accountsDone} of ${run.accountsTotal || '?'} accounts, ${run.matched} lines matched`,
    );
    if (run.status !== 'running') {
      bar.end();
      return run;
    }
    await pause(progressPauseMs);
  }
}

async function reportRun(reconciliation: ReconciliationService, run: ReconciliationRun): Promise<number> {
  console.log(
    `${run.id} ${run.status}: ${run.matched} lines matched, ${run.healed} healed, ${run.breaksOpen} breaks open` +
      (run.reportSha256 === null ? '' : `, report SHA-256 ${run.reportSha256}`),
  );
  if (run.status !== 'completed')
    throw new CommandRefused('The run did not complete; GET /v1/reconciliation-runs/:id says for which account.');
  if (run.breaksOpen === 0) return 0;
  const filter = { status: 'open', connectedAccountId: run.connectedAccountId ?? undefined } as const;
  const breaks = await reconciliation.listBreaks({ ...filter, type: undefined, payoutId: undefined }, breaksShownMax);
  for (const each of breaks.slice(0, breaksShownMax)) {
    const difference = each.differenceMinor === null ? '' : `  ${each.differenceMinor} ${each.currency ?? ''}`;
    console.log(`  ${each.id}  ${each.connectedAccountId}  ${each.type}  ${each.key}${difference}`);
  }
  if (breaks.length > breaksShownMax) console.log('  … and more: GET /v1/reconciliation-breaks?status=open');
  return exitFound;
}

async function verifyLedger(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { seal: { type: 'string' }, 'read-only': { type: 'boolean', default: false } },
  });
  const expected = values.seal === undefined ? undefined : toSealMark(values.seal);
  return withinReach((config) =>
    inContext(LedgerCommandModule.with(config), async (context) => {
      const bar = new ProgressBar();
      const { entriesChecked, payoutsChecked, sealsChecked, problemsFound, newestSeal, unsealedEntries } = await context
        .get(LedgerVerificationService)
        .verify(
          {
            onProblem: ({ where, what }) => {
              bar.end();
              console.log(`${where}: ${what}`);
            },
            onProgress: (progress) =>
              bar.show(
                progress.done,
                `${progress.entriesChecked} entries, ${progress.payoutsChecked} payouts, ${progress.sealsChecked} seals checked`,
              ),
          },
          expected,
        );
      bar.end();
      const proven = `${entriesChecked} entries, ${payoutsChecked} payouts and ${sealsChecked} seals`;
      if (problemsFound > 0) {
        console.log(`${problemsFound} problems in ${proven}.`);
        return exitFound;
      }
      console.log(`The ledger is whole: ${proven} proven.`);
      // Nothing is sealed that was not proven just before.
      const { newest } = values['read-only'] ? { newest: newestSeal } : await context.get(LedgerSealsService).sealNew();
      if (values['read-only'] && unsealedEntries > 0) console.log(`${unsealedEntries} entries are not sealed yet.`);
      if (newest) {
        console.log(`Newest seal: ${newest.number}:${newest.hash}`);
        console.error('Keep it outside the database; --seal holds the ledger to it.');
      }
      return 0;
    }),
  );
}

/** @throws {CommandRefused} */
function toSealMark(text: string): SealMark {
  const [, number, hash] = /^(\d+):([0-9a-f]{64})$/.exec(text.trim()) ?? [];
  if (number === undefined || hash === undefined) {
    throw new CommandRefused('--seal must be a number and a hash as this command prints them: 12:9f3a… (64 digits).');
  }
  return { number: Number(number), hash };
}

async function reencrypt(args: string[]): Promise<number> {
  parseArgs({ args, options: {} });
  return withinReach((config) =>
    inContext(AppModule.with(config.with({ roles: new Set(['api']), databasePoolMax: 4 })), async (context) => {
      const count = await context
        .get(DataRetentionService)
        .reencrypt((done) => console.error(`${done} encrypted anew`));
      await context
        .get(Database)
        .transaction((tx) => recordCommand(context, tx, { action: 'data.reencrypt', objectId: null }));
      console.log(
        count === 0
          ? 'Nothing to do: everything is encrypted with the first key.'
          : `${count} values were encrypted anew with the first key.`,
      );
      return 0;
    }),
  );
}

async function createApiKey(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { role: { type: 'string' }, name: { type: 'string' } } });
  const role = apiKeyRoles.find((each): each is ApiKeyRole => each === values.role);
  if (!role) throw new CommandRefused(`--role must be one of ${apiKeyRoles.join(', ')}.`);
  const name = values.name?.trim() ?? '';
  if (name === '' || name.length > 100)
    throw new CommandRefused('--name must say in 1 to 100 characters what the key is for.');
  return withinReach((config) =>
    inContext(AppModule.with(config.with({ roles: new Set(['api']), databasePoolMax: 4 })), async (context) => {
      const made = await context.get(Database).transaction(async (tx) => {
        const created = await context.get(ApiKeysService).create(tx, { role, name });
        await recordCommand(context, tx, { action: 'api_key.create', objectId: created.apiKey.id });
        return created;
      });
      console.error(`${made.apiKey.id}, role ${role}. This is the only time the key is shown:`);
      console.log(made.key);
      return 0;
    }),
  );
}

/** Who typed a command that changes something is in the audit log, in the transaction of the change. */
async function recordCommand(
  context: INestApplicationContext,
  tx: Tx,
  { action, objectId }: { action: string; objectId: string | null },
): Promise<void> {
  const objectType = action.split('.', 1)[0]!;
  await context.get(AuditLog).recordCommand(tx, { action, objectType, objectId });
}

async function writeApiDocument(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { out: { type: 'string' } } });
  const text = `${JSON.stringify(await describeApiOffline(), null, 2)}\n`;
  if (values.out === undefined) process.stdout.write(text);
  else {
    const file = resolve(values.out);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.error(`wrote ${file}`);
  }
  return 0;
}

/** The ledger and its database, and no jobs, routes or schedules. */
@Module({})
class LedgerCommandModule {
  static with(config: Config): DynamicModule {
    const imports = [
      ConfigModule.with(config),
      EncryptionModule,
      DatabaseModule.with(config.databaseUrl!, 4),
      LedgerVerificationModule,
    ];
    return { module: LedgerCommandModule, imports };
  }
}

async function inContext(
  module: DynamicModule,
  work: (context: INestApplicationContext) => Promise<number>,
): Promise<number> {
  // Standard output is the command's answer; what goes wrong meanwhile goes to standard error.
  const context = await NestFactory.createApplicationContext(module, {
    logger: ['fatal', 'error'],
    abortOnError: false,
  });
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}

/**
 * The configured database and Stripe; on the embedded defaults those of DATA_DIR: used as they run beside `npm start`, started for the
 * command and stopped after it otherwise.
 */
async function withinReach(work: (config: Config) => Promise<number>): Promise<number> {
  const given = readConfig(process.env);
  if (given.databaseUrl && given.stripeApiKey && given.dataEncryptionKeys.length > 0) {
    await refuseWhenBehind(given.databaseUrl);
    return work(given);
  }
  const dataDir = await DataDir.read(given.dataDir);
  if (!dataDir.state.dataEncryptionKey && given.dataEncryptionKeys.length === 0) {
    throw new CommandRefused(
      `${dataDir.path} holds no data yet: start the service once, or set DATABASE_URL, STRIPE_API_KEY and DATA_ENCRYPTION_KEYS.`,
    );
  }
  const claimed = await DataDir.claim(given.dataDir).catch((error: unknown) => {
    if (error instanceof DataDirInUse) return undefined;
    throw error;
  });
  const started: (() => Promise<void>)[] = claimed ? [() => claimed.release()] : [];
  try {
    let config =
      given.dataEncryptionKeys.length > 0
        ? given
        : given.with({ dataEncryptionKeys: [Buffer.from(dataDir.state.dataEncryptionKey!, 'base64')] });
    if (!given.databaseUrl) {
      const database = await startEmbeddedDatabase(dataDir.path, { isGuest: !claimed });
      started.push(() => database.stop());
      config = config.with({ databaseUrl: database.url });
    }
    await refuseWhenBehind(config.databaseUrl!);
    if (!given.stripeApiKey && claimed) {
      const simulator = await startEmbeddedSimulator(given.simulatorPort, join(dataDir.path, 'simulator'));
      started.push(() => simulator.stop());
      config = config.with({ stripeApiBase: simulator.url });
    }
    if (!given.stripeApiKey) {
      config = config.with({
        stripeWebhookSecrets: dataDir.state.webhookSecrets ?? [],
        stripeAuthorizationWebhookSecrets: dataDir.state.authorizationWebhookSecrets ?? [],
      });
    }
    return await work(config);
  } finally {
    for (const stop of started.toReversed()) await stop();
  }
}

async function refuseWhenBehind(databaseUrl: string): Promise<void> {
  if (await hasPendingMigrations(databaseUrl)) {
    throw new CommandRefused('The database is behind this build. Run `npm run migrate` first.');
  }
}

function help(): string {
  const lines = Object.values(commands).flatMap(({ usage, does }) => [`  ${usage}`, `      ${does}`]);
  return ['usage: node dist/src/cli.js <command>', '', ...lines].join('\n');
}

async function main([name, ...args]: string[]): Promise<number> {
  if (name === 'help' || name === '--help' || name === '-h') {
    console.log(help());
    return 0;
  }
  const command = Object.hasOwn(commands, name ?? '') ? commands[name!] : undefined;
  if (!command)
    throw new CommandRefused(
      `${name === undefined ? 'No command was given.' : `There is no command ${name}.`}\n\n${help()}`,
    );
  if (args.includes('--help')) {
    console.log(`usage: node dist/src/cli.js ${command.usage}\n\n${command.does}`);
    return 0;
  }
  return command.run(args);
}

function isForOperator(error: unknown): error is Error {
  const { code } = (error ?? {}) as { code?: unknown };
  const isUsage = typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS');
  return isUsage || [CommandRefused, ConfigInvalid, DataDirInUse, DomainError].some((kind) => error instanceof kind);
}

main(process.argv.slice(2)).then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    // What an operator can mend needs no stack.
    console.error(isForOperator(error) ? error.message : error);
    process.exit(exitTrouble);
  },
);
