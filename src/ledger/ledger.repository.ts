import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { toCurrency } from '../shared/money';
import { AccountBalance, EntryKind, JournalEntry, PayoutTerms, StatementEntry } from './ledger.types';

interface TermsRow {
  payout_id: string;
  connected_account_id: string;
  currency: string;
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
  is_funded: boolean;
}

interface EntryRow {
  id: string;
  sequence: number;
  kind: EntryKind;
  source_id: string;
  occurred_at: Date;
  occurred_at_text: string;
  accounts: string[];
  amounts: string[];
  balance_transaction_ids: string[];
  previous_hash: string;
  hash: string;
}

/** All SQL of the ledger. */
@Injectable()
export class LedgerRepository {
  /** The entry's id, or null when this fact was posted before. */
  async post(tx: Tx, entry: JournalEntry): Promise<string | null> {
    const [row] = await queryRows<{ id: string | null }>(
      tx,
      `select post_journal_entry($1, $2, $3, $4, $5, $6::text[], $7::bigint[], $8::text[]) as id`,
      [
        entry.kind,
        entry.sourceId,
        entry.connectedAccountId,
        entry.payoutId ?? null,
        entry.occurredAt,
        entry.postings.map((posting) => posting.account),
        entry.postings.map((posting) => posting.amountMinor.toString()),
        entry.balanceTransactionIds ?? [],
      ],
    );
    return row?.id ?? null;
  }

  async postAll(tx: Tx, entries: readonly JournalEntry[]): Promise<void> {
    const rows = entries.map((entry) => ({
      kind: entry.kind,
      source: entry.sourceId,
      seller: entry.connectedAccountId,
      payout: entry.payoutId ?? null,
      at: entry.occurredAt,
      accounts: entry.postings.map((posting) => posting.account),
      amounts: entry.postings.map((posting) => posting.amountMinor.toString()),
      lines: entry.balanceTransactionIds ?? [],
    }));
    await tx.query(
      `select post_journal_entry(kind, source, seller, payout, at, accounts, amounts, lines)
       from jsonb_to_recordset($1::jsonb) as entry (kind text, source text, seller text, payout text, at timestamptz,
              accounts text[], amounts bigint[], lines text[])`,
      [JSON.stringify(rows)],
    );
  }

  /** False when that line of Stripe's ledger was explained before. */
  async link(tx: Tx, connectedAccountId: string, balanceTransactionId: string, entryId: string): Promise<boolean> {
    const rows = await queryRows(
      tx,
      `insert into ledger_matches (connected_account_id, balance_transaction_id, journal_entry_id)
       values ($1, $2, $3) on conflict do nothing returning journal_entry_id`,
      [connectedAccountId, balanceTransactionId, entryId],
    );
    return rows.length === 1;
  }

  async findEntryId(tx: Tx, connectedAccountId: string, kind: EntryKind, sourceId: string): Promise<string | null> {
    const [row] = await queryRows<{ id: string }>(
      tx,
      `select id from journal_entries where connected_account_id = $1 and kind = $2 and source_id = $3`,
      [connectedAccountId, kind, sourceId],
    );
    return row?.id ?? null;
  }

  async findMatched(tx: Tx, connectedAccountId: string, balanceTransactionIds: readonly string[]): Promise<string[]> {
    const rows = await queryRows<{ balance_transaction_id: string }>(
      tx,
      `select balance_transaction_id from ledger_matches
       where connected_account_id = $1 and balance_transaction_id = any($2::text[])`,
      [connectedAccountId, balanceTransactionIds],
    );
    return rows.map((row) => row.balance_transaction_id);
  }

  async findTerms(tx: Tx, payoutId: string, lock: boolean): Promise<PayoutTerms | null> {
    const [row] = await queryRows<TermsRow>(
      tx,
      `select payout_id, connected_account_id, currency, accepted_minor, owed_minor, held_minor, reclaiming_minor, paid_minor,
              reclaimed_minor, released_minor, overspent_minor, probe_buffer_minor, aftercare_minor, network_held_minor, is_funded
       from payout_balances where payout_id = $1 ${lock ? 'for update' : ''}`,
      [payoutId],
    );
    return row ? toTerms(row) : null;
  }

  /** Terms of many payouts at once, for lists. */
  async findTermsOf(tx: Tx, payoutIds: readonly string[]): Promise<PayoutTerms[]> {
    const rows = await queryRows<TermsRow>(tx, `select * from payout_balances where payout_id = any($1::text[])`, [
      payoutIds,
    ]);
    return rows.map(toTerms);
  }

  async accountBalances(tx: Tx, connectedAccountId: string): Promise<AccountBalance[]> {
    const rows = await queryRows<{ account: string; currency: string; amount_minor: string }>(
      tx,
      `select split_part(account, ':', 1) as account, currency, sum(amount_minor) as amount_minor
       from postings where connected_account_id = $1 group by 1, 2 order by 1, 2`,
      [connectedAccountId],
    );
    return rows.map((row) => ({
      account: row.account,
      currency: toCurrency(row.currency),
      amountMinor: BigInt(row.amount_minor),
    }));
  }

  /** What one account of a seller holds; a debit balance is above zero. */
  async accountBalance(tx: Tx, connectedAccountId: string, account: string): Promise<bigint> {
    const [row] = await queryRows<{ amount_minor: string }>(
      tx,
      `select coalesce(sum(amount_minor), 0) as amount_minor from postings where connected_account_id = $1 and account = $2`,
      [connectedAccountId, account],
    );
    return BigInt(row!.amount_minor);
  }

  async entriesOf(tx: Tx, payoutId: string): Promise<StatementEntry[]> {
    const rows = await queryRows<EntryRow>(
      tx,
      `select entry.id, entry.sequence, entry.kind, entry.source_id, entry.occurred_at,
              to_char(entry.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at_text,
              array_agg(posting.account order by posting.id) as accounts,
              array_agg(posting.amount_minor::text order by posting.id) as amounts,
              coalesce((select array_agg(balance_transaction_id order by balance_transaction_id) from ledger_matches
                        where journal_entry_id = entry.id), '{}') as balance_transaction_ids,
              encode(entry.previous_hash, 'hex') as previous_hash, encode(entry.hash, 'hex') as hash
       from journal_entries entry join postings posting on posting.journal_entry_id = entry.id
       where entry.payout_id = $1 group by entry.id order by entry.sequence`,
      [payoutId],
    );
    return rows.map((row) => ({
      id: row.id,
      sequence: row.sequence,
      kind: row.kind,
      sourceId: row.source_id,
      occurredAt: row.occurred_at,
      occurredAtText: row.occurred_at_text,
      postings: row.accounts.map((account, index) => ({ account, amountMinor: BigInt(row.amounts[index]!) })),
      balanceTransactionIds: row.balance_transaction_ids,
      previousHash: row.previous_hash,
      hash: row.hash,
    }));
  }
}

function toTerms(row: TermsRow): PayoutTerms {
  return {
    payoutId: row.payout_id,
    connectedAccountId: row.connected_account_id,
    currency: toCurrency(row.currency),
    acceptedMinor: BigInt(row.accepted_minor),
    owedMinor: BigInt(row.owed_minor),
    heldMinor: BigInt(row.held_minor),
    reclaimingMinor: BigInt(row.reclaiming_minor),
    paidMinor: BigInt(row.paid_minor),
    reclaimedMinor: BigInt(row.reclaimed_minor),
    releasedMinor: BigInt(row.released_minor),
    overspentMinor: BigInt(row.overspent_minor),
    probeBufferMinor: BigInt(row.probe_buffer_minor),
    aftercareMinor: BigInt(row.aftercare_minor),
    networkHeldMinor: BigInt(row.network_held_minor),
    isFunded: row.is_funded,
  };
}
