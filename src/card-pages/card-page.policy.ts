import { createHash } from 'node:crypto';
import type { DeclineReason, UndecidedReason } from '../authorization-decisions/authorization-reason.types';
import { Authorization } from '../authorizations/authorization.types';
import { Card } from '../card-issuance/card.types';
import { CardState, DeclineAdvice } from '../card-page-texts/card-page-text.types';
import { CardTransaction } from '../card-transactions/card-transaction.types';
import { PayoutStatus } from '../payouts/payout.types';
import { money } from '../shared/money';
import { CardEvent, CardPage, Decline } from './card-page.types';

/** Each refusal of ours, so that a new one does not compile until somebody has said what the seller is told. */
const ours: Readonly<Record<DeclineReason | UndecidedReason, DeclineAdvice>> = {
  unknown_card: 'ask_marketplace',
  authorization_not_open: 'no_open_charge',
  payout_not_ready: 'not_ready',
  payout_canceled: 'ended',
  payout_expired: 'ended',
  already_used: 'already_used',
  card_canceled: 'newer_card',
  account_restricted: 'ask_marketplace',
  card_frozen: 'paused',
  currency_mismatch: 'wrong_currency',
  category_blocked: 'kind_of_merchant',
  category_not_allowed: 'kind_of_merchant',
  merchant_country_blocked: 'merchant_country',
  merchant_country_not_allowed: 'merchant_country',
  probe_limit: 'second_check',
  amount_not_exact: 'exact_amount',
  increment_exceeds_amount: 'extra_amount',
  amount_exceeds_remaining: 'too_much',
  deadline_exceeded: 'try_again',
  database_unavailable: 'try_again',
  internal_error: 'try_again',
};

/** Stripe's own. https://docs.stripe.com/api/issuing/authorizations/object#issuing_authorization_object-request_history-reason */
const stripes: Readonly<Record<string, DeclineAdvice>> = {
  account_disabled: 'ask_marketplace',
  card_canceled: 'newer_card',
  card_expired: 'ended',
  card_inactive: 'paused',
  cardholder_blocked: 'ask_marketplace',
  cardholder_inactive: 'ask_marketplace',
  cardholder_verification_required: 'ask_marketplace',
  insecure_authorization_method: 'other_way',
  insufficient_funds: 'ask_marketplace',
  network_fallback: 'try_again',
  not_allowed: 'ask_marketplace',
  pin_blocked: 'other_way',
  spending_controls: 'card_rules',
  stripe_internal_error: 'try_again',
  suspected_fraud: 'ask_marketplace',
  verification_failed: 'check_details',
  webhook_declined: 'try_again',
  webhook_error: 'try_again',
  webhook_timeout: 'try_again',
};

/** Reasons that are no refusal: nobody is advised on them. */
export const approvals: readonly string[] = ['approved', 'card_active', 'webhook_approved'];

/** What the seller is told of a refusal, ours or Stripe's. A reason nobody knows is one for the marketplace. */
export function adviceOn(reason: string): DeclineAdvice {
  return (ours as Readonly<Record<string, DeclineAdvice>>)[reason] ?? stripes[reason] ?? 'ask_marketplace';
}

/** True when the reason was thought of; for the test that all are. */
export function isAdvised(reason: string): boolean {
  return reason in ours || reason in stripes;
}

/**
 * How the card stands in the seller's eyes. A purchase that came back whole was still a purchase; and what has had its time cannot be
 * used any more, though its ending may have to wait for that of many others.
 */
export function stateOf(
  { status, expiresAt }: Readonly<{ status: PayoutStatus; expiresAt: Date }>,
  card: Card | null,
  wasCharged: boolean,
  now: Date,
): CardState {
  if (unspent.includes(status) && expiresAt <= now) return wasCharged ? 'used' : 'expired';
  switch (status) {
    case 'pending':
    case 'funding':
      return 'funding';
    case 'issuing':
      return 'making';
    case 'ready':
      return card !== null && isUsable(card) ? 'ready' : 'paused';
    case 'authorized':
      return 'reserved';
    case 'settled':
      return 'used';
    case 'closed':
      return wasCharged ? 'used' : 'unused';
    case 'expired':
    case 'canceled':
    case 'failed':
      return wasCharged ? 'used' : status;
  }
}

const unspent: readonly PayoutStatus[] = ['pending', 'funding', 'issuing', 'ready'];

export function isUsable(card: Card): boolean {
  return card.status === 'active' && !card.frozen && card.cancelRequestedAt === null && card.stripeCardId !== null;
}

/**
 * Charged less what came back, in the seller's eyes: what came back after close is not the payout's any more, and not theirs either.
 * Stripe's sign is that of its balance.
 */
export function spentMinor(transactions: readonly Pick<CardTransaction, 'amountMinor'>[]): bigint {
  const moved = transactions.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
  return moved < 0n ? -moved : 0n;
}

/** Charges, refunds and open or released reservations, newest first. A reservation that was charged is told by its charge. */
export function eventsOf(
  authorizations: readonly Authorization[],
  transactions: readonly CardTransaction[],
): CardEvent[] {
  const reserved = authorizations
    .filter(({ approved, kind, status }) => approved && kind === 'purchase' && status !== 'closed')
    .map((authorization): CardEvent => ({
      what: authorization.status === 'pending' ? 'reserved' : 'released',
      amount: money(
        authorization.status === 'pending' ? authorization.heldMinor : authorization.amountMinor,
        authorization.currency,
      ),
      merchant: authorization.merchant.name,
      at: authorization.endedAt ?? authorization.createdAt,
    }));
  const settled = transactions.map((transaction): CardEvent => {
    const { amountMinor, currency, merchantName, occurredAt, type } = transaction;
    const what = type === 'capture' ? 'charged' : amountMinor < 0n ? 'refund_taken_back' : 'refunded';
    const size = amountMinor < 0n ? -amountMinor : amountMinor;
    return { what, amount: money(size, currency), merchant: merchantName, at: occurredAt };
  });
  return [...reserved, ...settled].sort((a, b) => b.at.getTime() - a.at.getTime());
}

/** The newest try to pay, if it was refused: an older one was followed by better luck, and needs no advice. */
export function declineOf(authorizations: readonly Authorization[]): Decline | null {
  const newest = authorizations[0];
  if (!newest || newest.approved || approvals.includes(newest.reason)) return null;
  return {
    advice: adviceOn(newest.reason),
    amount: money(newest.amountMinor, newest.currency),
    merchant: newest.merchant.name,
    at: newest.createdAt,
  };
}

/** The last two digits: enough to know one's own number by, too few to call it. */
export function phoneEnding(phoneNumber: string | undefined): string | null {
  return phoneNumber === undefined ? null : phoneNumber.slice(-2);
}

/** Changes whenever the page would say something else. */
export function versionOf(page: CardPage): string {
  const text = JSON.stringify(page, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** How long a page may wait for its person, and how soon nobody can have read it. */
export const pageAgeMsMax = 12 * 60 * 60 * 1_000;
export const pageAgeMsMin = 1_000;
/** How long the button is held at least, as the page's script tells it. */
export const holdMsMin = 900;

/** What a person did to see the card, as the page's script saw it. */
export type Gesture = Readonly<{ way: 'hold'; ms: number }> | Readonly<{ way: 'typed'; ending: string }>;

export type RevealRequest = Readonly<{ pageToken: string; nonce: string; gesture: Gesture }>;

/** Null for anything but what our own script sends. */
export function readRevealRequest(body: unknown): RevealRequest | null {
  if (typeof body !== 'object' || body === null) return null;
  const { page, nonce, gesture } = body as Record<string, unknown>;
  if (typeof page !== 'string' || typeof nonce !== 'string') return null;
  // Stripe's nonce goes into a request of ours: its form is known.
  if (!/^[\w-]{8,255}$/.test(nonce)) return null;
  if (typeof gesture !== 'object' || gesture === null) return null;
  const { way, ms, ending } = gesture as Record<string, unknown>;
  if (way === 'hold' && typeof ms === 'number') return { pageToken: page, nonce, gesture: { way, ms } };
  if (way === 'typed' && typeof ending === 'string') return { pageToken: page, nonce, gesture: { way, ending } };
  return null;
}

/** Whether a gesture is one that no scanner makes by itself: the button held, or the card's own digits typed. */
export function isPersonal(gesture: Gesture, last4: string | null): boolean {
  return gesture.way === 'hold'
    ? Number.isFinite(gesture.ms) && gesture.ms >= holdMsMin
    : last4 !== null && gesture.ending.replaceAll(/\s/g, '') === last4;
}
