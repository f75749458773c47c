import { StripeBalanceTransaction } from '../stripe/stripe.types';
import { FundingDirection, FundingHopKind, FundingHopStatus } from './funding-transfer.types';
import { minMinor } from '../shared/money';

/** The hops a rail takes, in order, per direction. Empty: nothing has to travel. */
export type FundingRoute = Readonly<Record<FundingDirection, readonly FundingHopKind[]>>;

export type TransferFacts = Readonly<{
  direction: FundingDirection;
  totalMinor: bigint;
  /** Of a reclaim: back at the platform. Of an outward transfer: came back since. */
  returnedMinor: bigint;
}>;

export type HopFacts = Readonly<{ kind: FundingHopKind; status: FundingHopStatus }>;

export type NextStep =
  | Readonly<{ step: 'call'; kind: FundingHopKind }>
  /** Take back from the seller's payments balance what is there; `isRetry` when Stripe refused it before. */
  | Readonly<{ step: 'reverse'; leftMinor: bigint; isRetry: boolean }>
  | Readonly<{ step: 'wait'; until: 'outcome' | 'arrival' }>
  | Readonly<{ step: 'settle' }>
  /** Stripe refused and nothing of the money is on the way. */
  | Readonly<{ step: 'fail' }>
  /** A failed outward transfer whose first hop is back. */
  | Readonly<{ step: 'returned' }>;

/** What a funding transfer does next, from its hops alone: so a restarted worker, or a second one, comes to the same answer. */
export function nextStep(
  transfer: TransferFacts,
  route: readonly FundingHopKind[],
  hops: readonly HopFacts[],
): NextStep {
  for (const [position, kind] of route.entries()) {
    if (kind === 'transfer_reversal') return stepBack(transfer, hops, { step: 'settle' });
    // The newest hop of its kind speaks for it; the refused ones before it are history.
    const hop = hops.findLast((candidate) => candidate.kind === kind);
    switch (hop?.status) {
      case undefined:
        return { step: 'call', kind };
      case 'intended':
      case 'unknown':
        return { step: 'wait', until: 'outcome' };
      case 'accepted':
        return { step: 'wait', until: 'arrival' };
      case 'failed':
        return position === 0 ? { step: 'fail' } : stepBack(transfer, hops, { step: 'returned' });
      case 'done':
        break;
    }
  }
  return { step: 'settle' };
}

function stepBack(transfer: TransferFacts, hops: readonly HopFacts[], end: NextStep): NextStep {
  const reversals = hops.filter((hop) => hop.kind === 'transfer_reversal');
  if (reversals.some((hop) => hop.status === 'intended' || hop.status === 'unknown')) {
    return { step: 'wait', until: 'outcome' };
  }
  const leftMinor = transfer.totalMinor - transfer.returnedMinor;
  if (leftMinor === 0n) return end;
  return { step: 'reverse', leftMinor, isRetry: reversals.some((hop) => hop.status === 'failed') };
}

export type ReversibleTransfer = Readonly<{
  fundingTransferId: string;
  stripeTransferId: string;
  /** What of it neither came back nor is being brought back. */
  leftMinor: bigint;
}>;

export type PlannedReversal = Readonly<{ fundingTransferId: string; stripeTransferId: string; amountMinor: bigint }>;

/**
 * Which outward transfers to reverse, and by how much: the oldest first, never more than is left of each
 * (Stripe refuses that: https://docs.stripe.com/api/transfer_reversals). `missingMinor` found no transfer to take it from.
 */
export function planReversals(
  outward: readonly ReversibleTransfer[],
  neededMinor: bigint,
): Readonly<{ reversals: readonly PlannedReversal[]; missingMinor: bigint }> {
  const reversals: PlannedReversal[] = [];
  let missingMinor = neededMinor;
  for (const { fundingTransferId, stripeTransferId, leftMinor } of outward) {
    const amountMinor = minMinor(leftMinor, missingMinor);
    if (amountMinor <= 0n) continue;
    reversals.push({ fundingTransferId, stripeTransferId, amountMinor });
    missingMinor -= amountMinor;
  }
  return { reversals, missingMinor };
}

export type FundingParts = Readonly<{ amountMinor: bigint; aftercareMinor: bigint; bufferMinor: bigint }>;

export function totalMinorOf(parts: FundingParts): bigint {
  return parts.amountMinor + parts.aftercareMinor + parts.bufferMinor;
}

/**
 * Money that comes back in pieces: which part of the payout each piece pays. In a fixed order, the promised amount first, so that
 * the pieces add up to the parts whatever their sizes.
 */
export function splitReturn(parts: FundingParts, returnedBeforeMinor: bigint, pieceMinor: bigint): FundingParts {
  const from = returnedBeforeMinor;
  const to = returnedBeforeMinor + pieceMinor;
  const between = (start: bigint, length: bigint): bigint => {
    const low = from > start ? from : start;
    const high = minMinor(to, start + length);
    return high > low ? high - low : 0n;
  };
  return {
    amountMinor: between(0n, parts.amountMinor),
    aftercareMinor: between(parts.amountMinor, parts.aftercareMinor),
    bufferMinor: between(parts.amountMinor + parts.aftercareMinor, parts.bufferMinor),
  };
}

/**
 * How much a held-up return may take from the seller's payments balance: not what passes through it for someone else. Without
 * this, a retry would take the money of another payout's transfer between its two hops.
 */
export function returnableMinor(availableMinor: bigint, othersMinor: bigint, leftMinor: bigint): bigint {
  const freeMinor = availableMinor - othersMinor;
  return freeMinor > 0n ? minMinor(freeMinor, leftMinor) : 0n;
}

const checkDelayFirstMs = 30_000;
const checkDelayLongestMs = 3_600_000;

/** When to ask Stripe again by ourselves; its events usually come first. Doubles from half a minute to an hour. */
export function nextCheckAt(attempts: number, now: Date): Date {
  const delayMs = Math.min(checkDelayFirstMs * 2 ** Math.min(attempts, 20), checkDelayLongestMs);
  return new Date(now.getTime() + delayMs);
}

const afterExpectedMs = 60_000;
const expectedTrustMs = 6 * 3_600_000;

/**
 * When to look for an arrival again. Stripe said when to expect it, and thousands may wait for the same midnight: asking often until then
 * would spend the request budget on nothing. Its clock is not ours, so its word is trusted for some hours only.
 */
export function nextArrivalCheckAt(attempts: number, expectedAt: Date | null, now: Date): Date {
  const usual = nextCheckAt(attempts, now);
  if (expectedAt === null) return usual;
  const expected = new Date(Math.min(expectedAt.getTime() + afterExpectedMs, now.getTime() + expectedTrustMs));
  return laterOf(usual, expected);
}

/** Stripe's code for a balance that is too small: https://docs.stripe.com/error-codes#balance-insufficient */
export const balanceInsufficientCode = 'balance_insufficient';

/** Ours: the prefunded account's free float is too small. */
export const floatInsufficientCode = 'float_insufficient';

/** Nothing moved because the source holds too little for now: asking again later is right. */
export function isShort(code: string): boolean {
  return code === balanceInsufficientCode || code === floatInsufficientCode;
}

/** Ours: money that stood in the seller's payments balance for a moment is no longer there. */
export const drainedCode = 'seller_payments_drained';

/** Why a return is held up, in our words where Stripe's code alone does not say what happened. */
export function nameReturnFailure(
  failure: Readonly<{ code: string; detail: string }>,
): Readonly<{ code: string; detail: string }> {
  if (failure.code !== balanceInsufficientCode) return failure;
  return {
    code: drainedCode,
    detail:
      "The seller's payments balance no longer holds the money that was to go back to the platform. It is tried again when the balance grows.",
  };
}

const fundingLineTypes: readonly string[] = ['topup', 'inbound_transfer'];

/**
 * Whether a line of a prefunded account's Issuing balance is float: money that came in from outside and was not sent by us. Balance
 * transfers are not: one of ours may not be posted yet, and a person's would have left a payments balance that the ledger follows.
 */
export function isFunding(line: StripeBalanceTransaction): boolean {
  return line.balanceType === 'issuing' && line.netMinor > 0n && fundingLineTypes.includes(line.type);
}

export function laterOf(...times: readonly Date[]): Date {
  return times.reduce((latest, time) => (time > latest ? time : latest));
}

/**
 * The far line of a balance transfer among the account's lines, oldest first: by the transfer's id where Stripe names it, else by
 * balance and amount. (The one-in-flight rule makes the amount enough; a line claimed by another hop is refused by a unique key.)
 */
export function findArrivalLine(
  lines: readonly StripeBalanceTransaction[],
  wanted: Readonly<{ balanceType: 'issuing' | 'payments'; amountMinor: bigint; sourceId: string | null }>,
): StripeBalanceTransaction | null {
  const candidates = lines
    .filter((line) => line.type === 'balance_transfer_inbound' && line.balanceType === wanted.balanceType)
    .filter((line) => line.netMinor === wanted.amountMinor)
    .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  const named = candidates.find((line) => wanted.sourceId !== null && line.sourceId === wanted.sourceId);
  return named ?? candidates.find((line) => line.sourceId === null) ?? null;
}
