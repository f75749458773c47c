import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database';
import { ChainedEntry } from './ledger-chain.policy';
import { Terms } from './ledger.types';
import { LedgerProblem } from './ledger-verification.types';

export interface StoredChain {
  readonly payoutId: string;
  readonly entries: readonly ChainedEntry[];
  /** Null: the payout has entries but no row of balances. */
  readonly balances: StoredBalances | null;
  /** Postings to `issuing_held`: what the network holds for the payout. */
  readonly networkHeldMinor: bigint;
}

export interface StoredBalances {
  readonly terms: Terms;
  readonly networkHeldMinor: bigint;
  readonly lastSequence: number;
  /** Hex. */
  readonly lastHash: string;
}

interface ChainRow {
  payout_id: string;
  has_balances: boolean;
  accepted_minor: string;
  owed_minor: string;
  held_minor: string;
  reclaiming_minor: string;
  paid_minor: string;
  reclaimed_minor: string;
  released_minor: string;
  overspent_minor: string;
  probe_buffer_minor: string;
  aftercare_minor: string;
  network_held_minor: string;
  last_sequence: number;
  last_hash: string;
  sequence: number | null;
  kind: string;
  source_id: string;
  occurred_at_text: string;
  previous_hash: string;
  hash: string;
  accounts: string[] | null;
  amounts: string[] | null;
}

/** Reads the whole ledger in pages of a key, so that memory stays flat however long it is. */
@Injectable()
export class LedgerVerificationRepository {
  constructor(private readonly database: Database) {}

  /** How many rows a verification will read: entries, payouts and seals. */
  async size(): Promise<number> {
    const [row] = await this.database.query<{ rows: string }>(
      `select (select count(*) from journal_entries) + (select count(*) from payout_balances)
            + (select count(*) from ledger_seals) as rows`,
    );
    return Number(row!.rows);
  }

  /** Checks the next entries by id, each for itself. `lastId` is null when there were none. */
  async checkEntries(
    afterId: string,
    limit: number,
  ): Promise<{ lastId: string | null; checked: number; problems: LedgerProblem[] }> {
    const [page] = await this.database.query<{ last_id: string | null; checked: number }>(
      `select max(id) as last_id, count(*)::int as checked
       from (select id from journal_entries where id > $1 order by id limit $2) as page`,
      [afterId, limit],
    );
    if (page!.last_id === null) return { lastId: null, checked: 0, problems: [] };
    const problems = await this.database.query<LedgerProblem>(
      `with lines as (
         select entry.id, entry.kind, entry.source_id, entry.posting_count, entry.payout_id, entry.connected_account_id,
                posting.id as posting_id, posting.currency, posting.amount_minor,
                posting.payout_id as posting_payout_id, posting.connected_account_id as posting_connected_account_id
         from journal_entries entry left join postings posting on posting.journal_entry_id = entry.id
         where entry.id > $1 and entry.id <= $2),
       found as (
         select id, 'has ' || count(posting_id) || ' postings, not ' || posting_count as what
         from lines group by id, posting_count having count(posting_id) <> posting_count
         union all
         select id, 'is out of balance by ' || sum(amount_minor) || ' minor units of ' || currency
         from lines where posting_id is not null group by id, currency having sum(amount_minor) <> 0
         union all
         select distinct id, 'has postings of another payout or seller' from lines
         where posting_id is not null and (posting_payout_id is distinct from payout_id
                                           or posting_connected_account_id <> connected_account_id))
       select 'entry ' || id || ' (' || entry.kind || ' ' || entry.source_id || ')' as where, found.what
       from found join journal_entries entry using (id) order by id, what`,
      [afterId, page!.last_id],
    );
    return { lastId: page!.last_id, checked: page!.checked, problems };
  }

  /** The next payouts by id with all their entries and stored balances, as of one moment. */
  async chains(afterPayoutId: string, limit: number): Promise<StoredChain[]> {
    const rows = await this.database.query<ChainRow>(
      `with page as (
         -- Each side by itself first: only so does a page read no more than a page.
         (select payout_id from payout_balances where payout_id > $1 order by payout_id limit $2)
         union (select distinct payout_id from journal_entries where payout_id > $1 order by payout_id limit $2)
         order by payout_id limit $2)
       select page.payout_id, balances.payout_id is not null as has_balances, balances.accepted_minor, balances.owed_minor,
              balances.held_minor, balances.reclaiming_minor, balances.paid_minor, balances.reclaimed_minor,
              balances.released_minor, balances.overspent_minor, balances.probe_buffer_minor, balances.aftercare_minor,
              balances.network_held_minor, balances.last_sequence, encode(balances.last_hash, 'hex') as last_hash,
              entry.sequence, entry.kind, entry.source_id,
              to_char(entry.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at_text,
              encode(entry.previous_hash, 'hex') as previous_hash, encode(entry.hash, 'hex') as hash, line.accounts, line.amounts
       from page
       left join payout_balances balances using (payout_id)
       left join journal_entries entry on entry.payout_id = page.payout_id
       left join lateral (
         select array_agg(account order by id) as accounts, array_agg(amount_minor::text order by id) as amounts
         from postings where journal_entry_id = entry.id) as line on true
       order by page.payout_id, entry.sequence`,
      [afterPayoutId, limit],
    );
    return [...Map.groupBy(rows, (row) => row.payout_id).values()].map(toChain);
  }
}

function toChain(rows: readonly ChainRow[]): StoredChain {
  const first = rows[0]!;
  const entries = rows.flatMap((row) => (row.sequence === null ? [] : [toEntry(row, row.sequence)]));
  const held = entries
    .flatMap((entry) => entry.postings)
    .filter((posting) => posting.account.startsWith('issuing_held:'));
  return {
    payoutId: first.payout_id,
    entries,
    balances: first.has_balances ? toBalances(first) : null,
    networkHeldMinor: held.reduce((sum, posting) => sum + posting.amountMinor, 0n),
  };
}

function toEntry(row: ChainRow, sequence: number): ChainedEntry {
  return {
    sequence,
    kind: row.kind,
    sourceId: row.source_id,
    occurredAtText: row.occurred_at_text,
    postings: (row.accounts ?? []).map((account, index) => ({ account, amountMinor: BigInt(row.amounts![index]!) })),
    previousHash: row.previous_hash,
    hash: row.hash,
  };
}

function toBalances(row: ChainRow): StoredBalances {
  return {
    terms: {
      accepted: BigInt(row.accepted_minor),
      owed: BigInt(row.owed_minor),
      held: BigInt(row.held_minor),
      reclaiming: BigInt(row.reclaiming_minor),
      paid: BigInt(row.paid_minor),
      reclaimed: BigInt(row.reclaimed_minor),
      released: BigInt(row.released_minor),
      overspent: BigInt(row.overspent_minor),
      probeBuffer: BigInt(row.probe_buffer_minor),
      aftercare: BigInt(row.aftercare_minor),
    },
    networkHeldMinor: BigInt(row.network_held_minor),
    lastSequence: row.last_sequence,
    lastHash: row.last_hash,
  };
}
