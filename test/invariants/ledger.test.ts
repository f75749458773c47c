import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { Client } from 'pg';
import { accounts } from '../../src/ledger/ledger-account.types';
import { canonicalEntry } from '../../src/ledger/ledger-chain.policy';
import { LedgerProblem } from '../../src/ledger/ledger-verification.types';
import { Database } from '../../src/platform/database/database';
import { dataSourceOptions } from '../../src/platform/database/data-source-options';
import { DataSource } from 'typeorm';
import { createTestDatabase, TestDatabase } from '../support/database';
import { ledgerTools } from '../support/ledger';

type Lines = Readonly<Record<string, bigint>>;

interface Entry {
  readonly kind: string;
  readonly lines: Lines;
  readonly sourceId?: string;
}

/** A payout as the money map moves it, told in the simplest way that could be right. */
interface Model {
  accepted: bigint;
  owed: bigint;
  held: bigint;
  reclaiming: bigint;
  paid: bigint;
  reclaimed: bigint;
  released: bigint;
  overspent: bigint;
  probe_buffer: bigint;
  aftercare: bigint;
  network_held: bigint;
  isFunded: boolean;
}

const bufferMinor = 100n;

describe('the ledger', () => {
  let database: TestDatabase;
  let client: Client;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    dataSource = await new DataSource(dataSourceOptions(database.url)).initialize();
  });

  afterAll(async () => {
    await dataSource?.destroy();
    await client?.end();
    await database?.drop();
  });

  const newId = (prefix: string) => `${prefix}_${randomBytes(8).toString('hex')}`;

  /** Posts as every module does; answers the entry's id, or null when it was posted before. */
  async function post(seller: string, payout: string | null, { kind, lines, sourceId = newId('src') }: Entry) {
    const { rows } = await client.query<{ id: string | null }>(
      `select post_journal_entry($1, $2, $3, $4, '2026-11-21T10:00:00.123456Z', $5::text[], $6::bigint[]) as id`,
      [kind, sourceId, seller, payout, Object.keys(lines), Object.values(lines).map(String)],
    );
    return rows[0]!.id;
  }

  async function acceptedPayout(amount = 100_00n): Promise<{ seller: string; payout: string }> {
    const [seller, payout] = [newId('seller'), newId('payout')];
    const lines = { [accounts.marketplaceFunds('usd')]: amount, [accounts.payoutOwed(payout, 'usd')]: -amount };
    await post(seller, payout, { kind: 'payout_accepted', lines });
    return { seller, payout };
  }

  async function problems(): Promise<LedgerProblem[]> {
    const found: LedgerProblem[] = [];
    await ledgerTools(new Database(dataSource)).verification.verify({ onProblem: (problem) => found.push(problem) });
    return found;
  }

  /** One legal move of `share` percent of what it may move, or none when nothing can be moved so. */
  function move(model: Model, seller: string, payout: string, kind: string, share: bigint): Entry | undefined {
    const part = (of: bigint) => (of * share) / 100n;
    const owed = accounts.payoutOwed(payout, 'usd');
    const held = accounts.payoutHeld(payout, 'usd');
    const reclaiming = accounts.payoutReclaiming(payout, 'usd');
    const available = accounts.issuingAvailable(seller, 'usd');
    const networkHeld = accounts.issuingHeld(seller, 'usd');
    const receivable = accounts.sellerReceivable(seller, 'usd');
    const aftercare = accounts.aftercare(payout, 'usd');
    const buffer = accounts.probeBuffer(payout, 'usd');
    const funds = accounts.marketplaceFunds('usd');
    const without0 = (lines: Lines) => Object.fromEntries(Object.entries(lines).filter(([, amount]) => amount !== 0n));
    switch (kind) {
      case 'funding_transfer': {
        if (model.isFunded) return undefined;
        const amount = model.owed + bufferMinor;
        model.isFunded = true;
        model.probe_buffer += bufferMinor;
        return {
          kind,
          lines: {
            [accounts.sellerPayments(seller, 'usd')]: amount,
            [accounts.platformPayments('usd')]: -amount,
            [funds]: bufferMinor,
            [buffer]: -bufferMinor,
          },
        };
      }
      case 'hold': {
        const amount = part(model.owed);
        if (!model.isFunded || amount === 0n) return undefined;
        model.owed -= amount;
        model.held += amount;
        model.network_held += amount;
        return { kind, lines: { [networkHeld]: amount, [owed]: amount, [available]: -amount, [held]: -amount } };
      }
      case 'hold_released': {
        const amount = part(model.held);
        if (amount === 0n) return undefined;
        model.held -= amount;
        model.owed += amount;
        model.network_held -= amount;
        return { kind, lines: { [available]: amount, [held]: amount, [networkHeld]: -amount, [owed]: -amount } };
      }
      case 'capture': {
        // Up to half as much again as is owed: the rest is the seller's to give back.
        const amount = part(model.owed + model.owed / 2n + 10n);
        if (!model.isFunded || amount === 0n) return undefined;
        const backed = amount < model.owed ? amount : model.owed;
        model.owed -= backed;
        model.paid += backed;
        model.overspent += amount - backed;
        return { kind, lines: without0({ [owed]: backed, [receivable]: amount - backed, [available]: -amount }) };
      }
      case 'refund': {
        const amount = part(model.overspent + model.paid + 20n);
        if (!model.isFunded || amount === 0n) return undefined;
        const toReceivable = amount < model.overspent ? amount : model.overspent;
        const left = amount - toReceivable;
        const toOwed = left < model.paid ? left : model.paid;
        model.overspent -= toReceivable;
        model.paid -= toOwed;
        model.owed += toOwed;
        model.aftercare += left - toOwed;
        return {
          kind,
          lines: without0({
            [available]: amount,
            [receivable]: -toReceivable,
            [owed]: -toOwed,
            [aftercare]: toOwed - left,
          }),
        };
      }
      case 'reclaim_intended': {
        const amount = part(model.owed);
        if (!model.isFunded || amount === 0n) return undefined;
        model.owed -= amount;
        model.reclaiming += amount;
        return { kind, lines: { [owed]: amount, [reclaiming]: -amount } };
      }
      case 'reclaim_refused': {
        const amount = part(model.reclaiming);
        if (amount === 0n) return undefined;
        model.reclaiming -= amount;
        model.owed += amount;
        return { kind, lines: { [reclaiming]: amount, [owed]: -amount } };
      }
      case 'reclaim_done': {
        const amount = part(model.reclaiming);
        if (amount === 0n) return undefined;
        const carried = model.probe_buffer;
        model.reclaiming -= amount;
        model.reclaimed += amount;
        model.probe_buffer = 0n;
        return { kind, lines: without0({ [reclaiming]: amount, [buffer]: carried, [funds]: -(amount + carried) }) };
      }
      case 'payout_released': {
        if (model.isFunded || model.owed === 0n) return undefined;
        const amount = model.owed;
        model.owed = 0n;
        model.released += amount;
        return { kind, lines: { [owed]: amount, [funds]: -amount } };
      }
      default:
        throw new Error(kind);
    }
  }

  const moves = [
    'funding_transfer',
    'hold',
    'hold_released',
    'capture',
    'refund',
    'reclaim_intended',
    'reclaim_refused',
    'reclaim_done',
    'payout_released',
  ];

  it('conserves what was accepted through any legal sequence of facts, each told twice', async () => {
    const step = fc.record({ kind: fc.constantFrom(...moves), share: fc.bigInt(1n, 100n) });
    const story = fc.record({
      amount: fc.bigInt(101n, 1_000_000n),
      steps: fc.array(step, { minLength: 5, maxLength: 25 }),
    });

    await fc.assert(
      fc.asyncProperty(story, async ({ amount, steps }) => {
        const { seller, payout } = await acceptedPayout(amount);
        const model: Model = {
          accepted: amount,
          owed: amount,
          held: 0n,
          reclaiming: 0n,
          paid: 0n,
          reclaimed: 0n,
          released: 0n,
          overspent: 0n,
          probe_buffer: 0n,
          aftercare: 0n,
          network_held: 0n,
          isFunded: false,
        };
        for (const { kind, share } of steps) {
          const entry = move(model, seller, payout, kind, share);
          if (!entry) continue;
          const sourceId = newId('src');
          expect(await post(seller, payout, { ...entry, sourceId })).not.toBeNull();
          expect(await post(seller, payout, { ...entry, sourceId })).toBeNull();
          const { rows } = await client.query<Record<string, string>>(
            'select * from payout_balances where payout_id = $1',
            [payout],
          );
          const { isFunded, ...terms } = model;
          const stored = Object.keys(terms).map((term) => [term, BigInt(rows[0]![`${term}_minor`]!)]);
          expect(Object.fromEntries(stored)).toEqual(terms);
          expect(rows[0]!['is_funded']).toBe(isFunded);
          const { owed, held, reclaiming, paid, reclaimed, released } = model;
          expect(owed + held + reclaiming + paid + reclaimed + released).toBe(amount);
        }
      }),
      { numRuns: 60 },
    );
    expect(await problems()).toEqual([]);
  });

  it('lets no move take more than there is', async () => {
    const { seller, payout } = await acceptedPayout(100_00n);
    const lines = {
      [accounts.payoutOwed(payout, 'usd')]: 100_01n,
      [accounts.payoutReclaiming(payout, 'usd')]: -100_01n,
    };

    await expect(post(seller, payout, { kind: 'reclaim_intended', lines })).rejects.toThrow(
      'payout_balances_owed_minor_check',
    );
  });

  it('takes only entries that sum to zero, whatever their lines', async () => {
    const amounts = fc.array(
      fc.bigInt(-1_000_000n, 1_000_000n).filter((amount) => amount !== 0n),
      { minLength: 1, maxLength: 5 },
    );

    await fc.assert(
      fc.asyncProperty(amounts, async (chosen) => {
        const seller = newId('seller');
        const names = [
          accounts.issuingAvailable,
          accounts.issuingHeld,
          accounts.suspense,
          accounts.fundsInTransit,
          accounts.sellerPayments,
        ];
        const lines = Object.fromEntries(chosen.map((amount, index) => [names[index]!(seller, 'usd'), amount]));
        const isWhole = chosen.length >= 2 && chosen.reduce((sum, amount) => sum + amount, 0n) === 0n;

        const outcome = await post(seller, null, { kind: 'correction', lines }).then(
          () => 'taken',
          () => 'refused',
        );

        expect(outcome).toBe(isWhole ? 'taken' : 'refused');
        if (isWhole) return;
        const { rows } = await client.query('select from journal_entries where connected_account_id = $1', [seller]);
        expect(rows).toEqual([]);
      }),
      // Random lines hardly ever sum to zero: these do.
      { numRuns: 60, examples: [[[5n, -5n]], [[10n, -7n, -3n]], [[1n, 2n, 3n, -6n]], [[5n]], [[5n, -4n]]] },
    );
  });

  it.each([
    [
      'dollars and euros in one sum',
      (s: string) => ({ [accounts.suspense(s, 'usd')]: 5n, [accounts.suspense(s, 'eur')]: -5n }),
      'does not balance',
    ],
    [
      'an account that is not in the chart',
      (s: string) => ({ [`piggy_bank:${s}:usd`]: 5n, [accounts.suspense(s, 'usd')]: -5n }),
      'postings_account_in_chart',
    ],
    [
      'a currency nobody knows',
      (s: string) => ({ [`suspense:${s}:xau`]: 5n, [`issuing_held:${s}:xau`]: -5n }),
      'postings_currency_check',
    ],
    [
      'a line of nothing',
      (s: string) => ({ [accounts.suspense(s, 'usd')]: 0n, [accounts.issuingHeld(s, 'usd')]: 0n }),
      'postings_amount_minor_check',
    ],
    ['one side alone', (s: string) => ({ [accounts.suspense(s, 'usd')]: 5n }), 'posting_count'],
  ])('refuses %s', async (_what, lines, why) => {
    const seller = newId('seller');

    await expect(post(seller, null, { kind: 'correction', lines: lines(seller) })).rejects.toThrow(why);
  });

  it('refuses entries written past its one function: without lines, or with one more later', async () => {
    const { seller, payout } = await acceptedPayout();
    const insertEntry = `insert into journal_entries (connected_account_id, kind, source_id, posting_count, occurred_at)
                         values ($1, 'correction', $2, 2, now())`;
    const { rows } = await client.query<{ id: string }>('select id from journal_entries where payout_id = $1', [
      payout,
    ]);
    const insertLine = `insert into postings (journal_entry_id, connected_account_id, payout_id, account, currency, amount_minor)
                        values ($1, $2, $3, $4, 'usd', 500)`;

    await expect(client.query(insertEntry, [seller, newId('src')])).rejects.toThrow('has 0 postings, not 2');
    await expect(
      client.query(insertLine, [rows[0]!.id, seller, payout, accounts.payoutHeld(payout, 'usd')]),
    ).rejects.toThrow('has 3 postings, not 2');
  });

  it('refuses a payout’s entry under another seller', async () => {
    const { payout } = await acceptedPayout();
    const lines = { [accounts.payoutOwed(payout, 'usd')]: 5n, [accounts.marketplaceFunds('usd')]: -5n };

    await expect(post(newId('seller'), payout, { kind: 'payout_released', lines })).rejects.toThrow('does not belong');
  });

  it.each(
    ['journal_entries', 'postings', 'ledger_matches'].flatMap((table) =>
      [`update ${table} set connected_account_id = 'x'`, `delete from ${table}`, `truncate ${table} cascade`].map(
        (sql) => [sql],
      ),
    ),
  )('refuses %s', async (sql) => {
    await acceptedPayout();

    await expect(client.query(sql)).rejects.toThrow('is append-only');
  });

  it('has one canonical text of an entry, the same in SQL and in TypeScript', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((each) => !each.includes('\0'));
    const line = fc.record({ account: text, amountMinor: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) });
    const entry = fc.record({
      sequence: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      kind: text,
      sourceId: text,
      at: fc.date({
        min: new Date('1970-01-01T00:00:00Z'),
        max: new Date('2199-12-31T23:59:59Z'),
        noInvalidDate: true,
      }),
      micros: fc.integer({ min: 0, max: 999 }),
      postings: fc.array(line, { minLength: 2, maxLength: 6 }),
      previousHash: fc.oneof(fc.constant(''), fc.constant(randomBytes(32).toString('hex'))),
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns'),
    });

    await fc.assert(
      fc.asyncProperty(entry, text, async ({ at, micros, zone, ...rest }, payoutId) => {
        const occurredAtText = at.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
        // The session's zone must not matter.
        await client.query(`select set_config('timezone', $1, false)`, [zone]);

        const { rows } = await client.query<{ text: string }>(
          `select canonical_entry(decode($1, 'hex'), $2, $3, $4, $5, $6, $7::text[], $8::bigint[]) as text`,
          [
            rest.previousHash,
            payoutId,
            rest.sequence,
            rest.kind,
            rest.sourceId,
            occurredAtText,
            rest.postings.map((posting) => posting.account),
            rest.postings.map((posting) => posting.amountMinor.toString()),
          ],
        );

        expect(rows[0]!.text).toBe(canonicalEntry(payoutId, { ...rest, occurredAtText }));
      }),
      { numRuns: 200 },
    );
    await client.query('reset timezone');
  });

  describe('proves what a superuser changed behind its back', () => {
    it.each([
      [
        'an amount on both sides',
        `update postings set amount_minor = amount_minor * 2 where payout_id = $1`,
        ['hash chain breaks at sequence 1', 'say owed'],
      ],
      [
        'an amount on one side',
        `update postings set amount_minor = amount_minor + 1 where payout_id = $1 and amount_minor > 0`,
        ['out of balance by 1 minor units of usd', 'hash chain breaks at sequence 1'],
      ],
      [
        'a source',
        `update journal_entries set source_id = source_id || 'x' where payout_id = $1 and sequence = 2`,
        ['hash chain breaks at sequence 2'],
      ],
      [
        'a time, by a microsecond',
        `update journal_entries set occurred_at = occurred_at + interval '1 microsecond' where payout_id = $1 and sequence = 2`,
        ['hash chain breaks at sequence 2'],
      ],
      [
        'a line taken out',
        `delete from postings where payout_id = $1 and account like 'payout_reclaiming%'`,
        ['has 1 postings, not 2', 'out of balance', 'hash chain breaks at sequence 2'],
      ],
      [
        'the newest entry taken out',
        `with gone as (delete from journal_entries where payout_id = $1 and sequence = 2 returning id) delete from postings using gone where journal_entry_id = gone.id`,
        ['end the chain at sequence 2, the entries at 1'],
      ],
      [
        'a balance',
        `update payout_balances set owed_minor = owed_minor + 1, accepted_minor = accepted_minor + 1 where payout_id = $1`,
        ['say owed 6001, the postings 6000', 'say accepted'],
      ],
      [
        'the owner of a line',
        `update postings set payout_id = 'payout_other' where payout_id = $1`,
        ['of another payout or seller'],
      ],
    ])('%s', async (_what, tamper, expected) => {
      const { seller, payout } = await acceptedPayout(100_00n);
      const lines = {
        [accounts.payoutOwed(payout, 'usd')]: 40_00n,
        [accounts.payoutReclaiming(payout, 'usd')]: -40_00n,
      };
      await post(seller, payout, { kind: 'reclaim_intended', lines });
      const before = await problems();
      expect(before).toEqual([]);

      // Rolled back at the end: the next case begins with a whole ledger.
      await dataSource
        .transaction(async (tx) => {
          await tx.query(`set local session_replication_role = 'replica'`);
          await tx.query(tamper, [payout]);
          await tx.query(`set local session_replication_role = 'origin'`);
          const found: LedgerProblem[] = [];
          const onTx = {
            query: (sql: string, parameters: unknown[]) => tx.query(sql, parameters),
          } as unknown as Database;
          await ledgerTools(onTx).verification.verify({
            onProblem: (problem) => found.push(problem),
          });
          for (const what of expected)
            expect(found.map((problem) => problem.what)).toContainEqual(expect.stringContaining(what));
          throw new RolledBack();
        })
        .catch((error: unknown) => {
          if (!(error instanceof RolledBack)) throw error;
        });
    });
  });
});

class RolledBack extends Error {}
