import { Tx } from '../platform/database/database';
import { Currency } from '../shared/money';

/** `requested` until Stripe made it, `failed` when Stripe refused to; the rest are Stripe's own. */
export const cardStatuses = ['requested', 'active', 'inactive', 'canceled', 'failed'] as const;
export type CardStatus = (typeof cardStatuses)[number];

/** Statuses in which a card exists, or may yet come to exist, at Stripe. A payout has at most one such card. */
export const liveCardStatuses: readonly CardStatus[] = ['requested', 'active', 'inactive'];

/** Whether a purchase may be for less than the payout (`up_to`) or must be for exactly all of it. Ours alone: Stripe has no such control. */
export const amountMatches = ['up_to', 'exact'] as const;
export type AmountMatch = (typeof amountMatches)[number];

/** Where a card may be spent, in the words of the HTTP contract, so that it is stored and passed on as it came. */
export type CardControls = Readonly<{
  /** Stripe's merchant category names; excludes `blocked_categories`. */
  allowed_categories?: readonly string[] | undefined;
  blocked_categories?: readonly string[] | undefined;
  /** ISO 3166 alpha-2; excludes `blocked_merchant_countries`. */
  allowed_merchant_countries?: readonly string[] | undefined;
  blocked_merchant_countries?: readonly string[] | undefined;
  amount_match?: AmountMatch | undefined;
}>;

/** What a payout asks a card for. */
export type CardOrder = Readonly<{
  payoutId: string;
  connectedAccountId: string;
  cardholderId: string;
  amountMinor: bigint;
  currency: Currency;
  controls: CardControls;
  /** The payout's end: the card's printed expiry is never before it. The exact moment is kept by canceling the card. */
  expiresAt: Date;
}>;

/** A single-use virtual card. Never its number or CVC: they have no place in this service. */
export type Card = Readonly<{
  id: string;
  payoutId: string;
  connectedAccountId: string;
  cardholderId: string;
  /** Null until Stripe has made the card. */
  stripeCardId: string | null;
  last4: string | null;
  brand: string | null;
  expMonth: number;
  expYear: number;
  status: CardStatus;
  /** Our own lock, set at once, whatever Stripe knows yet: the decision declines a frozen card. */
  frozen: boolean;
  /** A cancel was asked for; Stripe's confirmation turns `status` to `canceled`. */
  cancelRequestedAt: Date | null;
  cancelReason: string | null;
  amountMinor: bigint;
  currency: Currency;
  controls: CardControls;
  /** What Stripe last refused to do with it. */
  failure: Readonly<{ code: string; detail: string }> | null;
  createdAt: Date;
  updatedAt: Date;
}>;

/**
 * Asked before a card is replaced, in the same transaction, by whoever knows what the card is for. Throws to refuse.
 * (Card issuance knows no payout; the payout's module registers its rule.)
 */
export type ReplacementGuard = (tx: Tx, card: Card) => Promise<void>;
