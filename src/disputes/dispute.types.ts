import type { Currency } from '../shared/money';

/** Stripe's own words. https://docs.stripe.com/issuing/purchases/disputes */
export const disputeStatuses = ['unsubmitted', 'submitted', 'won', 'lost', 'expired'] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

/** A capture that the marketplace disputes at Stripe. Amounts in minor units. */
export type Dispute = Readonly<{
  id: string;
  stripeDisputeId: string;
  connectedAccountId: string;
  payoutId: string;
  cardId: string;
  cardTransactionId: string;
  status: DisputeStatus;
  /** Stripe's reasons, of lists that grow. */
  reason: string | null;
  lossReason: string | null;
  amountMinor: bigint;
  /** Credited for the time being: it may be taken back. */
  provisionalMinor: bigint;
  /** Came back for good. */
  returnedMinor: bigint;
  /** How that changed what the payout paid, what the seller owes us, and what came in after close; signed. */
  paidMinor: bigint;
  overspentMinor: bigint;
  aftercareMinor: bigint;
  currency: Currency;
  openedAt: Date;
  closedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}>;
