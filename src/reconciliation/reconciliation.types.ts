import { Currency } from '../shared/money';

/** The platform has no row among the connected accounts; its mirror and its breaks carry this name instead. */
export const platformAccount = 'platform';

export const runStatuses = ['running', 'completed', 'failed'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** `unreadable`: Stripe does not let us read the account; the run goes on without it, and a break says so. */
export type PartStatus = RunStatus | 'unreadable';

/** What a difference is. Both directions: `missing_in_ledger` is Stripe's surplus, `missing_at_stripe` is ours. */
export const breakTypes = [
  'missing_in_ledger',
  'missing_at_stripe',
  'amount_differs',
  'currency_differs',
  'duplicate',
  'balance_differs',
  'payments_drained',
  'status_differs',
  'orphan_card',
  'orphan_transfer',
  'stuck_payout',
  'unreclaimed',
  'negative_balance',
  'unknown_outcome',
  'account_unreadable',
] as const;
export type BreakType = (typeof breakTypes)[number];

/** `healed`: the difference went away by itself or was ingested; `resolved`: a person explained it. */
export const breakStatuses = ['open', 'resolved', 'healed'] as const;
export type BreakStatus = (typeof breakStatuses)[number];

/** The other side of a correcting entry; its first side is the account that mirrors Stripe. */
export const correctionAccounts = ['suspense', 'seller_receivable', 'stripe_fees', 'losses'] as const;
export type CorrectionAccount = (typeof correctionAccounts)[number];

/** A correcting entry: proposed by one key, posted when another approves it. */
export type BreakCorrection = Readonly<{
  against: CorrectionAccount;
  note: string;
  proposedBy: string;
  proposedAt: Date;
  approvedBy: string | null;
}>;

/** What a run found for one connected account, or for the platform. */
export type RunAccount = Readonly<{
  connectedAccountId: string;
  status: PartStatus;
  matched: number;
  setApart: number;
  inFlight: number;
  healed: number;
  breaksOpen: number;
  currency: Currency | null;
  /** Stripe's Issuing balance and ours at one moment; null when Stripe does not tell it. */
  stripeIssuingMinor: bigint | null;
  ledgerIssuingMinor: bigint | null;
  reportSha256: string | null;
  failure: string | null;
}>;

export type ReconciliationRun = Readonly<{
  id: string;
  /** Null: every connected account and the platform. */
  connectedAccountId: string | null;
  /** Null: everything known when it ran. Exclusive otherwise. */
  cutoff: Date | null;
  status: RunStatus;
  accountsTotal: number;
  accountsDone: number;
  /** Balance transactions whose journal entry says the same. */
  matched: number;
  /** Differences that went away during the run, missed events ingested included. */
  healed: number;
  /** Open breaks of the run's accounts, dated before the cut-off. */
  breaksOpen: number;
  reportSha256: string | null;
  createdAt: Date;
  completedAt: Date | null;
}>;

export type ReconciliationBreak = Readonly<{
  id: string;
  connectedAccountId: string;
  type: BreakType;
  /** What differs: an id at Stripe or of ours. With account and type it makes the break unique. */
  key: string;
  status: BreakStatus;
  payoutId: string | null;
  /** Stripe's figure less ours, where the difference is an amount. */
  differenceMinor: bigint | null;
  currency: Currency | null;
  evidence: Readonly<Record<string, unknown>>;
  proposedAction: string;
  /** When the thing that differs happened. */
  occurredAt: Date;
  openedAt: Date;
  lastSeenAt: Date;
  closedAt: Date | null;
  closedBy: string | null;
  note: string | null;
  correction: BreakCorrection | null;
}>;
