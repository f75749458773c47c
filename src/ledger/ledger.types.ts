import { Currency } from '../shared/money';
import { Posting } from './ledger-account.types';

/** Every kind of fact the ledger knows. A kind and its `sourceId` post once per connected account. */
export type EntryKind =
  | 'payout_accepted'
  | 'payout_released'
  | 'funding_transfer'
  | 'funding_sent'
  | 'funding_available'
  | 'funding_returned'
  | 'topup_created'
  | 'topup_available'
  | 'topup_failed'
  | 'topup_reversed'
  | 'float_observed'
  | 'float_reserved'
  | 'reclaim_intended'
  | 'reclaim_refused'
  | 'reclaim_sent'
  | 'reclaim_available'
  | 'reclaim_returned'
  | 'reclaim_done'
  | 'hold'
  | 'hold_released'
  | 'hold_withdrawn'
  | 'capture'
  | 'refund'
  | 'refund_reversed'
  | 'dispute_credit'
  | 'dispute_credit_reversed'
  | 'dispute_won'
  | 'dispute_won_reversed'
  | 'seller_payments_drained'
  | 'receivable_settled'
  | 'correction';

export interface JournalEntry {
  readonly kind: EntryKind;
  /** What makes this fact itself: a Stripe id, or the id of our row. */
  readonly sourceId: string;
  readonly connectedAccountId: string;
  /** Set when the entry belongs to one payout: it then joins that payout's hash chain. */
  readonly payoutId?: string;
  /** When it happened, not when we wrote it. */
  readonly occurredAt: Date;
  readonly postings: readonly Posting[];
  /** Lines of Stripe's ledger (`txn_…`) that this entry explains. */
  readonly balanceTransactionIds?: readonly string[];
}

/**
 * What a payout's postings add up to, in minor units, each at least zero.
 * Always: accepted = owed + held + reclaiming + paid + reclaimed + released.
 */
export interface PayoutTerms {
  readonly payoutId: string;
  readonly connectedAccountId: string;
  readonly currency: Currency;
  readonly acceptedMinor: bigint;
  readonly owedMinor: bigint;
  readonly heldMinor: bigint;
  readonly reclaimingMinor: bigint;
  readonly paidMinor: bigint;
  readonly reclaimedMinor: bigint;
  readonly releasedMinor: bigint;
  readonly overspentMinor: bigint;
  readonly probeBufferMinor: bigint;
  readonly aftercareMinor: bigint;
  /** Everything the network holds for this payout, account checks included. */
  readonly networkHeldMinor: bigint;
  readonly isFunded: boolean;
}

export interface StatementEntry {
  readonly id: string;
  readonly sequence: number;
  readonly kind: EntryKind;
  readonly sourceId: string;
  readonly occurredAt: Date;
  /** Microseconds and all, as the hash was made from it. */
  readonly occurredAtText: string;
  readonly postings: readonly Posting[];
  readonly balanceTransactionIds: readonly string[];
  readonly previousHash: string;
  readonly hash: string;
}

/** Names of the chart's accounts without owner: `issuing_available`. */
export interface AccountBalance {
  readonly account: string;
  readonly currency: Currency;
  /** Minor units; debit above zero. */
  readonly amountMinor: bigint;
}

/** What a payout's postings prove, up to a moment of occurrence. */
export interface Statement {
  readonly entries: readonly StatementEntry[];
  /** Recomputed from the postings, never read from a stored balance. Minor units. */
  readonly terms: Terms;
  /** accepted = owed + held + reclaiming + paid + reclaimed + released, each at least zero. */
  readonly isBalanced: boolean;
  /** Sequence of the first entry that does not follow from the one before it; null when the hash chain is whole. */
  readonly brokenAtSequence: number | null;
  /** Hash of the newest entry of the chain, hex; null before the first. */
  readonly chainHead: string | null;
}

/** The terms of a payout, recomputed from its postings. Minor units. */
export interface Terms {
  accepted: bigint;
  owed: bigint;
  held: bigint;
  reclaiming: bigint;
  paid: bigint;
  reclaimed: bigint;
  released: bigint;
  overspent: bigint;
  probeBuffer: bigint;
  aftercare: bigint;
}
