import type { AuthorizationVerdict } from '../authorization-decisions/authorization-reason.types';
import type { Currency } from '../shared/money';

/** Stripe's own words. `expired` can still be captured at the network; `reversed` cannot. */
export const authorizationStatuses = ['pending', 'closed', 'reversed', 'expired'] as const;
export type AuthorizationStatus = (typeof authorizationStatuses)[number];

/**
 * `purchase` uses the card's one use; `probe` is an account check of at most one major unit, which does not until it is captured;
 * `increment` asks for more on the open authorization.
 */
export const authorizationKinds = ['purchase', 'probe', 'increment'] as const;
export type AuthorizationKind = (typeof authorizationKinds)[number];

/** What the network recorded in the end, which may differ from what we answered. */
export const networkOutcomes = ['approved', 'declined'] as const;
export type NetworkOutcome = (typeof networkOutcomes)[number];

/**
 * Where we and the network disagree: it declined what we approved, approved what we declined, never asked us,
 * or put another amount on hold.
 */
export const authorizationDifferences = [
  'declined_by_network',
  'approved_by_network',
  'not_asked',
  'amount_differs',
] as const;
export type AuthorizationDifference = (typeof authorizationDifferences)[number];

/** Where a card is charged. The merchant is a business; its name is part of the record that finance reads. */
export type Merchant = Readonly<{
  name: string | null;
  category: string | null;
  categoryCode: string | null;
  city: string | null;
  country: string | null;
  networkId: string | null;
}>;

/** One authorization as it stands: the merchant, the open hold, and what Stripe says of it. */
export type Authorization = Readonly<{
  id: string;
  stripeAuthorizationId: string;
  connectedAccountId: string;
  payoutId: string;
  cardId: string;
  kind: AuthorizationKind;
  status: AuthorizationStatus;
  /** As the network recorded it; our own answer until that is known. */
  approved: boolean;
  /** `approved`, or why not: ours, or Stripe's when Stripe declined before asking. */
  reason: string;
  amountMinor: bigint;
  /** On hold now. */
  heldMinor: bigint;
  /** The part of the hold that is the payout's own money; a probe's hold is covered by the probe buffer instead. */
  backedMinor: bigint;
  currency: Currency;
  merchant: Merchant;
  merchantAmountMinor: bigint | null;
  merchantCurrency: string | null;
  authorizationMethod: string | null;
  latencyMs: number | null;
  networkOutcome: NetworkOutcome | null;
  networkReason: string | null;
  createdAt: Date;
  endedAt: Date | null;
}>;

/** One question on an authorization, our answer and the network's: the receipt of a decision. */
export type AuthorizationRequest = Readonly<{
  id: string;
  sequence: number;
  kind: AuthorizationKind;
  stripeEventId: string | null;
  amountMinor: bigint;
  approvedMinor: bigint;
  approved: boolean;
  reason: string;
  /** The question, the facts it was judged by and what the rules came to; null when we were never asked. */
  inputs: Readonly<{ request: object; facts: object; verdict: AuthorizationVerdict }> | null;
  /** Milliseconds from receipt to answer, and where they went. */
  latencyMs: number | null;
  stages: Readonly<Record<string, number>> | null;
  networkOutcome: NetworkOutcome | null;
  networkReason: string | null;
  difference: AuthorizationDifference | null;
  heldMinor: bigint;
  balanceTransactionId: string | null;
  askedAt: Date;
}>;

/** A stored decision, run again by today's rules. */
export type AuthorizationReplay = Readonly<{
  requestId: string;
  then: Readonly<{ approved: boolean; reason: string; verdict: AuthorizationVerdict }>;
  now: Readonly<{ approved: boolean; reason: string; verdict: AuthorizationVerdict }>;
}>;
