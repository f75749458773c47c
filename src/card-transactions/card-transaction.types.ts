import type { Currency } from '../shared/money';

/** Stripe's own words; the sign of the amount, not the type, says which way the money went (a refund can be reversed). */
export const cardTransactionTypes = ['capture', 'refund'] as const;
export type CardTransactionType = (typeof cardTransactionTypes)[number];

/**
 * How it came about: `capture` within its hold, `over_capture` above it, `force_capture` without an approved one, `late_capture` after
 * its hold had ended; `refund`, and `refund_reversal` when the merchant takes a refund back.
 */
export const cardTransactionKinds = [
  'capture',
  'over_capture',
  'force_capture',
  'late_capture',
  'refund',
  'refund_reversal',
] as const;
export type CardTransactionKind = (typeof cardTransactionKinds)[number];

/** How a refund found its purchase: Stripe named the authorization, we matched card and amount, or nobody knows. */
export const refundMatches = ['linked', 'matched', 'unlinked'] as const;
export type RefundMatch = (typeof refundMatches)[number];

/** A settled purchase or refund. `amountMinor` has Stripe's sign: below zero when money left the Issuing balance. */
export type CardTransaction = Readonly<{
  id: string;
  stripeTransactionId: string;
  connectedAccountId: string;
  payoutId: string;
  cardId: string;
  authorizationId: string | null;
  stripeAuthorizationId: string | null;
  /** The capture that a refund refunds, when that is known. */
  refundedCardTransactionId: string | null;
  refundMatch: RefundMatch | null;
  type: CardTransactionType;
  kind: CardTransactionKind;
  amountMinor: bigint;
  /** How it changed what the payout paid, what the seller owes us, and what came in after close; signed. */
  paidMinor: bigint;
  overspentMinor: bigint;
  aftercareMinor: bigint;
  currency: Currency;
  merchantName: string | null;
  merchantCategory: string | null;
  merchantCategoryCode: string | null;
  merchantCity: string | null;
  merchantCountry: string | null;
  merchantNetworkId: string | null;
  /** In the merchant's own currency and its minor units, with the same sign. */
  merchantAmountMinor: bigint;
  merchantCurrency: string;
  balanceTransactionId: string | null;
  /** The payout was closed when it came: it is looked after, and never reopens the payout. */
  isAfterClose: boolean;
  occurredAt: Date;
  createdAt: Date;
}>;

/**
 * How a card transaction changes what is paid, what the seller owes us, and what came in after close. Minor units, signed:
 * paid + overspent − aftercare is what left the Issuing balance.
 */
export interface Share {
  readonly paidMinor: bigint;
  readonly overspentMinor: bigint;
  readonly aftercareMinor: bigint;
}
