import { TransitionTable } from '../shared/transitions';
import { PayoutOutcome, PayoutStatus } from './payout.types';

/** Every legal move of a payout. The decision function makes one of them in SQL; a test holds it to this table. */
export const payoutTransitions: TransitionTable<PayoutStatus> = {
  pending: ['funding', 'canceled', 'expired', 'failed'],
  funding: ['issuing', 'pending', 'canceled', 'expired', 'failed'],
  issuing: ['ready', 'canceled', 'expired', 'failed'],
  ready: ['authorized', 'settled', 'issuing', 'expired', 'canceled'],
  authorized: ['settled', 'ready', 'issuing', 'expired'],
  settled: ['closed'],
  expired: ['closed'],
  canceled: ['closed'],
  failed: ['closed'],
  closed: [],
};

/** Those the marketplace may still cancel. An authorized payout's money is on hold at a merchant: it cannot be taken back. */
export const cancelableStatuses: readonly PayoutStatus[] = ['pending', 'funding', 'issuing', 'ready'];

/** Ended without (further) use: the card goes, and what is left comes back. */
export const endedStatuses: readonly PayoutStatus[] = ['settled', 'expired', 'canceled', 'failed'];

/** The outcome a status brings with it; a settled payout's depends on what was spent. */
export function outcomeOf(
  status: PayoutStatus,
  amounts: { acceptedMinor: bigint; paidMinor: bigint },
): PayoutOutcome | null {
  if (status === 'canceled' || status === 'failed') return status;
  if (status === 'expired') return amounts.paidMinor > 0n ? 'partially_spent' : 'unspent';
  if (status === 'settled') return amounts.paidMinor >= amounts.acceptedMinor ? 'spent' : 'partially_spent';
  return null;
}
