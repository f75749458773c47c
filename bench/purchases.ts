import { createHmac } from 'node:crypto';

export const webhookSecret = 'whsec_bench_events';
export const authorizationSecret = 'whsec_bench_authorizations';

/** The payouts of the bench are numbered from 0; everything about one follows from its number. */
export const payoutAmount = 50_00;
export const sellerCount = 100;

export function stripeCardIdOf(payout: number): string {
  return `ic_bench${String(payout).padStart(10, '0')}`;
}

export function stripeAccountOf(payout: number): string {
  return `acct_bench${String(payout % sellerCount).padStart(4, '0')}`;
}

/** Spreads consecutive numbers over all payouts: cards are not used in the order they were made. */
export function scattered(turn: number, payouts: number): number {
  return (turn * 104_729) % payouts;
}

export interface Purchase {
  readonly payout: number;
  /** What tells one authorization from another. */
  readonly authorization: string;
  /** A card nobody issued. */
  readonly isUnknownCard?: boolean;
}

/** An `issuing_authorization.request` as Stripe sends it. */
export function purchaseEvent({ payout, authorization, isUnknownCard }: Purchase, createdAt: number): object {
  const card = isUnknownCard ? `ic_unknown${payout}` : stripeCardIdOf(payout);
  const created = Math.floor(createdAt / 1_000);
  return {
    id: `evt_${authorization}`,
    object: 'event',
    account: stripeAccountOf(payout),
    api_version: '2026-10-28.endive',
    created,
    type: 'issuing_authorization.request',
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    data: { object: stripeAuthorization(`iauth_${authorization}`, card, created) },
  };
}

/** A pending authorization with every field Stripe sends. https://docs.stripe.com/api/issuing/authorizations/object */
function stripeAuthorization(id: string, card: string, created: number): object {
  return {
    id,
    object: 'issuing.authorization',
    amount: 0,
    amount_details: { atm_fee: null, cashback_amount: 0 },
    approved: false,
    authorization_method: 'online',
    balance_transactions: [],
    card: {
      id: card,
      object: 'issuing.card',
      brand: 'Visa',
      cancellation_reason: null,
      cardholder: {
        id: 'ich_bench',
        object: 'issuing.cardholder',
        name: 'Jenny Rosen',
        email: 'jenny.rosen@example.com',
        phone_number: '+14155550199',
        status: 'active',
        type: 'individual',
        billing: {
          address: {
            city: 'South San Francisco',
            country: 'US',
            line1: '354 Oyster Point Blvd',
            line2: null,
            postal_code: '94080',
            state: 'CA',
          },
        },
        requirements: { disabled_reason: null, past_due: [] },
      },
      created: created - 3_600,
      currency: 'usd',
      exp_month: 12,
      exp_year: 2030,
      last4: '4242',
      livemode: false,
      metadata: {},
      status: 'active',
      type: 'virtual',
    },
    cardholder: 'ich_bench',
    created,
    currency: 'usd',
    livemode: false,
    merchant_amount: 0,
    merchant_currency: 'usd',
    merchant_data: {
      category: 'eating_places_restaurants',
      category_code: '5812',
      city: 'Oakland',
      country: 'US',
      name: 'Corner Diner',
      network_id: '1234567890',
      postal_code: '94607',
      state: 'CA',
      terminal_id: null,
      url: null,
    },
    metadata: {},
    network_data: { acquiring_institution_id: null, system_trace_audit_number: null, transaction_id: null },
    pending_request: {
      amount: payoutAmount,
      amount_details: { atm_fee: null, cashback_amount: 0 },
      currency: 'usd',
      is_amount_controllable: false,
      merchant_amount: payoutAmount,
      merchant_currency: 'usd',
      network_risk_score: null,
    },
    request_history: [],
    status: 'pending',
    transactions: [],
    verification_data: { address_line1_check: 'match', cvc_check: 'match', expiry_check: 'match' },
    wallet: null,
  };
}

/**
 * `card`: of a card of ours, whose handler asks Stripe how it stands and keeps that. `foreign_card`: of a card that is not ours, which
 * takes the database alone. `money`: of an authorization, which goes before the others.
 */
export type EventSort = 'card' | 'foreign_card' | 'money';

export function inboxEvent(sort: EventSort, payout: number, id: string, createdAt: number): object {
  const created = Math.floor(createdAt / 1_000);
  const isMoney = sort === 'money';
  return {
    id: `evt_${id}`,
    object: 'event',
    account: stripeAccountOf(payout),
    api_version: '2026-10-28.endive',
    created,
    type: isMoney ? 'issuing_authorization.updated' : 'issuing_card.updated',
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    data: {
      object: isMoney
        ? { ...stripeAuthorization(`iauth_${id}`, stripeCardIdOf(payout), created), status: 'closed' }
        : stripeCard(sort === 'card' ? stripeCardIdOf(payout) : `ic_foreign${id}`),
    },
  };
}

/** What Stripe says of a card. https://docs.stripe.com/api/issuing/cards/object */
export function stripeCard(id: string): object {
  return {
    id,
    object: 'issuing.card',
    brand: 'Visa',
    cancellation_reason: null,
    cardholder: { id: 'ich_bench', object: 'issuing.cardholder', type: 'individual', status: 'active' },
    created: 1_780_000_000,
    currency: 'usd',
    exp_month: 12,
    exp_year: 2030,
    last4: '4242',
    livemode: false,
    metadata: {},
    replaced_by: null,
    replacement_for: null,
    replacement_reason: null,
    shipping: null,
    spending_controls: {
      allowed_categories: null,
      blocked_categories: null,
      allowed_merchant_countries: null,
      blocked_merchant_countries: null,
      spending_limits: [],
      spending_limits_currency: 'usd',
    },
    status: 'active',
    type: 'virtual',
    wallets: { apple_pay: { eligible: true }, google_pay: { eligible: true }, primary_account_identifier: null },
  };
}

/** The whole HTTP request, signed as Stripe signs: https://docs.stripe.com/webhooks/signature */
export function signedRequest(path: string, event: object, secret: string, at: number): Buffer {
  const body = JSON.stringify(event);
  const seconds = Math.floor(at / 1_000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*\r\n` +
      `Content-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Stripe-Signature: t=${seconds},v1=${signature}\r\n\r\n${body}`,
  );
}
