import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

const schema = `
  create table if not exists platforms (
    id text primary key, secret_key text not null unique, created integer not null,
    clock_offset_ms integer not null default 0, settings text not null default '{}'
  ) strict;
  create table if not exists accounts (id text primary key, platform text not null, nonce integer) strict;
  create index if not exists accounts_platform on accounts (platform);

  -- Everything with an id. "hidden" is what Stripe knows and does not say in the object.
  create table if not exists objects (
    seq integer primary key autoincrement, account text not null, kind text not null, id text not null,
    created integer not null, body text not null, hidden text not null
  ) strict;
  create unique index if not exists objects_id on objects (account, kind, id);
  create index if not exists objects_list on objects (account, kind, created, seq);
  -- A delivery knows its event, not whose account that is.
  create index if not exists objects_event on objects (id) where kind = 'event';
  -- What lists filter on, so that a filtered page costs the same among a hundred objects and a hundred thousand.
  create table if not exists object_fields (
    account text not null, kind text not null, field text not null, value text not null,
    created integer not null, seq integer not null,
    primary key (account, kind, field, value, created, seq)
  ) strict, without rowid;

  -- Running sums, written with each balance transaction; the books' check adds everything up again.
  create table if not exists balances (
    account text not null, currency text not null, balance_type text not null,
    available integer not null default 0, pending integer not null default 0,
    primary key (account, currency, balance_type)
  ) strict, without rowid;
  create table if not exists counterparts (
    account text not null, currency text not null, place text not null, amount integer not null default 0,
    primary key (account, currency, place)
  ) strict, without rowid;

  -- What approved authorizations count against spending limits.
  create table if not exists spending (
    authorization text not null, account text not null, card_chain text not null, cardholder text not null,
    at_ms integer not null, amount integer not null, category text not null,
    primary key (account, card_chain, at_ms, authorization)
  ) strict, without rowid;
  create index if not exists spending_cardholder on spending (account, cardholder, at_ms);
  create table if not exists card_numbers (number text primary key) strict, without rowid;

  -- What happens by itself when simulated time passes.
  create table if not exists due (
    id integer primary key, platform text not null, account text not null, at_ms integer not null,
    job text not null, payload text not null
  ) strict;
  create index if not exists due_at on due (platform, at_ms, id);

  create table if not exists deliveries (
    id integer primary key, platform text not null, account text not null, event text not null, endpoint text not null,
    url text not null, status text not null, attempts integer not null default 0, next_attempt_ms integer not null,
    last_error text
  ) strict;
  create index if not exists deliveries_due on deliveries (status, endpoint, next_attempt_ms, id);
  create index if not exists deliveries_event on deliveries (event);
  create index if not exists deliveries_platform on deliveries (platform, status);

  create table if not exists idempotency (
    account text not null, key text not null, request text not null, params_hash text not null,
    status integer not null, body text not null, request_id text not null, created integer not null,
    primary key (account, key)
  ) strict, without rowid;
  create index if not exists idempotency_age on idempotency (created);

  create table if not exists faults (
    id text primary key, platform text not null, created integer not null, rule text not null, state text not null
  ) strict;
`;

// Raised when a file of before can no longer be read as it is.
const schemaVersion = 1;

// SQLite's own codes: another process holds the database; it is damaged; it is none.
const busy = 5;
const corrupt = 11;
const notADatabase = 26;

const wayOut = 'move it away, or choose another folder';

function fileIn(dataDir: string): string {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'it is a file, or lies below one' : message;
    throw new Error(`The folder ${dataDir} cannot hold data: ${why}`, { cause: error });
  }
  return join(dataDir, 'simulator.sqlite');
}

function openFile(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file, { timeout: 1000 });
  } catch (error) {
    throw new Error(`${file} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
}

/** One SQLite file. Every answer is committed before it is sent, so a killed process loses nothing it said. */
export class Database {
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();
  private depth = 0;
  private afterCommit: (() => void)[] = [];

  constructor(dataDir?: string) {
    const file = dataDir === undefined ? ':memory:' : fileIn(dataDir);
    this.db = openFile(file);
    try {
      this.db.exec(`
        pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal;
        pragma cache_size = -32000; pragma temp_store = memory; pragma wal_autocheckpoint = 8000;
      `);
      this.refuseStrangers(file);
      this.db.exec(schema);
      this.db.exec(`pragma user_version = ${schemaVersion}`);
    } catch (error) {
      this.db.close();
      const { errcode, message } = error as Error & { errcode?: number };
      // The operating system drops the lock with the process that held it, however that one died.
      if (errcode === busy) throw new Error(`${file} is locked by another simulator`, { cause: error });
      if (errcode === notADatabase || errcode === corrupt) {
        throw new Error(`${file} is damaged, or no data of a simulator (${message}): ${wayOut}`, { cause: error });
      }
      throw error;
    }
  }

  private refuseStrangers(file: string): void {
    const version = this.find<{ user_version: number }>('pragma user_version')?.user_version ?? 0;
    if (version > schemaVersion) {
      throw new Error(`${file} was written by a newer simulator (version ${version}): ${wayOut}`);
    }
    const tables = this.all<{ name: string }>("select name from sqlite_master where type = 'table'");
    if (tables.length > 0 && !tables.some(({ name }) => name === 'platforms')) {
      throw new Error(`${file} belongs to another program: ${wayOut}`);
    }
  }

  find<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.prepare(sql).get(...values) as T | undefined;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.prepare(sql).all(...values) as T[];
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastId: number } {
    const { changes, lastInsertRowid } = this.prepare(sql).run(...values);
    return { changes: Number(changes), lastId: Number(lastInsertRowid) };
  }

  /** Runs the work whole or not at all. Inside another transaction it joins that one. */
  transaction<T>(work: () => T): T {
    if (this.depth > 0) return work();
    this.db.exec('begin immediate');
    this.depth += 1;
    let result: T;
    try {
      result = work();
      this.db.exec('commit');
    } catch (error) {
      this.afterCommit = [];
      // A full disk may have ended it already.
      if (this.db.isTransaction) this.db.exec('rollback');
      throw error;
    } finally {
      this.depth -= 1;
    }
    for (const next of this.afterCommit.splice(0)) next();
    return result;
  }

  onCommit(next: () => void): void {
    if (this.depth > 0) this.afterCommit.push(next);
    else next();
  }

  close(): void {
    this.statements.clear();
    this.db.close();
  }

  private prepare(sql: string): StatementSync {
    const known = this.statements.get(sql);
    if (known) return known;
    const statement = this.db.prepare(sql);
    this.statements.set(sql, statement);
    return statement;
  }
}
