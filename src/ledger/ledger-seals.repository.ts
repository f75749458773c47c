import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database';
import { SealedFacts } from './ledger-seal.policy';

export interface StoredSeal extends SealedFacts {
  readonly signature: string;
}

interface SealRow {
  number: string;
  sealed_at: string;
  after_entry_id: string;
  to_entry_id: string;
  manifest: string;
  previous_hash: string;
  key_id: string;
  signature: string;
}

// Neither an id nor a seller's or payout's name has a space or a line break in it.
const manifest = `string_agg(entry.id || ' ' || coalesce(entry.payout_id, entry.connected_account_id) || ' '
  || ledger_entry_digest(entry.id, entry.connected_account_id, entry.kind, entry.source_id, entry.occurred_at, entry.hash),
  E'\\n' order by entry.id)`;

const sealColumns = `seal.number, to_char(seal.sealed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as sealed_at,
  seal.after_entry_id, seal.to_entry_id, seal.manifest, seal.previous_hash, seal.key_id, seal.signature`;

/** SQL of the seals. */
@Injectable()
export class LedgerSealsRepository {
  constructor(private readonly database: Database) {}

  async newest(): Promise<StoredSeal | null> {
    const [row] = await this.database.query<SealRow>(
      `select ${sealColumns} from ledger_seals seal order by number desc limit 1`,
    );
    return row ? toSeal(row) : null;
  }

  /** The next seals by number, each with the manifest that the rows would give now. */
  async withCurrentManifest(afterNumber: number, limit: number): Promise<{ seal: StoredSeal; manifestNow: string }[]> {
    const rows = await this.database.query<SealRow & { manifest_now: string | null }>(
      `select ${sealColumns}, (select ${manifest} from journal_entries entry
                               where entry.id > seal.after_entry_id and entry.id <= seal.to_entry_id) as manifest_now
       from ledger_seals seal where seal.number > $1 order by seal.number limit $2`,
      [afterNumber, limit],
    );
    return rows.map((row) => ({ seal: toSeal(row), manifestNow: row.manifest_now ?? '' }));
  }

  /** The manifest of the next entries above `afterEntryId` and up to `upToEntryId`; null when there are none. */
  async nextManifest(
    afterEntryId: string,
    upToEntryId: string,
    limit: number,
  ): Promise<{ manifest: string; toEntryId: string; entryCount: number } | null> {
    const [row] = await this.database.query<{ manifest: string | null; to_entry_id: string; entry_count: number }>(
      `select max(entry.id) as to_entry_id, count(*)::int as entry_count, ${manifest} as manifest
       from journal_entries entry
       where entry.id > $1 and entry.id <= (
         select max(id) from (select id from journal_entries where id > $1 and id <= $2 order by id limit $3) as page)`,
      [afterEntryId, upToEntryId, limit],
    );
    return !row || row.manifest === null
      ? null
      : { manifest: row.manifest, toEntryId: row.to_entry_id, entryCount: row.entry_count };
  }

  /** False when another process has written the seal of this number. */
  async insert(seal: StoredSeal, entryCount: number): Promise<boolean> {
    const rows = await this.database.query(
      `insert into ledger_seals (number, sealed_at, after_entry_id, to_entry_id, entry_count, manifest, previous_hash, key_id, signature)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (number) do nothing returning number`,
      [
        seal.number,
        seal.sealedAtText,
        seal.afterEntryId,
        seal.toEntryId,
        entryCount,
        seal.manifest,
        seal.previousHash,
        seal.keyId,
        seal.signature,
      ],
    );
    return rows.length === 1;
  }

  async newestEntryId(): Promise<string> {
    const [row] = await this.database.query<{ id: string | null }>(`select max(id) as id from journal_entries`);
    return row!.id ?? '0';
  }

  /** Transactions that are writing to the journal at this moment, by PostgreSQL's name for them. */
  async writers(): Promise<string[]> {
    const rows = await this.database.query<{ name: string }>(
      `select distinct virtualtransaction as name from pg_locks
       where locktype = 'relation' and relation = 'journal_entries'::regclass and mode = 'RowExclusiveLock' and granted
         and database = (select oid from pg_database where datname = current_database())`,
    );
    return rows.map((row) => row.name);
  }

  /** Entries above this one, sealed by nobody yet. */
  async countAfter(entryId: string): Promise<number> {
    const [row] = await this.database.query<{ entries: number }>(
      `select count(*)::int as entries from journal_entries where id > $1`,
      [entryId],
    );
    return row!.entries;
  }
}

function toSeal(row: SealRow): StoredSeal {
  return {
    number: Number(row.number),
    sealedAtText: row.sealed_at,
    afterEntryId: row.after_entry_id,
    toEntryId: row.to_entry_id,
    manifest: row.manifest,
    previousHash: row.previous_hash,
    keyId: row.key_id,
    signature: row.signature,
  };
}
