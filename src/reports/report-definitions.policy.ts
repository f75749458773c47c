import { EntryKind } from '../ledger/ledger.types';
import { ColumnType, ReportName } from './report.types';

export type ReportColumn = Readonly<{
  name: string;
  type: ColumnType;
  /** SQL over the view `r`; its column of the same name when absent. */
  sql?: string;
  isTotal?: boolean;
}>;

export type ReportDefinition = Readonly<{
  view: string;
  columns: readonly ReportColumn[];
  /** The order of the rows: SQL over `r` (and `e`, where a row is of a payout), unique together, so that the same report is the same bytes. */
  order: readonly string[];
  /**
   * One row per payout: the sums of its totals over the period, in the order of its first entry of these kinds; a payout whose sums are
   * all zero has no row. The kinds are those whose entries change a total: the index over them finds the first row at once.
   */
  perPayout?: Readonly<{ kinds: readonly EntryKind[] }>;
  /**
   * The totals again, straight from the postings `p` and their entries `e`, by column name: what the rows must add up to.
   * `from` may join the entries to what the period is about.
   */
  ledger: Readonly<{
    sums: Readonly<Record<string, string>>;
    kinds: readonly string[] | null;
    from?: string;
    period?: string;
  }>;
}>;

const payoutColumns: readonly ReportColumn[] = [
  { name: 'connected_account', type: 'text', sql: 'r.connected_account_id' },
  { name: 'payout', type: 'text', sql: 'r.payout_id' },
  { name: 'reference', type: 'text' },
];
// Looked up for each row that is read: a join would invite a plan that reads all payouts before the first row.
const ofPayout = (name: string): ReportColumn => ({
  name,
  type: 'text',
  sql: `(select o.${name} from payouts o where o.id = r.payout_id)`,
});
const entryOrder = ['r.occurred_at', 'r.entry_id'];
// The entry's own columns, not the copies of them beside the sums: only so does the planner see that an index has this order already.
const firstEntryOrder = ['e.occurred_at', 'e.id'];
const entryColumns: readonly ReportColumn[] = [
  { name: 'occurred_at', type: 'time' },
  { name: 'journal_entry', type: 'text', sql: 'r.entry_id' },
];

const minor = (name: string): ReportColumn => ({ name, type: 'minor', isTotal: true });
const on = (account: string): string => `p.account like '${account.replaceAll('_', '\\_')}:%'`;
const total = (account: string, kind: string | readonly string[], sign: '' | '-' = ''): string => {
  const kinds = (typeof kind === 'string' ? [kind] : kind).map((one) => `'${one}'`).join(', ');
  return `coalesce(${sign}sum(p.amount_minor) filter (where e.kind in (${kinds}) and ${on(account)}), 0)`;
};

// What the network took, as far as it was known at the cut-off ($4): a withdrawn hold is none.
const heldSql = `(select coalesce(sum(p.amount_minor), 0) from journal_entries e join postings p on p.journal_entry_id = e.id
  where e.connected_account_id = r.connected_account_id and e.kind in ('hold', 'hold_withdrawn')
    and e.source_id in (r.request_id, r.balance_transaction_id) and ${on('issuing_held')}
    and ($4::timestamptz is null or e.created_at < $4::timestamptz))`;

const everyDebitAndCredit = {
  debit: `coalesce(sum(p.amount_minor) filter (where p.amount_minor > 0), 0)`,
  // An entry sums to zero, so the credits must reach the sum of the debits.
  credit: `coalesce(sum(p.amount_minor) filter (where p.amount_minor > 0), 0)`,
};

/** Facts that make, or make good, what a seller owes beyond a payout. */
const overspendKinds = [
  'capture',
  'refund',
  'refund_reversed',
  'receivable_settled',
  'dispute_won',
  'dispute_won_reversed',
] as const satisfies readonly EntryKind[];
const settlementKinds = [...overspendKinds, 'reclaim_done', 'payout_released'] as const;
const unspentKinds = ['reclaim_intended', 'reclaim_refused', 'reclaim_done', 'payout_released'] as const;
/** What is left of the promise to a payout, in the ledger's own words. */
const promiseAccounts = ['payout_owed', 'payout_held', 'payout_reclaiming'];

/** Every report: what it reads, in which order, and which sums of the ledger it must reach. */
export const reportDefinitions: Readonly<Record<ReportName, ReportDefinition>> = {
  settlement: {
    view: 'report_settlement',
    order: firstEntryOrder,
    perPayout: { kinds: settlementKinds },
    columns: [
      ...payoutColumns,
      ofPayout('label'),
      ofPayout('purpose'),
      { name: 'currency', type: 'text' },
      { name: 'amount', type: 'minor' },
      minor('captured'),
      minor('refunded'),
      minor('paid'),
      minor('overspent'),
      minor('reclaimed'),
      minor('released'),
    ],
    ledger: {
      kinds: settlementKinds,
      sums: {
        captured: total('issuing_available', 'capture', '-'),
        refunded: total('issuing_available', ['refund', 'refund_reversed']),
        paid: promiseAccounts.map((account) => total(account, overspendKinds)).join(' + '),
        overspent: total('seller_receivable', overspendKinds),
        reclaimed: total('payout_reclaiming', 'reclaim_done'),
        released: total('payout_owed', 'payout_released'),
      },
    },
  },
  unspent: {
    view: 'report_unspent',
    order: firstEntryOrder,
    perPayout: { kinds: unspentKinds },
    columns: [
      ...payoutColumns,
      { name: 'currency', type: 'text' },
      { name: 'amount', type: 'minor' },
      minor('unspent'),
      minor('reclaimed'),
      minor('released'),
    ],
    ledger: {
      kinds: unspentKinds,
      sums: {
        unspent: `${total('payout_reclaiming', ['reclaim_intended', 'reclaim_refused'], '-')} + ${total('payout_owed', 'payout_released')}`,
        reclaimed: total('payout_reclaiming', 'reclaim_done'),
        released: total('payout_owed', 'payout_released'),
      },
    },
  },
  reclaims: {
    view: 'report_reclaims',
    order: entryOrder,
    columns: [
      ...entryColumns,
      ...payoutColumns,
      { name: 'kind', type: 'text' },
      { name: 'source', type: 'text', sql: 'r.source_id' },
      { name: 'currency', type: 'text' },
      minor('amount'),
      minor('probe_buffer'),
      minor('aftercare'),
      minor('total'),
    ],
    ledger: {
      kinds: ['reclaim_done', 'reclaim_returned'],
      sums: {
        amount: total('payout_reclaiming', 'reclaim_done'),
        total: `${total('marketplace_funds', ['reclaim_done', 'reclaim_returned'], '-')} + ${total('seller_float', ['reclaim_done', 'reclaim_returned'], '-')}`,
      },
    },
  },
  funding: {
    view: 'report_funding',
    order: entryOrder,
    columns: [
      ...entryColumns,
      ...payoutColumns,
      { name: 'kind', type: 'text' },
      { name: 'source', type: 'text', sql: 'r.source_id' },
      { name: 'currency', type: 'text' },
      minor('amount'),
      minor('probe_buffer'),
      minor('total'),
    ],
    ledger: {
      kinds: ['funding_transfer', 'funding_returned', 'topup_created', 'topup_failed', 'float_reserved'],
      sums: {
        probe_buffer: total(
          'probe_buffer',
          ['funding_transfer', 'funding_returned', 'topup_created', 'topup_failed', 'float_reserved'],
          '-',
        ),
        total: `${total('platform_payments', ['funding_transfer', 'funding_returned'], '-')} + ${total('external_bank', ['topup_created', 'topup_failed'], '-')} + ${total('seller_float', 'float_reserved')}`,
      },
    },
  },
  ledger: {
    view: 'report_ledger',
    order: [...entryOrder, 'r.posting_id'],
    columns: [
      ...entryColumns,
      { name: 'kind', type: 'text' },
      { name: 'source', type: 'text', sql: 'r.source_id' },
      { name: 'connected_account', type: 'text', sql: 'r.connected_account_id' },
      { name: 'payout', type: 'text', sql: 'r.payout_id' },
      { name: 'account', type: 'text' },
      { name: 'currency', type: 'text' },
      minor('debit'),
      minor('credit'),
    ],
    ledger: {
      kinds: null,
      sums: everyDebitAndCredit,
    },
  },
  journal: {
    view: 'report_journal',
    order: [...entryOrder, 'r.posting_id'],
    columns: [
      { name: 'date', type: 'text', sql: `to_char(r.occurred_at at time zone 'UTC', 'YYYY-MM-DD')` },
      { name: 'entry_number', type: 'text', sql: 'r.entry_id' },
      { name: 'account', type: 'text' },
      { name: 'account_name', type: 'text' },
      { name: 'debit', type: 'major', isTotal: true },
      { name: 'credit', type: 'major', isTotal: true },
      { name: 'currency', type: 'text', sql: 'upper(r.currency)' },
      { name: 'description', type: 'text' },
      { name: 'reference', type: 'text' },
      { name: 'connected_account', type: 'text', sql: 'r.connected_account_id' },
      { name: 'payout', type: 'text', sql: 'r.payout_id' },
    ],
    ledger: {
      kinds: null,
      sums: everyDebitAndCredit,
    },
  },
  authorizations: {
    view: 'report_authorizations',
    order: ['r.occurred_at', 'r.request_id'],
    columns: [
      { name: 'occurred_at', type: 'time' },
      { name: 'authorization_request', type: 'text', sql: 'r.request_id' },
      ...payoutColumns,
      { name: 'stripe_authorization', type: 'text', sql: 'r.stripe_authorization_id' },
      { name: 'card_last4', type: 'text' },
      { name: 'kind', type: 'text' },
      { name: 'approved', type: 'flag' },
      { name: 'reason', type: 'text' },
      { name: 'merchant', type: 'text', sql: 'r.merchant_name' },
      { name: 'merchant_category', type: 'text' },
      { name: 'merchant_country', type: 'text' },
      { name: 'latency_ms', type: 'count' },
      { name: 'currency', type: 'text' },
      minor('amount'),
      minor('approved_amount'),
      { name: 'held', type: 'minor', isTotal: true, sql: heldSql },
    ],
    ledger: {
      kinds: ['hold', 'hold_withdrawn'],
      sums: { held: total('issuing_held', ['hold', 'hold_withdrawn']) },
      // A withdrawal may come a period later than its question: the holds of these questions, whenever posted.
      from: `report_authorizations r
        join journal_entries e on e.connected_account_id = r.connected_account_id
          and e.kind in ('hold', 'hold_withdrawn') and e.source_id in (r.request_id, r.balance_transaction_id)
          and ($4::timestamptz is null or e.created_at < $4::timestamptz)
        join postings p on p.journal_entry_id = e.id`,
      period: 'r',
    },
  },
};
