import 'reflect-metadata';
import { performance } from 'node:perf_hooks';
import { DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../src/app.module';
import { LedgerSealsService } from '../src/ledger/ledger-seals.service';
import { LedgerVerificationModule } from '../src/ledger/ledger-verification.module';
import { LedgerVerificationService } from '../src/ledger/ledger-verification.service';
import { Config, readConfig } from '../src/platform/config/config';
import { ConfigModule } from '../src/platform/config/config.module';
import { Database, queryRows } from '../src/platform/database/database';
import { DatabaseModule } from '../src/platform/database/database.module';
import { EncryptionModule } from '../src/platform/encryption/encryption.module';
import { ReconciliationRunnerService } from '../src/reconciliation/reconciliation-runner.service';
import { ReconciliationRepository } from '../src/reconciliation/reconciliation.repository';
import { newId } from '../src/shared/ids';

/** What one process of the bench measures; a process each, so that its memory is its own. */
export type Measure =
  | { readonly what: 'compare'; readonly databaseUrl: string; readonly account: string; readonly rounds: number }
  | { readonly what: 'verify'; readonly databaseUrl: string };

export interface Compared {
  readonly plainSeconds: readonly number[];
  readonly compareSeconds: readonly number[];
  readonly matched: number;
  /** Keys of the differences, as breaks name them; the plain join's and ours. */
  readonly plainDifferences: readonly string[];
  readonly ourDifferences: readonly string[];
  readonly memoryMb: number;
}

export interface Verified {
  readonly entries: number;
  readonly payouts: number;
  readonly seals: number;
  readonly problems: number;
  readonly verifySeconds: number;
  readonly sealSeconds: number;
  readonly verifySealedSeconds: number;
  readonly memoryMb: number;
}

/**
 * The plainest join that answers the same question: every line beside the posting that its entry makes to the mirroring account, with
 * what a break tells of it, and only those that differ.
 */
const plainJoin = `
  with theirs as (
    select t.balance_transaction_id, t.ledger_account as account, t.net_minor, t.type, t.source_id, t.created_at, m.journal_entry_id
      from stripe_balance_transactions t
      left join ledger_matches m
        on m.connected_account_id = t.connected_account_id and m.balance_transaction_id = t.balance_transaction_id
     where t.connected_account_id = $1
  ), ours as (
    select journal_entry_id, account, amount_minor from postings
     where connected_account_id = $1
       and account in ('issuing_available:' || $1 || ':usd', 'seller_payments:' || $1 || ':usd')
  )
  select coalesce(theirs.balance_transaction_id, 'entry:' || ours.journal_entry_id || ':issuing_available') as key,
         theirs.type, theirs.source_id, theirs.created_at, theirs.net_minor, ours.amount_minor
    from theirs full join ours
      on ours.journal_entry_id = theirs.journal_entry_id and ours.account = theirs.account
   where theirs.net_minor is distinct from ours.amount_minor`;

async function compare({ databaseUrl, account, rounds }: Measure & { what: 'compare' }): Promise<Compared> {
  const context = await contextOn(AppModule.with(configOn(databaseUrl)));
  const database = context.get(Database);
  const repository = context.get(ReconciliationRepository);
  const runner = context.get(ReconciliationRunnerService);
  const [stripe] = await database.query<{ minor: string }>(
    `select sum(net_minor) as minor from stripe_balance_transactions where connected_account_id = $1`,
    [account],
  );
  const plainSeconds: number[] = [];
  const compareSeconds: number[] = [];
  let plainDifferences: string[] = [];
  // Turn by turn, so that whatever else the machine does slows both alike; the first turn warms the caches and does not count.
  for (let round = 0; round <= rounds; round += 1) {
    const plain = await seconds(async () => {
      await database.transaction(async (tx) => {
        // As much as the comparison allows itself.
        await queryRows(tx, `set local work_mem = '64MB'`);
        plainDifferences = (await queryRows<{ key: string }>(tx, plainJoin, [account])).map((row) => row.key);
      });
    });
    const runId = newId('run');
    const now = new Date('2027-01-01T00:00:00Z');
    const run = { id: runId, connectedAccountId: account, cutoff: null, scheduledFor: null, createdAt: now };
    await repository.insertRun(database.reader, run);
    await repository.insertParts(database.reader, runId, account, '', 1, now);
    const ours = await seconds(() =>
      runner.conclude(runId, account, null, {
        balance: {
          available: new Map(),
          pending: new Map(),
          issuingAvailable: new Map([['usd', BigInt(stripe!.minor)]]),
        },
        isStill: true,
        mirroredFrom: '2100-01-01',
        listedFrom: now,
        listingId: `${runId}:1`,
        healed: [],
      }),
    );
    if (round === 0) continue;
    plainSeconds.push(plain);
    compareSeconds.push(ours);
  }
  const open = await database.query<{ key: string }>(
    `select key from reconciliation_breaks where connected_account_id = $1 and status = 'open'`,
    [account],
  );
  const [part] = await database.query<{ matched: string }>(
    `select matched from reconciliation_run_accounts where connected_account_id = $1 order by run_id desc limit 1`,
    [account],
  );
  return {
    plainSeconds,
    compareSeconds,
    matched: Number(part!.matched),
    plainDifferences: plainDifferences.sort(),
    ourDifferences: open.map((row) => row.key).sort(),
    memoryMb: memoryMb(),
  };
}

async function verify({ databaseUrl }: Measure & { what: 'verify' }): Promise<Verified> {
  const context = await contextOn(LedgerBenchModule.with(configOn(databaseUrl)));
  const verification = context.get(LedgerVerificationService);
  const seals = context.get(LedgerSealsService);
  let problems = 0;
  const onProblem = () => (problems += 1);
  const verifySeconds = await seconds(() => verification.verify({ onProblem }));
  const sealSeconds = await seconds(() => seals.sealNew());
  let checked = { entriesChecked: 0, payoutsChecked: 0, sealsChecked: 0 };
  const verifySealedSeconds = await seconds(async () => {
    checked = await verification.verify({ onProblem });
  });
  return {
    entries: checked.entriesChecked,
    payouts: checked.payoutsChecked,
    seals: checked.sealsChecked,
    problems,
    verifySeconds,
    sealSeconds,
    verifySealedSeconds,
    memoryMb: memoryMb(),
  };
}

function configOn(databaseUrl: string): Config {
  return readConfig({ NODE_ENV: 'development', ROLE: 'api', LOG_LEVEL: 'silent' }).with({
    databaseUrl,
    databasePoolMax: 4,
    dataEncryptionKeys: [Buffer.alloc(32, 1)],
  });
}

function contextOn(module: DynamicModule) {
  return NestFactory.createApplicationContext(module, { logger: ['error'], abortOnError: false });
}

/** No more than `ledger-verify` has. */
@Module({})
class LedgerBenchModule {
  static with(config: Config): DynamicModule {
    const database = DatabaseModule.with(config.databaseUrl!, config.databasePoolMax);
    const imports = [ConfigModule.with(config), EncryptionModule, database, LedgerVerificationModule];
    return { module: LedgerBenchModule, imports };
  }
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
}

/** The most this process ever had in memory. */
function memoryMb(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

process.on('message', (measure: Measure) => {
  const result = measure.what === 'compare' ? compare(measure) : verify(measure);
  result.then(
    (answer) => process.send!(answer, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
