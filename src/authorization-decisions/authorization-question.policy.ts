import type { JsonObject } from '../stripe/stripe.types';

/**
 * What decide_authorization is asked, in its own names: numbers are minor units of the card's currency. Nothing of the cardholder
 * or the card beyond its id: Stripe embeds both in the event, and what is not here cannot be stored.
 */
export type AuthorizationQuestion = Readonly<{
  stripe_event_id: string;
  stripe_authorization_id: string;
  stripe_card_id: string;
  /** The seller's `acct_…`; null when the event does not say. */
  stripe_account: string | null;
  /** How many answers Stripe had when it asked: the first request has 0, the n-th increment n. */
  history_length: number;
  /** What Stripe held for this authorization when it asked. */
  held_before_minor: number;
  /** The additional hold asked for. */
  amount_minor: number;
  currency: string;
  is_amount_controllable: boolean;
  cashback_minor: number;
  merchant_amount_minor: number | null;
  merchant_currency: string | null;
  authorization_method: string | null;
  merchant: Readonly<{
    name: string | null;
    category: string | null;
    category_code: string | null;
    city: string | null;
    country: string | null;
    network_id: string | null;
  }>;
}>;

export type AuthorizationEvent = Readonly<{
  question: AuthorizationQuestion;
  isLive: boolean;
  /** The version Stripe rendered the event in, and reads the answer in. */
  apiVersion: string | null;
}>;

/**
 * Reads an `issuing_authorization.request` event.
 * https://docs.stripe.com/issuing/controls/real-time-authorizations
 * @returns undefined when it is not one, or lacks what a decision needs
 */
export function toAuthorizationEvent(event: unknown): AuthorizationEvent | undefined {
  const envelope = asRecord(event);
  const authorization = asRecord(asRecord(envelope?.['data'])?.['object']);
  const pending = asRecord(authorization?.['pending_request']);
  if (envelope?.['type'] !== 'issuing_authorization.request' || !authorization || !pending) return undefined;

  const stripeEventId = idOrNull(envelope['id']);
  const stripeAuthorizationId = idOrNull(authorization['id']);
  const stripeCardId = idOrNull(authorization['card']) ?? idOrNull(asRecord(authorization['card'])?.['id']);
  const amountMinor = amountOrNull(pending['amount']);
  const currency = textOrNull(pending['currency']) ?? textOrNull(authorization['currency']);
  if (!stripeEventId || !stripeAuthorizationId || !stripeCardId || amountMinor === null || !currency) return undefined;

  const merchant = asRecord(authorization['merchant_data']) ?? {};
  const history = authorization['request_history'];
  return {
    isLive: envelope['livemode'] === true,
    apiVersion: textOrNull(envelope['api_version']),
    question: {
      stripe_event_id: stripeEventId,
      stripe_authorization_id: stripeAuthorizationId,
      stripe_card_id: stripeCardId,
      stripe_account: idOrNull(envelope['account']),
      history_length: Array.isArray(history) ? history.length : 0,
      held_before_minor: amountOrNull(authorization['amount']) ?? 0,
      amount_minor: amountMinor,
      currency,
      is_amount_controllable: pending['is_amount_controllable'] === true,
      cashback_minor: amountOrNull(asRecord(pending['amount_details'])?.['cashback_amount']) ?? 0,
      merchant_amount_minor: amountOrNull(pending['merchant_amount']),
      merchant_currency: textOrNull(pending['merchant_currency']),
      authorization_method: textOrNull(authorization['authorization_method']),
      merchant: {
        name: textOrNull(merchant['name']),
        category: textOrNull(merchant['category']),
        category_code: textOrNull(merchant['category_code']),
        city: textOrNull(merchant['city']),
        country: textOrNull(merchant['country']),
        network_id: textOrNull(merchant['network_id']),
      },
    },
  };
}

function asRecord(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function idOrNull(value: unknown): string | null {
  return typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value) ? value : null;
}

// A merchant may call itself anything; PostgreSQL stores no NUL and no half of a surrogate pair.
function textOrNull(value: unknown): string | null {
  return typeof value === 'string'
    ? Buffer.from(value.slice(0, 500).replaceAll('\0', ''), 'utf8').toString('utf8')
    : null;
}

function amountOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
