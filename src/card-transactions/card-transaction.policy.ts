import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { Currency, money } from '../shared/money';
import type { CardTransactionKind, RefundMatch, Share } from './card-transaction.types';

/** A payout's terms, as far as a card transaction touches them. Minor units, each at least zero. */
export interface SpendingTerms {
  readonly owedMinor: bigint;
  readonly paidMinor: bigint;
  readonly overspentMinor: bigint;
  readonly aftercareMinor: bigint;
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** A capture is never refused: what the promise does not cover, the seller owes us. `amountMinor` is above zero. */
export function shareCapture(amountMinor: bigint, terms: SpendingTerms): Share {
  const paidMinor = least(amountMinor, terms.owedMinor);
  return { paidMinor, overspentMinor: amountMinor - paidMinor, aftercareMinor: 0n };
}

/**
 * A refund first makes good what this payout overspent, then goes back into the promise as far as that was paid, unless the payout
 * is closed; the rest waits to be returned. `amountMinor` is above zero.
 */
export function shareRefund(amountMinor: bigint, terms: SpendingTerms, isClosed: boolean): Share {
  const overspentMinor = least(amountMinor, terms.overspentMinor);
  const paidMinor = isClosed ? 0n : least(amountMinor - overspentMinor, terms.paidMinor);
  return {
    paidMinor: -paidMinor,
    overspentMinor: -overspentMinor,
    aftercareMinor: amountMinor - overspentMinor - paidMinor,
  };
}

/** The merchant takes a refund back: the same in the opposite order. `amountMinor` is above zero. */
export function shareRefundReversal(amountMinor: bigint, terms: SpendingTerms): Share {
  const aftercareMinor = least(amountMinor, terms.aftercareMinor);
  const paidMinor = least(amountMinor - aftercareMinor, terms.owedMinor);
  return { paidMinor, overspentMinor: amountMinor - aftercareMinor - paidMinor, aftercareMinor: -aftercareMinor };
}

/** A share as lines of an entry: paid and owed to us are debits, what is to be returned a credit. */
export function sharePostings(
  share: Share,
  of: { connectedAccountId: string; payoutId: string; currency: Currency },
): Posting[] {
  const line = (account: string, amountMinor: bigint): Posting[] => {
    if (amountMinor === 0n) return [];
    return amountMinor > 0n
      ? [debit(account, money(amountMinor, of.currency))]
      : [credit(account, money(-amountMinor, of.currency))];
  };
  return [
    ...line(accounts.payoutOwed(of.payoutId, of.currency), share.paidMinor),
    ...line(accounts.sellerReceivable(of.connectedAccountId, of.currency), share.overspentMinor),
    ...line(accounts.aftercare(of.payoutId, of.currency), -share.aftercareMinor),
  ];
}

/** How long a capture waits for the release of its hold to show up; then it is booked as it is. */
const releaseAwaitedMs = 10 * 60_000;

/** How much older than its capture a release may be: Stripe writes both for the same message. */
const releaseLeadMsMax = 5_000;

/**
 * Whether a capture came without the release that goes with it, while its authorization still holds something: booked now, it would
 * look like an overspend. `hold`: what is held after the releases that Stripe's lines show.
 * https://docs.stripe.com/issuing/purchases/transactions
 */
export function isReleaseAwaited(
  { amountMinor, createdAt }: { amountMinor: bigint; createdAt: Date },
  owedMinor: bigint,
  hold: { heldMinor: bigint; lines: readonly { type: string; createdAt: Date }[] },
  now: Date,
): boolean {
  const isShort = amountMinor < 0n && -amountMinor > owedMinor;
  if (!isShort || hold.heldMinor === 0n || now.getTime() - createdAt.getTime() >= releaseAwaitedMs) return false;
  const releasedFrom = createdAt.getTime() - releaseLeadMsMax;
  return !hold.lines.some(
    (line) => line.type === 'issuing_authorization_release' && line.createdAt.getTime() >= releasedFrom,
  );
}

/** What a capture is, by the authorization behind it as it stood before. Minor units. */
export function kindOfCapture(
  amountMinor: bigint,
  authorization: { approved: boolean; hasEndedUncaptured: boolean; amountMinor: bigint } | null,
  capturedBeforeMinor: bigint,
): CardTransactionKind {
  if (!authorization?.approved) return 'force_capture';
  if (authorization.hasEndedUncaptured) return 'late_capture';
  return capturedBeforeMinor + amountMinor > authorization.amountMinor ? 'over_capture' : 'capture';
}

export interface RefundableCapture {
  readonly id: string;
  readonly stripeAuthorizationId: string | null;
  readonly amountMinor: bigint;
}

/**
 * Which capture a refund refunds. Stripe names the authorization, or only guesses, or says nothing: then the one capture on the
 * card of the same amount, or the card's only capture if it was large enough.
 * https://docs.stripe.com/issuing/purchases/transactions
 */
export function matchRefund(
  refund: { stripeAuthorizationId: string | null; amountMinor: bigint },
  captures: readonly RefundableCapture[],
): { match: RefundMatch; captureId: string | null } {
  const sizeOf = (capture: RefundableCapture): bigint => -capture.amountMinor;
  if (refund.stripeAuthorizationId !== null) {
    const linked = captures.filter((capture) => capture.stripeAuthorizationId === refund.stripeAuthorizationId);
    const exact = linked.find((capture) => sizeOf(capture) === refund.amountMinor);
    return { match: 'linked', captureId: (exact ?? linked[0])?.id ?? null };
  }
  const same = captures.filter((capture) => sizeOf(capture) === refund.amountMinor);
  if (same.length === 1) return { match: 'matched', captureId: same[0]!.id };
  const [only, ...others] = captures;
  if (only && others.length === 0 && sizeOf(only) >= refund.amountMinor)
    return { match: 'matched', captureId: only.id };
  return { match: 'unlinked', captureId: null };
}
