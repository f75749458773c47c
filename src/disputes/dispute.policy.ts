import type { StripeBalanceTransaction } from '../stripe/stripe.types';
import { DisputeStatus, disputeStatuses } from './dispute.types';

const finalStatuses: readonly DisputeStatus[] = ['won', 'lost', 'expired'];

export const isFinal = (status: DisputeStatus): boolean => finalStatuses.includes(status);

/** What an answer of Stripe's may have been overtaken by: an outcome is never forgotten, nor that it was submitted. */
export function nextDisputeStatus(known: DisputeStatus | null, told: string): DisputeStatus {
  const status = disputeStatuses.find((each) => each === told);
  if (!status) throw new Error(`A dispute is ${told}: nobody here knows what that is.`);
  if (known === null || isFinal(status)) return status;
  return isFinal(known) || known === 'submitted' ? known : status;
}

/** A line's amount, by where it goes: a change of the provisional credit, and of what came back for good. Minor units, signed. */
export interface DisputeLine {
  readonly provisionalMinor: bigint;
  readonly returnedMinor: bigint;
}

/**
 * Taking back more than is provisional takes from what came back for good. `provisionalMinor`: what is provisional now.
 * https://docs.stripe.com/reports/balance-transaction-types
 */
export function shareDisputeLine(
  { type, netMinor }: Pick<StripeBalanceTransaction, 'type' | 'netMinor'>,
  provisionalMinor: bigint,
): DisputeLine {
  if (!type.startsWith('issuing_dispute_provisional')) return { provisionalMinor: 0n, returnedMinor: netMinor };
  const left = provisionalMinor + netMinor;
  return left >= 0n
    ? { provisionalMinor: netMinor, returnedMinor: 0n }
    : { provisionalMinor: -provisionalMinor, returnedMinor: left };
}

/** Oldest first; of one second, what is given comes before what is taken back. */
export function inOrder<Line extends Pick<StripeBalanceTransaction, 'createdAt' | 'netMinor'>>(
  lines: readonly Line[],
): Line[] {
  return [...lines].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.netMinor > b.netMinor ? -1 : 1));
}
