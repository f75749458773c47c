import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { platformAccount } from './reconciliation.types';

/** One comparison of one account: everything known, and a report of what lies before the cut-off. */
export type Comparison = Readonly<{
  runId: string;
  account: string;
  /** Null: everything. */
  cutoff: Date | null;
  now: Date;
  /** The database's time before Stripe was asked: entries written later may have lines we have not seen. */
  mirroredFrom: string;
}>;

export type ComparisonCounts = Readonly<{ matched: number; setApart: number; inFlight: number }>;

// Work that is on its way is no difference yet, but not for ever: five business days of a top-up, and slack.
const inFlightFor = `interval '10 days'`;
// Stripe's report of a hold we approved takes seconds.
const holdReportedWithin = `interval '2 minutes'`;

// Of the database, for one comparison: its hash tables then stay in memory up to some hundred thousand lines.
const workMem = '64MB';

/** Two fragments that differ for the platform: how an entry is linked to a line `t`, and which postings `p` mirror the account. */
type Parts = Readonly<{ explains: string; mirrored: string }>;

/**
 * The comparison itself, as sets. A line of Stripe's ledger and a posting to the account that mirrors its balance belong together when
 * the posting's entry is linked to the line; dated by Stripe's time, so that both sides fall before the same cut-off or neither does.
 * What only one side has is dated by the side that has it.
 */
@Injectable()
export class ReconciliationCompareRepository {
  /**
   * Compares every line with its posting, both ways, into the temporary table `reconciliation_lines` of this transaction:
   * one row per entry and mirrored account, or per unexplained line.
   */
  async compareLines(tx: Tx, comparison: Comparison): Promise<void> {
    const isPlatform = comparison.account === platformAccount;
    // The platform's postings are spread over all sellers' entries; a seller's own are all under its id.
    const explains = isPlatform
      ? `m.balance_transaction_id = t.balance_transaction_id`
      : `m.connected_account_id = t.connected_account_id and m.balance_transaction_id = t.balance_transaction_id`;
    const mirrored = isPlatform
      ? `p.account in ('platform_payments:usd', 'platform_payments:eur', 'platform_payments:gbp')`
      : `p.connected_account_id = $1 and p.account = any(array[
           'issuing_available:' || $1 || ':usd', 'issuing_available:' || $1 || ':eur', 'issuing_available:' || $1 || ':gbp',
           'seller_payments:' || $1 || ':usd', 'seller_payments:' || $1 || ':eur', 'seller_payments:' || $1 || ':gbp'])`;
    await queryRows(tx, `set local work_mem = '${workMem}'`);
    const parts: Parts = { explains, mirrored };
    // Nearly always one line has one posting; only where the count says otherwise are they added up per entry first.
    await this.joinLines(tx, comparison, parts, false);
    if (!(await this.isOneToOne(tx, comparison, parts))) {
      await queryRows(tx, `drop table reconciliation_lines`);
      await this.joinLines(tx, comparison, parts, true);
    }
    await this.describeUnmatched(tx);
    if (isPlatform) await this.setApartPlatform(tx);
    else await this.setApartSeller(tx, comparison);
    await this.nameInFlight(tx, comparison);
    await queryRows(
      tx,
      `update reconciliation_lines l set state = case
         when l.stripe_minor is null then 'missing_at_stripe'
         when l.journal_entry_id is null and l.account like 'platform_payments:%' then 'orphan_transfer'
         when l.journal_entry_id is null then 'missing_in_ledger'
         when l.ledger_minor is null and exists (
           select from postings p where p.journal_entry_id = l.journal_entry_id
              and split_part(p.account, ':', 1) = split_part(l.account, ':', 1)
              and p.account <> l.account) then 'currency_differs'
         when l.lines > 1 and l.stripe_minor = l.lines * l.ledger_minor then 'duplicate'
         else 'amount_differs'
       end
       where l.state is null`,
    );
  }

  /** One pass: lines and postings that agree are only counted, by type and side of the cut-off; what is left stays row by row. */
  private async joinLines(
    tx: Tx,
    comparison: Comparison,
    { explains, mirrored }: Parts,
    isAddedUp: boolean,
  ): Promise<void> {
    const sum = (column: string): string => (isAddedUp ? `sum(${column})::bigint` : column);
    const least = (column: string): string => (isAddedUp ? `min(${column})` : column);
    await queryRows(
      tx,
      `create temporary table reconciliation_lines on commit drop as
       with theirs as (
         select m.journal_entry_id, t.ledger_account as account, ${isAddedUp ? 'count(*)' : '1'} as lines,
                ${sum('t.net_minor')} as stripe_minor,
                ${sum(`case when t.status = 'available' then t.net_minor else 0 end`)} as available_minor,
                ${isAddedUp ? 'max(t.created_at)' : 't.created_at'} as at,
                ${least('t.type')} as type, ${least('t.balance_transaction_id')} as line_id, ${least('t.source_id')} as source_id
         from stripe_balance_transactions t left join ledger_matches m on ${explains}
         where t.connected_account_id = $1
         -- Lines that nothing explains have nothing in common.
         ${isAddedUp ? `group by m.journal_entry_id, t.ledger_account, case when m.journal_entry_id is null then t.balance_transaction_id end` : ''}
       ), ours as (
         select p.journal_entry_id, p.account, ${sum('p.amount_minor')} as ledger_minor
         from postings p
         where ${mirrored}
         ${isAddedUp ? 'group by p.journal_entry_id, p.account' : ''}
       ), pairs as (
         select coalesce(theirs.journal_entry_id, ours.journal_entry_id) as journal_entry_id,
                coalesce(theirs.account, ours.account) as account, theirs.lines, theirs.stripe_minor, theirs.available_minor,
                ours.ledger_minor, theirs.at, theirs.type, theirs.line_id, theirs.source_id,
                coalesce(theirs.stripe_minor = ours.ledger_minor, false) as agree
         from theirs full join ours
           on ours.journal_entry_id = theirs.journal_entry_id and ours.account = theirs.account
       )
       select case when agree then null else journal_entry_id end as journal_entry_id, account, type,
              case when agree then null else line_id end as line_id,
              case when agree then null else source_id end as source_id,
              coalesce(sum(lines), 0)::bigint as lines, count(ledger_minor) as postings,
              sum(stripe_minor)::bigint as stripe_minor, sum(available_minor)::bigint as available_minor,
              sum(ledger_minor)::bigint as ledger_minor, max(at) as stripe_at,
              case when agree then 'matched'
                   -- Of a balance we do not mirror, or moving nothing.
                   when min(journal_entry_id) is null and (account is null or sum(stripe_minor) = 0) then 'set_apart' end as state,
              null::timestamptz as occurred_at, null::text as kind, null::text collate "C" as entry_source_id,
              null::text collate "C" as payout_id
       from pairs
       group by agree, case when agree then null else journal_entry_id end, account, type,
                case when agree then null else line_id end, case when agree then null else source_id end,
                -- Matched ones of one group lie on one side of the cut-off.
                case when agree then $2::timestamptz is null or at < $2::timestamptz end`,
      [comparison.account, comparison.cutoff],
    );
  }

  /** A line with two postings, or a posting with two lines, is joined twice: then more were joined than there are. */
  private async isOneToOne(tx: Tx, { account }: Comparison, { mirrored }: Parts): Promise<boolean> {
    const [row] = await queryRows<{ is_one_to_one: boolean }>(
      tx,
      `select (select sum(lines) from reconciliation_lines)
                is not distinct from nullif((select count(*) from stripe_balance_transactions where connected_account_id = $1), 0)
          and (select coalesce(sum(postings), 0) from reconciliation_lines) = (select count(*) from postings p where ${mirrored})
           as is_one_to_one`,
      [account],
    );
    return row!.is_one_to_one;
  }

  /** Puts the entry's own words beside what found no partner. */
  private async describeUnmatched(tx: Tx): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_lines l
          set kind = e.kind, entry_source_id = e.source_id, payout_id = e.payout_id, occurred_at = e.occurred_at
         from journal_entries e
        where l.state is null and e.id = l.journal_entry_id`,
    );
    // A hold that the network did not take was withdrawn again: together they moved nothing, here or there.
    await queryRows(
      tx,
      `update reconciliation_lines l set state = 'nothing_moved'
        where l.state is null and l.lines = 0 and l.kind in ('hold', 'hold_withdrawn')
          and 0 = (select sum(other.ledger_minor) from reconciliation_lines other
                    where other.state is null and other.lines = 0 and other.kind in ('hold', 'hold_withdrawn')
                      and other.account = l.account and other.entry_source_id = l.entry_source_id)`,
    );
    // Corrections speak about lines without being one of them.
    await queryRows(
      tx,
      `update reconciliation_lines set state = 'nothing_moved'
        where state is null and lines = 0 and kind in ('seller_payments_drained', 'correction', 'receivable_settled')`,
    );
  }

  /** On the platform only our transfers and their reversals are compared; everything else is the platform's own business. */
  private async setApartPlatform(tx: Tx): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_lines l set state = 'set_apart'
        where l.state is null and l.journal_entry_id is null
          and not exists (select from funding_transfer_hops h where h.stripe_object_id = l.source_id)
          and not exists (select from stripe_calls c where c.stripe_object_id = l.source_id)`,
    );
  }

  /**
   * Every movement of the Issuing balance must be ours. The payments balance has other uses: charges, bank payouts and the seller's
   * own fees are theirs; only what our transfers caused is compared. What happened before the account came to us is not compared.
   */
  private async setApartSeller(tx: Tx, { account }: Comparison): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_lines l set state = 'set_apart'
        where l.state is null and l.journal_entry_id is null
          and l.account like 'seller\\_payments:%'
          and not exists (select from funding_transfer_hops h
                           where l.source_id in (h.counterpart_id, h.stripe_object_id) and h.connected_account_id = $1)`,
      [account],
    );
    await queryRows(
      tx,
      `update reconciliation_lines l set state = 'set_apart'
         from connected_accounts a
        where a.id = $1 and l.state is null and l.journal_entry_id is null
          and l.stripe_at < a.created_at - interval '5 seconds'`,
      [account],
    );
  }

  private async nameInFlight(tx: Tx, { account, mirroredFrom, now }: Comparison): Promise<void> {
    // Stripe's side: a call of ours that has moved this amount may still be waiting for its outcome, its arrival or its link.
    await queryRows(
      tx,
      `update reconciliation_lines l set state = 'in_flight'
        where l.state is null and l.journal_entry_id is null
          and l.type in ('transfer', 'transfer_refund', 'payment', 'payment_refund', 'payment_reversal',
                         'balance_transfer_inbound', 'balance_transfer_outbound', 'topup', 'payout')
          and exists (
            select from funding_transfer_hops h
             where ($1 = 'platform' or h.connected_account_id = $1)
               and h.amount_minor = abs(l.stripe_minor)
               and h.updated_at > $2::timestamptz - ${inFlightFor}
               and (h.status in ('intended', 'unknown', 'accepted')
                    or (h.counterpart_id is not null and h.counterpart_linked_at is null)))`,
      [account, now],
    );
    await queryRows(
      tx,
      `update reconciliation_lines l set state = 'in_flight'
         from stripe_balance_transactions t
        where l.state is null and l.journal_entry_id is null and t.connected_account_id = $1
          and t.balance_transaction_id = l.line_id and t.status = 'pending' and t.balance_type = 'issuing'`,
      [account],
    );
    // Our side: written after Stripe was asked, or Stripe's line is known and waits for its link.
    await queryRows(
      tx,
      `update reconciliation_lines l set state = 'in_flight'
         from journal_entries e
        where l.state is null and l.lines = 0 and e.id = l.journal_entry_id
          and (e.created_at >= $1::timestamptz
               or (e.kind = 'hold' and e.created_at > clock_timestamp() - ${holdReportedWithin})
               or exists (select from ledger_matches m where m.journal_entry_id = e.id and m.created_at >= $1::timestamptz)
               or exists (select from funding_transfer_hops h
                           where h.connected_account_id = e.connected_account_id
                             and (e.source_id = h.stripe_object_id or split_part(e.source_id, ':', 1) = h.funding_transfer_id)
                             and h.counterpart_id is not null and h.counterpart_linked_at is null
                             and h.updated_at > $2::timestamptz - ${inFlightFor}))`,
      [mirroredFrom, now],
    );
  }

  /** What lies before the cut-off, counted. */
  async counts(tx: Tx, { cutoff }: Comparison): Promise<ComparisonCounts> {
    const [row] = await queryRows<{ matched: string; set_apart: string; in_flight: string }>(
      tx,
      `select coalesce(sum(lines) filter (where state = 'matched'), 0) as matched,
              coalesce(sum(lines) filter (where state = 'set_apart'), 0) as set_apart,
              count(*) filter (where state = 'in_flight') as in_flight
         from reconciliation_lines
        where $1::timestamptz is null or coalesce(stripe_at, occurred_at) < $1::timestamptz`,
      [cutoff],
    );
    return { matched: Number(row!.matched), setApart: Number(row!.set_apart), inFlight: Number(row!.in_flight) };
  }

  /** Turns what found no partner into findings. */
  async findLineDifferences(tx: Tx, { runId, account }: Comparison): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_findings (run_id, connected_account_id, type, key, payout_id, difference_minor, currency,
         evidence, proposed_action, occurred_at)
       select $1, $2, l.state,
              case when l.stripe_minor is null or l.lines > 1 then 'entry:' || l.journal_entry_id || ':' || split_part(l.account, ':', 1)
                   else l.line_id end,
              l.payout_id, coalesce(l.stripe_minor, 0) - coalesce(l.ledger_minor, 0),
              reverse(split_part(reverse(l.account), ':', 1)),
              jsonb_strip_nulls(jsonb_build_object(
                'ledger_account', l.account, 'stripe_minor', l.stripe_minor, 'ledger_minor', l.ledger_minor,
                'balance_transactions', case when l.stripe_minor is not null then l.lines end, 'balance_transaction', l.line_id,
                'balance_transaction_type', l.type, 'source', l.source_id, 'journal_entry', l.journal_entry_id,
                'entry_kind', l.kind, 'entry_source', l.entry_source_id, 'stripe_created_at', l.stripe_at,
                'entry_occurred_at', l.occurred_at)),
              case l.state
                when 'missing_in_ledger' then case
                  when l.type = 'payout' then 'Money left the Issuing balance for a bank without us: book it as a receivable from the seller.'
                  when l.type in ('issuing_authorization_hold', 'issuing_authorization_release', 'issuing_transaction')
                    or l.type like 'issuing\\_dispute%'
                    then 'Look at the card behind it: Stripe names one that is not ours, or the authorization could not be booked.'
                  when l.stripe_minor > 0 then 'Ask the seller where the money came from; book it to suspense until then.'
                  else 'Find out who moved it; book it as a receivable from the seller until then.' end
                when 'missing_at_stripe' then 'Look for the movement at Stripe; if it never happened, reverse the entry.'
                when 'orphan_transfer' then 'A transfer of ours has no entry: retry its call, or reverse the transfer at Stripe.'
                when 'duplicate' then 'Two movements for one fact: reverse one of them at Stripe.'
                else 'Correct the entry by the difference.' end,
              coalesce(l.stripe_at, l.occurred_at)
         from reconciliation_lines l
        where l.state in ('missing_in_ledger', 'missing_at_stripe', 'orphan_transfer', 'amount_differs', 'currency_differs', 'duplicate')
       on conflict do nothing`,
      [runId, account],
    );
  }

  /** Lines of missed events: what the services below can book if they are told to look again. In pages, by line. */
  async healable(
    tx: Tx,
    account: string,
    after: string,
    limit: number,
  ): Promise<readonly { lineId: string; type: string; sourceId: string }[]> {
    const rows = await queryRows<{ id: string; type: string; source_id: string }>(
      tx,
      `select t.balance_transaction_id as id, t.type, t.source_id
         from stripe_balance_transactions t
        where t.connected_account_id = $1 and t.balance_type = 'issuing' and t.source_id is not null
          and (t.type in ('issuing_authorization_hold', 'issuing_authorization_release', 'issuing_transaction')
               or t.type like 'issuing\\_dispute%')
          and t.balance_transaction_id > $2
          and not exists (select from ledger_matches m
                           where m.connected_account_id = $1 and m.balance_transaction_id = t.balance_transaction_id)
          -- What a person has explained is not asked for again.
          and not exists (select from reconciliation_breaks b
                           where b.connected_account_id = $1 and b.type = 'missing_in_ledger'
                             and b.key = t.balance_transaction_id and b.status = 'resolved')
        order by t.balance_transaction_id limit $3`,
      [account, after, limit],
    );
    return rows.map((row) => ({ lineId: row.id, type: row.type, sourceId: row.source_id }));
  }

  /** Those of the lines that an entry explains now. */
  async matchedAmong(tx: Tx, account: string, lineIds: readonly string[]): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `select balance_transaction_id as id from ledger_matches
        where connected_account_id = $1 and balance_transaction_id = any($2) order by 1`,
      [account, lineIds],
    );
    return rows.map((row) => row.id);
  }
}
