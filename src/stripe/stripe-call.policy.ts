import type { StripeCallKind, StripeCallParams, StripeCallStatus } from './stripe-call.types';

/** Stripe keeps a key at least this long; after it, the same key is a new request. https://docs.stripe.com/api/idempotent_requests */
export const idempotencyKeyLifeMs = 24 * 3_600_000;

/** We stop trusting a key before Stripe may forget it: our clock and its clock differ. */
export const idempotencyKeyTrustMs = idempotencyKeyLifeMs - 3_600_000;

/** So many 5xx in a row and the answer is probably stored under the key: look instead of knocking. */
export const serverErrorsBeforeLooking = 5;

/** What is not yet in Stripe's lists may appear a little later. */
const listingLagMs = 60_000;

/**
 * How long an object must stay absent before it counts as never made. Money waits out the key's life as well: after a 500 Stripe may still
 * complete what it began (https://docs.stripe.com/error-low-level), and a second transfer cannot be taken back. A second card or
 * cardholder would carry the same call id and hold no money. Updates say the same thing twice.
 */
const absenceLagMs: Readonly<Record<StripeCallKind, number>> = {
  'account.create': listingLagMs,
  'account.update': 0,
  'cardholder.create': listingLagMs,
  'cardholder.update': 0,
  'transfer.create': idempotencyKeyLifeMs + listingLagMs,
  'transfer_reversal.create': idempotencyKeyLifeMs + listingLagMs,
  'balance_transfer.create': idempotencyKeyLifeMs + listingLagMs,
  'topup.create': idempotencyKeyLifeMs + listingLagMs,
  'payout.create': idempotencyKeyLifeMs + listingLagMs,
  'card.create': listingLagMs,
  'card.update': 0,
};

type CallFacts = Readonly<{
  kind: StripeCallKind;
  status: StripeCallStatus;
  /** First send under the current key. */
  sentAt: Date | null;
  mustLook: boolean;
}>;

/** Whether the call may go out under its key, or the object has to be looked for first. */
export function chooseStep(call: CallFacts, now: Date): 'send' | 'look' {
  if (call.status === 'unknown' || call.mustLook) return 'look';
  if (call.sentAt !== null && now.getTime() - call.sentAt.getTime() > idempotencyKeyTrustMs) return 'look';
  return 'send';
}

/** Whether an object that was not found is proven never to have been made: absent twice, and for long enough since it was sent. */
export function isProvenAbsent(call: CallFacts, absences: number, now: Date): boolean {
  if (call.sentAt === null) return true;
  const lagMs = absenceLagMs[call.kind];
  if (lagMs === 0) return true;
  return absences >= 2 && now.getTime() - call.sentAt.getTime() >= lagMs;
}

const retryDelayMsFirst = 500;
const retryDelayMsMax = 5 * 60_000;
const lookDelayMsFirst = 5_000;
const lookDelayMsMax = 15 * 60_000;

/** Exponential, with jitter over the upper half, so that calls that failed together do not come back together. */
export function retryDelayMs(attempts: number, random: number): number {
  return withJitter(retryDelayMsFirst, attempts, retryDelayMsMax, random);
}

export function lookDelayMs(looks: number, random: number): number {
  return withJitter(lookDelayMsFirst, looks, lookDelayMsMax, random);
}

function withJitter(firstMs: number, count: number, mostMs: number, random: number): number {
  const delayMs = Math.min(mostMs, firstMs * 2 ** Math.min(Math.max(count - 1, 0), 20));
  return Math.round(delayMs * (0.5 + random / 2));
}

/** Kinds whose parameters name a person: sealed while the call is open, forgotten when it settles. */
export function isPersonal(kind: StripeCallKind): boolean {
  return kind.startsWith('account.') || kind.startsWith('cardholder.');
}

/**
 * Money on its way back, and cards that are done. These wait in a queue of their own: when a hundred thousand payouts expire in one minute,
 * they share Stripe's rate with new payouts instead of standing in front of them.
 */
export function isReturning(kind: StripeCallKind, params: object | null): boolean {
  switch (kind) {
    case 'transfer_reversal.create':
    case 'payout.create':
      return true;
    case 'balance_transfer.create':
      return (params as StripeCallParams['balance_transfer.create'] | null)?.source_balance.type === 'issuing';
    case 'card.update':
      // Freezing a card is urgent, burying one is not: our own decision declines it already.
      return (params as StripeCallParams['card.update'] | null)?.status === 'canceled';
    case 'account.create':
    case 'account.update':
    case 'cardholder.create':
    case 'cardholder.update':
    case 'transfer.create':
    case 'topup.create':
    case 'card.create':
      return false;
  }
}

/**
 * The lane of a call whose caller named none. Updates of one object keep their order, or an old one that is repeated would undo a newer one.
 * Balance transfers are told apart only by being alone: one at a time, per account and direction.
 */
export function laneOf<K extends StripeCallKind>(
  call: Readonly<{ kind: K; connectedAccountId: string; params: StripeCallParams[K] }>,
): string | null {
  if ('id' in call.params) return `${call.kind}:${call.params.id}`;
  if ('destination_balance' in call.params && typeof call.params.destination_balance === 'object') {
    const direction = call.params.destination_balance.type === 'issuing' ? 'in' : 'out';
    return `balance_transfer:${call.connectedAccountId}:${direction}`;
  }
  return null;
}
