import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source-options';
import { queryRows, Tx } from '../../src/platform/database/database';
import { newId } from '../../src/shared/ids';
import {
  Comparison,
  ReconciliationCompareRepository,
} from '../../src/reconciliation/reconciliation-compare.repository';
import { ReconciliationRepository } from '../../src/reconciliation/reconciliation.repository';
import { StripeMirrorRepository } from '../../src/reconciliation/stripe-mirror.repository';
import { StripeBalanceTransaction } from '../../src/stripe/stripe.types';
import { createTestDatabase, TestDatabase } from '../support/database';

const now = new Date('2026-11-21T12:00:00Z');
let database: TestDatabase;
let dataSource: DataSource;
const compare = new ReconciliationCompareRepository();
const repository = new ReconciliationRepository();
const mirror = new StripeMirrorRepository();

beforeAll(async () => {
  database = await createTestDatabase();
  dataSource = await new DataSource(dataSourceOptions(database.url)).initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

let counter = 0;
const next = (prefix: string): string => `${prefix}_${(counter += 1)}_${newId('run').slice(-6)}`;

async function seller(tx: Tx): Promise<string> {
  const id = newId('seller');
  await queryRows(
    tx,
    `insert into connected_accounts (id, stripe_account_id, display_name, business_type, country, currency, status, funding_rail,
       card_issuing_capability, transfers_capability, requirements, created_at, updated_at)
     values ($1, $2, 'Shop', 'company', 'US', 'usd', 'active', 'transfer', 'active', 'active', '{}', $3, $3)`,
    [id, next('acct'), new Date('2026-11-01T00:00:00Z')],
  );
  return id;
}

function line(fields: Partial<StripeBalanceTransaction>): StripeBalanceTransaction {
  const net = fields.netMinor ?? fields.amountMinor ?? 0n;
  return {
    balanceTransactionId: next('txn'),
    type: 'issuing_transaction',
    balanceType: 'issuing',
    amountMinor: net,
    feeMinor: 0n,
    netMinor: net,
    currency: 'usd',
    status: 'available',
    reportingCategory: 'issuing_transaction',
    sourceId: next('ipi'),
    createdAt: new Date('2026-11-20T10:00:00Z'),
    availableOn: new Date('2026-11-20T10:00:00Z'),
    ...fields,
  };
}

async function post(
  tx: Tx,
  account: string,
  kind: string,
  source: string,
  lines: readonly [string, bigint][],
  links: readonly string[],
  occurredAt = new Date('2026-11-20T10:00:00Z'),
): Promise<void> {
  await queryRows(tx, `select post_journal_entry($1, $2, $3, null, $4, $5::text[], $6::bigint[], $7::text[])`, [
    kind,
    source,
    account,
    occurredAt,
    lines.map(([name]) => name),
    lines.map(([, amount]) => amount.toString()),
    links,
  ]);
}

/** Runs the comparison in a transaction of its own and answers what it found. */
async function run(account: string, cutoff: Date | null = null) {
  const runId = newId('run');
  await repository.insertRun(dataSource.manager, {
    id: runId,
    connectedAccountId: account,
    cutoff,
    scheduledFor: null,
    createdAt: now,
  });
  await repository.insertParts(dataSource.manager, runId, account, '', 10, now);
  return dataSource.transaction(async (tx) => {
    const comparison: Comparison = { runId, account, cutoff, now, mirroredFrom: '2100-01-01' };
    await compare.compareLines(tx, comparison);
    const counts = await compare.counts(tx, comparison);
    await compare.findLineDifferences(tx, comparison);
    await repository.healVanished(
      tx,
      runId,
      account,
      ['missing_in_ledger', 'missing_at_stripe', 'amount_differs', 'duplicate', 'currency_differs'],
      now,
    );
    const opened = await repository.openBreaks(tx, runId, account, now);
    await repository.completePart(
      tx,
      runId,
      account,
      cutoff,
      { ...counts, currency: 'usd', stripeIssuingMinor: 0n, ledgerIssuingMinor: 0n },
      now,
    );
    const [part] = await queryRows<{ report: string; report_sha256: string; breaks_open: string; healed: string }>(
      tx,
      `select * from reconciliation_run_accounts where run_id = $1`,
      [runId],
    );
    return { counts, opened, part: part! };
  });
}

describe('comparison', () => {
  it('matches lines with their postings and finds nothing', async () => {
    const account = await seller(dataSource.manager);
    const capture = line({ netMinor: -180_00n });
    await mirror.upsert(dataSource.manager, account, [capture], now);
    await post(
      dataSource.manager,
      account,
      'capture',
      capture.sourceId!,
      [
        [`suspense:${account}:usd`, 180_00n],
        [`issuing_available:${account}:usd`, -180_00n],
      ],
      [capture.balanceTransactionId],
    );

    const { counts, opened } = await run(account);

    expect(counts).toEqual({ matched: 1, setApart: 0, inFlight: 0 });
    expect(opened).toEqual([]);
  });

  it('names surplus, shortage and wrong amounts once, and heals them when they go away', async () => {
    const account = await seller(dataSource.manager);
    const unknown = line({ netMinor: -5_00n });
    const differs = line({ netMinor: -180_00n });
    await mirror.upsert(dataSource.manager, account, [unknown, differs], now);
    await post(
      dataSource.manager,
      account,
      'capture',
      differs.sourceId!,
      [
        [`suspense:${account}:usd`, 170_00n],
        [`issuing_available:${account}:usd`, -170_00n],
      ],
      [differs.balanceTransactionId],
    );
    await post(
      dataSource.manager,
      account,
      'capture',
      next('ipi'),
      [
        [`suspense:${account}:usd`, 9_00n],
        [`issuing_available:${account}:usd`, -9_00n],
      ],
      [],
    );

    const first = await run(account);
    const second = await run(account);

    expect(first.opened.map((found) => [found.type, found.differenceMinor]).sort()).toEqual([
      ['amount_differs', -10_00n],
      ['missing_at_stripe', 9_00n],
      ['missing_in_ledger', -5_00n],
    ]);
    expect(second.opened).toEqual([]);
    expect(second.part.breaks_open).toBe('3');
    expect(second.part.report).toBe(first.part.report);

    await post(
      dataSource.manager,
      account,
      'capture',
      unknown.sourceId!,
      [
        [`suspense:${account}:usd`, 5_00n],
        [`issuing_available:${account}:usd`, -5_00n],
      ],
      [unknown.balanceTransactionId],
    );
    const third = await run(account);

    expect(third.part.breaks_open).toBe('2');
    expect(third.part.healed).toBe('1');
  });

  it('sets other uses of the account apart, and what was before us', async () => {
    const account = await seller(dataSource.manager);
    await mirror.upsert(
      dataSource.manager,
      account,
      [
        line({ type: 'charge', balanceType: 'payments', netMinor: 970n, amountMinor: 1000n, feeMinor: 30n }),
        line({ type: 'payout', balanceType: 'payments', netMinor: -500n }),
        line({ type: 'payment', balanceType: 'payments', netMinor: 700n, sourceId: next('py') }),
        line({ type: 'topup', netMinor: 5000n, createdAt: new Date('2026-10-01T00:00:00Z') }),
        line({ type: 'reserve', balanceType: 'risk_reserved', netMinor: 5000n }),
      ],
      now,
    );

    const { counts, opened } = await run(account);

    expect(counts).toEqual({ matched: 0, setApart: 5, inFlight: 0 });
    expect(opened).toEqual([]);
  });

  it('dates both sides of a pair by Stripe, so a cut-off between them splits nothing', async () => {
    const account = await seller(dataSource.manager);
    const late = line({ netMinor: -100n, createdAt: new Date('2026-11-20T12:00:00Z') });
    await mirror.upsert(dataSource.manager, account, [late], now);
    await post(
      dataSource.manager,
      account,
      'hold',
      next('authreq'),
      [
        [`issuing_held:${account}:usd`, 100n],
        [`issuing_available:${account}:usd`, -100n],
      ],
      [late.balanceTransactionId],
      new Date('2026-11-20T11:59:59Z'),
    );

    const before = await run(account, new Date('2026-11-20T12:00:00Z'));
    const after = await run(account, new Date('2026-11-20T12:00:01Z'));
    const again = await run(account, new Date('2026-11-20T12:00:01Z'));

    expect(before.counts.matched).toBe(0);
    expect(after.counts.matched).toBe(1);
    expect(before.part.report).not.toContain('issuing_available');
    expect(again.part.report_sha256).toBe(after.part.report_sha256);
  });

  it('sees one fact that moved twice, and a hold that never came to be', async () => {
    const account = await seller(dataSource.manager);
    const [one, two] = [line({ netMinor: -100n }), line({ netMinor: -100n })];
    await mirror.upsert(dataSource.manager, account, [one, two], now);
    await post(
      dataSource.manager,
      account,
      'funding_sent',
      next('fund'),
      [
        [`suspense:${account}:usd`, 100n],
        [`issuing_available:${account}:usd`, -100n],
      ],
      [one.balanceTransactionId, two.balanceTransactionId],
    );
    const request = next('authreq');
    await post(
      dataSource.manager,
      account,
      'hold',
      request,
      [
        [`issuing_held:${account}:usd`, 7n],
        [`issuing_available:${account}:usd`, -7n],
      ],
      [],
    );
    await post(
      dataSource.manager,
      account,
      'hold_withdrawn',
      request,
      [
        [`issuing_held:${account}:usd`, -7n],
        [`issuing_available:${account}:usd`, 7n],
      ],
      [],
    );

    const { opened } = await run(account);

    expect(opened.map((found) => found.type)).toEqual(['duplicate']);
  });

  it('names a line that was booked in another currency', async () => {
    const account = await seller(dataSource.manager);
    const euros = line({ netMinor: -100n, currency: 'eur' });
    await mirror.upsert(dataSource.manager, account, [euros], now);
    await post(
      dataSource.manager,
      account,
      'capture',
      euros.sourceId!,
      [
        [`suspense:${account}:usd`, 100n],
        [`issuing_available:${account}:usd`, -100n],
      ],
      [euros.balanceTransactionId],
    );

    const { opened } = await run(account);

    expect(opened.map((found) => [found.type, found.differenceMinor, found.currency]).sort()).toEqual([
      ['currency_differs', -100n, 'eur'],
      ['missing_at_stripe', 100n, 'usd'],
    ]);
  });

  it('compares only our transfers on the platform', async () => {
    const account = await seller(dataSource.manager);
    const ours = line({ type: 'transfer', balanceType: 'payments', netMinor: -251_00n, sourceId: next('tr') });
    const theirs = line({ type: 'transfer', balanceType: 'payments', netMinor: -10_00n, sourceId: next('tr') });
    await mirror.upsert(
      dataSource.manager,
      'platform',
      [ours, theirs, line({ type: 'charge', balanceType: 'payments', netMinor: 1000n })],
      now,
    );
    await post(
      dataSource.manager,
      account,
      'funding_transfer',
      ours.sourceId!,
      [
        [`suspense:${account}:usd`, 251_00n],
        ['platform_payments:usd', -251_00n],
      ],
      [ours.balanceTransactionId],
    );

    const { counts, opened } = await run('platform');

    expect(counts.matched).toBeGreaterThanOrEqual(1);
    expect(counts.setApart).toBeGreaterThanOrEqual(2);
    expect(opened).toEqual([]);
  });
});
