import type { CardTransaction } from '../card-transactions/card-transaction.types';

/** How a seller's debt ended: the marketplace got it by other means than Stripe, or gave it up. */
export const settleActions = ['collected', 'written_off'] as const;
export type SettleAction = (typeof settleActions)[number];

/**
 * Money that moved beyond a payout or after its close: a card transaction, or a dispute with the capture it is about. Amounts in minor
 * units, signed as a card transaction's are.
 */
export type AftercareItem = Readonly<
  Omit<CardTransaction, 'type' | 'kind'> & {
    type: CardTransaction['type'] | 'dispute';
    kind: CardTransaction['kind'] | 'dispute';
    /** The disputed capture; of a card transaction, itself. */
    cardTransactionId: string;
    stripeDisputeId: string | null;
  }
>;

export type AftercareSettlement = Readonly<{
  itemId: string;
  action: SettleAction;
  amountMinor: bigint;
  note: string;
  settledBy: string;
  settledAt: Date;
}>;
