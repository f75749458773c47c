import type Stripe from 'stripe';
import { checkAmount } from './amounts';
import { takePayment } from './charges';
import { readCurrency } from './currencies';
import { refused } from './errors';
import { emit } from './events';
import { newId, newSecret } from './ids';
import type { Row } from './kinds';
import { answerList, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';

type Intent = Stripe.PaymentIntent;

/** `payment_method_types` left the package's types; Stripe's CLI still sends it. */
type CreateParams = Stripe.PaymentIntentCreateParams & { payment_method_types?: string[] };

/** As far as funding a platform needs it: a card payment, confirmed at once or later. */
export function createPaymentIntent(session: Session, params: CreateParams): Intent {
  checkAmount(params.amount);
  const id = newId('pi');
  const intent: Intent & { object: 'payment_intent' } = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: params.amount,
    amount_capturable: 0,
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: params.capture_method ?? 'automatic',
    client_secret: newSecret(`${id}_secret`, 25),
    confirmation_method: params.confirmation_method ?? 'automatic',
    created: session.now,
    currency: readCurrency(params.currency),
    customer: params.customer ?? null,
    customer_account: null,
    description: params.description ?? null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: mergedMetadata({}, params.metadata),
    next_action: null,
    on_behalf_of: null,
    payment_method: params.payment_method ?? null,
    payment_method_configuration_details: null,
    payment_method_options: {
      card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: params.payment_method_types ?? ['card'],
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: params.statement_descriptor ?? null,
    statement_descriptor_suffix: params.statement_descriptor_suffix ?? null,
    status: params.payment_method ? 'requires_confirmation' : 'requires_payment_method',
    transfer_group: params.transfer_group ?? null,
  };
  const row = session.insert<'payment_intent'>(intent, {});
  emit(session, 'payment_intent.created', structuredClone(intent));
  return params.confirm ? confirm(session, row) : intent;
}

export function confirmPaymentIntent(session: Session, params: Stripe.PaymentIntentConfirmParams, id: string): Intent {
  const row = session.get('payment_intent', id);
  if (params.payment_method !== undefined) row.body.payment_method = params.payment_method;
  return confirm(session, row);
}

function confirm(session: Session, row: Row<'payment_intent'>): Intent {
  const { body } = row;
  if (body.status === 'succeeded' || body.status === 'canceled') {
    throw refused(
      `You cannot confirm this PaymentIntent because it has already ${body.status === 'succeeded' ? 'succeeded after being previously confirmed' : 'been canceled'}.`,
      'payment_intent_unexpected_state',
    );
  }
  if (body.capture_method === 'manual')
    throw refused('This simulator captures payments at once.', undefined, 'capture_method');
  if (typeof body.payment_method !== 'string') {
    throw refused(
      "You cannot confirm this PaymentIntent because it's missing a payment method.",
      'payment_intent_unexpected_state',
    );
  }
  const charge = takePayment(session, {
    amount: body.amount,
    currency: body.currency,
    description: body.description,
    paymentIntent: body.id,
    paymentMethod: body.payment_method,
    metadata: body.metadata,
  });
  body.status = 'succeeded';
  body.amount_received = body.amount;
  body.latest_charge = charge.id;
  body.payment_method = charge.payment_method;
  session.save(row);
  emit(session, 'payment_intent.succeeded', body);
  return body;
}

export function cancelPaymentIntent(session: Session, params: Stripe.PaymentIntentCancelParams, id: string): Intent {
  const row = session.get('payment_intent', id);
  const { body } = row;
  if (body.status === 'succeeded' || body.status === 'canceled') {
    throw refused(
      `You cannot cancel this PaymentIntent because it has a status of ${body.status}.`,
      'payment_intent_unexpected_state',
    );
  }
  body.status = 'canceled';
  body.canceled_at = session.now;
  body.cancellation_reason = params.cancellation_reason ?? null;
  session.save(row);
  emit(session, 'payment_intent.canceled', body);
  return body;
}

export function listPaymentIntents(session: Session, params: Stripe.PaymentIntentListParams): ListAnswer {
  return answerList(session, 'payment_intent', '/v1/payment_intents', params, renderPaymentIntent);
}

export function renderPaymentIntent(_session: Session, row: Row<'payment_intent'>): Intent {
  return row.body;
}
