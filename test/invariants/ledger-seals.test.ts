import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { accounts } from '../../src/ledger/ledger-account.types';
import { LedgerProblem } from '../../src/ledger/ledger-verification.types';
import { dataSourceOptions } from '../../src/platform/database/data-source-options';
import { Database } from '../../src/platform/database/database';
import { createTestDatabase, TestDatabase } from '../support/database';
import { ledgerTools } from '../support/ledger';
import { waitFor } from '../support/wait-for';

/** A seal says what was in the ledger, with a key that is not in the database. */
describe('the seals of the ledger', () => {
  let database: TestDatabase;
  let client: Client;
  let dataSource: DataSource;
  let db: Database;
  const [oldKey, newKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

  beforeEach(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    dataSource = await new DataSource(dataSourceOptions(database.url)).initialize();
    db = new Database(dataSource);
  });
  afterEach(async () => {
    await dataSource.destroy();
    await client.end();
    await database.drop();
  });

  const newId = (prefix: string) => `${prefix}_${randomBytes(8).toString('hex')}`;

  async function post(on: Client, seller: string, payout: string | null, kind: string, lines: Record<string, bigint>) {
    const { rows } = await on.query<{ id: string }>(
      `select post_journal_entry($1, $2, $3, $4, '2026-11-21T10:00:00Z', $5::text[], $6::bigint[]) as id`,
      [kind, newId('src'), seller, payout, Object.keys(lines), Object.values(lines).map(String)],
    );
    return rows[0]!.id;
  }

  /** A payout with a chain of two entries; answers their ids. */
  async function chain(on: Client = client) {
    const [seller, payout] = [newId('seller'), newId('payout')];
    const owed = accounts.payoutOwed(payout, 'usd');
    const first = await post(on, seller, payout, 'payout_accepted', {
      [accounts.marketplaceFunds('usd')]: 100n,
      [owed]: -100n,
    });
    const second = await post(on, seller, payout, 'reclaim_intended', {
      [owed]: 40n,
      [accounts.payoutReclaiming(payout, 'usd')]: -40n,
    });
    return { seller, payout, first, second };
  }

  async function outsider() {
    const seller = newId('seller');
    const lines = { [accounts.issuingAvailable(seller, 'usd')]: 500n, [accounts.sellerFloat(seller, 'usd')]: -500n };
    return { seller, id: await post(client, seller, null, 'float_observed', lines) };
  }

  async function problems(keys: readonly Buffer[] = [oldKey], expected?: { number: number; hash: string }) {
    const found: LedgerProblem[] = [];
    const outcome = await ledgerTools(db, keys).verification.verify(
      { onProblem: (problem) => found.push(problem) },
      expected,
    );
    return { told: found.map(({ where, what }) => `${where}: ${what}`), ...outcome };
  }

  const sealWith = (...keys: Buffer[]) => ledgerTools(db, keys).seals.sealNew();

  /** As somebody who may do anything in the database. */
  async function tamper(...statements: string[]) {
    await client.query('begin');
    await client.query(`set local session_replication_role = 'replica'`);
    for (const sql of statements) await client.query(sql);
    await client.query('commit');
  }

  it('cover everything once, in ranges without gaps, and have nothing against a ledger nobody touched', async () => {
    for (let made = 0; made < 5; made += 1) {
      await chain();
      await outsider();
    }
    const first = await sealWith(oldKey);
    await chain();
    const before = await problems();
    const second = await sealWith(oldKey);
    const nothingNew = await sealWith(oldKey);

    expect(first).toMatchObject({ entries: 15, newest: { number: 1 } });
    expect(before).toMatchObject({ told: [], sealsChecked: 1, unsealedEntries: 2 });
    expect(second).toMatchObject({ entries: 2, newest: { number: 2 } });
    expect(nothingNew).toEqual({ entries: 0, newest: second.newest });
    expect(await problems()).toMatchObject({
      told: [],
      sealsChecked: 2,
      unsealedEntries: 0,
      newestSeal: second.newest,
    });
  });

  it('name an edited posting, though its chain and balances were made to fit again', async () => {
    const { payout, first, second } = await chain();
    await sealWith(oldKey);
    // Everything a forger of the chain would think of: amounts, hashes, balances.
    await tamper(
      `update postings set amount_minor = amount_minor * 2 where payout_id = '${payout}'`,
      `update payout_balances set accepted_minor = 200, owed_minor = 120, reclaiming_minor = 80 where payout_id = '${payout}'`,
      ...['1', '2'].map(
        (sequence) => `update journal_entries e set
           previous_hash = coalesce((select hash from journal_entries where payout_id = e.payout_id and sequence = e.sequence - 1), ''::bytea),
           hash = sha256(convert_to(canonical_entry(
             coalesce((select hash from journal_entries where payout_id = e.payout_id and sequence = e.sequence - 1), ''::bytea),
             e.payout_id, e.sequence, e.kind, e.source_id, e.occurred_at,
             (select array_agg(account order by id) from postings where journal_entry_id = e.id),
             (select array_agg(amount_minor order by id) from postings where journal_entry_id = e.id)), 'UTF8'))
         where payout_id = '${payout}' and sequence = ${sequence}`,
      ),
      `update payout_balances set last_hash = (select hash from journal_entries where id = ${second}) where payout_id = '${payout}'`,
    );

    expect((await problems()).told).toEqual([
      expect.stringContaining(`entry ${first} (${payout}): is not what was sealed by seal 1`),
      expect.stringContaining(`entry ${second} (${payout}): is not what was sealed by seal 1`),
    ]);
  });

  it('name a cut tail, though the balances were made to fit again', async () => {
    const { payout, first, second } = await chain();
    await sealWith(oldKey);
    await tamper(
      `delete from postings where journal_entry_id = ${second}`,
      `delete from journal_entries where id = ${second}`,
      `update payout_balances set owed_minor = 100, reclaiming_minor = 0, last_sequence = 1,
         last_hash = (select hash from journal_entries where id = ${first}) where payout_id = '${payout}'`,
    );

    expect((await problems()).told).toEqual([
      expect.stringContaining(`entry ${second} (${payout}): is gone; it was sealed by seal 1`),
    ]);
  });

  it('name a whole chain that was taken out', async () => {
    await chain();
    const { payout, first, second } = await chain();
    await sealWith(oldKey);
    await tamper(
      `delete from postings where payout_id = '${payout}'`,
      `delete from journal_entries where payout_id = '${payout}'`,
      `delete from payout_balances where payout_id = '${payout}'`,
    );

    expect((await problems()).told).toEqual([
      expect.stringContaining(`entry ${first} (${payout}): is gone`),
      expect.stringContaining(`entry ${second} (${payout}): is gone`),
    ]);
  });

  it('name an entry outside the chains that was taken out, and one that was changed', async () => {
    const [gone, changed] = [await outsider(), await outsider()];
    await sealWith(oldKey);
    await tamper(
      `delete from postings where journal_entry_id = ${gone.id}`,
      `delete from journal_entries where id = ${gone.id}`,
      `update postings set amount_minor = amount_minor * 3 where journal_entry_id = ${changed.id}`,
    );

    expect((await problems()).told).toEqual([
      expect.stringContaining(`entry ${gone.id} (${gone.seller}): is gone`),
      expect.stringContaining(`entry ${changed.id} (${changed.seller}): is not what was sealed`),
    ]);
  });

  it('name an entry that was put in among sealed ones', async () => {
    await outsider();
    await client.query(`select nextval('journal_entries_id_seq')`);
    const last = await outsider();
    await sealWith(oldKey);
    await tamper(
      `insert into journal_entries (id, connected_account_id, kind, source_id, posting_count, occurred_at) overriding system value
         values (${Number(last.id) - 1}, '${last.seller}', 'correction', 'x', 2, now())`,
      `insert into postings (journal_entry_id, connected_account_id, account, currency, amount_minor)
         values (${Number(last.id) - 1}, '${last.seller}', 'suspense:${last.seller}:usd', 'usd', 1),
                (${Number(last.id) - 1}, '${last.seller}', 'losses:usd', 'usd', -1)`,
    );

    expect((await problems()).told).toEqual([
      expect.stringContaining(`entry ${Number(last.id) - 1} (${last.seller}): was added among the entries of seal 1`),
    ]);
  });

  it('are themselves not to be changed, taken out or cut off', async () => {
    const entry = await outsider();
    await sealWith(oldKey);
    await outsider();
    const noted = (await sealWith(oldKey)).newest!;
    await outsider();
    await sealWith(oldKey);
    for (const sql of [
      'update ledger_seals set key_id = key_id',
      'delete from ledger_seals',
      'truncate ledger_seals',
    ]) {
      await expect(client.query(sql)).rejects.toThrow('is append-only');
    }
    expect((await problems([oldKey], noted)).told).toEqual([]);

    // A forger who has the database and not the key: the entry, its seal, and the next seal's memory of it.
    const saved = await client.query<{ manifest: string }>('select manifest from ledger_seals where number = 1');
    await tamper(
      `update postings set amount_minor = amount_minor * 3 where journal_entry_id = ${entry.id}`,
      `update ledger_seals set manifest = (select e.id || ' ' || e.connected_account_id || ' ' || ledger_entry_digest(e.id, e.connected_account_id, e.kind, e.source_id, e.occurred_at, e.hash)
         from journal_entries e where id = ${entry.id}) where number = 1`,
    );
    expect((await problems()).told).toEqual([
      expect.stringMatching(/^seal 1 of .*: is not what was signed$/),
      expect.stringMatching(/^seal 2 of .*: does not follow from the seal before it$/),
    ]);
    await tamper(
      `update postings set amount_minor = amount_minor / 3 where journal_entry_id = ${entry.id}`,
      `update ledger_seals set manifest = '${saved.rows[0]!.manifest}' where number = 1`,
    );
    expect((await problems()).told).toEqual([]);

    await tamper('delete from ledger_seals where number = 3');
    expect((await problems([oldKey], noted)).told).toEqual([]);
    await tamper('delete from ledger_seals where number = 2');
    expect((await problems([oldKey], noted)).told).toEqual([
      'seal 2: is gone, or is another than the one that was noted',
    ]);
  });

  it('know each other: one taken out of the middle is missed', async () => {
    for (let made = 0; made < 3; made += 1) {
      await outsider();
      await sealWith(oldKey);
    }
    await tamper('delete from ledger_seals where number = 2');

    expect((await problems()).told).toEqual(
      ['follows seal 1', 'does not follow from', 'does not begin where'].map((what): unknown =>
        expect.stringMatching(new RegExp(`^seal 3 of .*: ${what}`)),
      ),
    );
  });

  it('outlive the key they were made with, once a seal with the new key vouches for them', async () => {
    const entry = await outsider();
    await sealWith(oldKey);
    expect((await problems([newKey])).told).toEqual([
      expect.stringMatching(/is signed with key [0-9a-f]{8}, which DATA_ENCRYPTION_KEYS does not hold/),
    ]);
    await outsider();
    await sealWith(newKey, oldKey);

    expect((await problems([newKey, oldKey])).told).toEqual([]);
    expect((await problems([newKey])).told).toEqual([]);
    await tamper(`update ledger_seals set manifest = replace(manifest, ' ', ' x') where number = 1`);
    expect((await problems([newKey])).told).toEqual([
      expect.stringMatching(/^entry 1 .*: is not what was sealed by seal 1/),
      expect.stringMatching(/^seal 2 of .*: does not follow from the seal before it$/),
    ]);
    expect(entry.id).toBe('1');
  });

  it('wait for a transaction that holds a lower id than one already committed', async () => {
    const slow = new Client({ connectionString: database.url });
    await slow.connect();
    await slow.query('begin');
    const late = await chain(slow);
    const early = await chain();
    expect(Number(late.second)).toBeLessThan(Number(early.first));

    let sealed: { entries: number } | undefined;
    const sealing = sealWith(oldKey).then((outcome) => (sealed = outcome));
    await waitFor('the sealing to look at who writes', async () => {
      const { rowCount } = await client.query(
        `select from pg_stat_activity where query like '%virtualtransaction%' and pid <> pg_backend_pid()`,
      );
      return rowCount! > 0;
    });
    expect(sealed).toBeUndefined();
    await slow.query('commit');
    await sealing;
    await slow.end();

    expect(sealed).toMatchObject({ entries: 4 });
    expect((await problems()).told).toEqual([]);
  });

  it('are made once when two make them at the same time', async () => {
    for (let made = 0; made < 10; made += 1) await chain();

    const [one, two] = await Promise.all([sealWith(oldKey), sealWith(oldKey)]);

    expect(one.entries + two.entries).toBe(20);
    expect(one.newest).toEqual(two.newest);
    expect((await problems()).told).toEqual([]);
  });
});
