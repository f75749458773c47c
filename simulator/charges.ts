import type Stripe from 'stripe';
import { checkAmount } from './amounts';
import { move, renderBalance } from './balance';
import { nextBusinessDayMs } from './clock';
import { readCurrency } from './currencies';
import { ApiError, badParameter } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { Row } from './kinds';
import { answerList, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';

type Charge = Stripe.Charge;

interface ChargeFacts {
  amount: number;
  currency: string;
  description: string | null;
  transfer?: string;
  paymentIntent?: string;
  paymentMethod?: string;
  metadata?: Record<string, string>;
}

function newCharge(
  session: Session,
  id: string,
  facts: ChargeFacts,
  balanceTransaction: string,
): Charge & { object: 'charge' } {
  return {
    id,
    object: 'charge',
    amount: facts.amount,
    amount_captured: facts.amount,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: balanceTransaction,
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    calculated_statement_descriptor: null,
    captured: true,
    created: session.now,
    currency: facts.currency,
    customer: null,
    description: facts.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    fraud_details: null,
    livemode: false,
    metadata: facts.metadata ?? {},
    on_behalf_of: null,
    outcome: null,
    paid: true,
    payment_intent: facts.paymentIntent ?? null,
    payment_method: facts.paymentMethod ?? null,
    payment_method_details: null,
    receipt_email: null,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: facts.transfer ?? null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'succeeded',
    transfer_data: null,
    transfer_group: null,
  };
}

/** What a transfer looks like on the account it reached. */
export function newTransferPayment(seller: Session, facts: ChargeFacts & { transfer: string }): Charge {
  const id = newId('py');
  const incoming = move(seller, {
    ...{ amount: facts.amount, currency: facts.currency, description: facts.description, source: id },
    ...{ balanceType: 'payments', type: 'payment', place: 'other_accounts' },
  });
  const payment = newCharge(seller, id, facts, incoming.id);
  seller.insert<'charge'>(payment, {});
  return payment;
}

/** What a transfer's reversal looks like on the account it takes from. */
export function newTransferRefund(seller: Session, payment: string, amount: number, reversal: string): Stripe.Refund {
  const row = seller.get('charge', payment);
  const id = newId('pyr');
  const outgoing = move(seller, {
    ...{ amount: -amount, currency: row.body.currency, description: `REFUND FOR PAYMENT (${payment})`, source: id },
    ...{ balanceType: 'payments', type: 'payment_refund', place: 'other_accounts' },
  });
  row.body.amount_refunded += amount;
  row.body.refunded = row.body.amount_refunded === row.body.amount;
  seller.save(row);
  const refund: Stripe.Refund & { object: 'refund' } = {
    id,
    object: 'refund',
    amount,
    balance_transaction: outgoing.id,
    charge: payment,
    created: seller.now,
    currency: row.body.currency,
    customer: null,
    customer_account: null,
    metadata: {},
    payment_intent: null,
    payment_method: null,
    reason: null,
    receipt_number: null,
    source_transfer_reversal: reversal,
    status: 'succeeded',
    transfer_reversal: null,
  };
  seller.insert<'refund'>(refund, {});
  return refund;
}

// Everything else waits for two business days, as a charge in the US does.
const bypassingPending = ['pm_card_bypassPending', 'tok_bypassPending', 'pm_card_bypassPendingInternational'];

/** A buyer pays: how the platform comes to money in tests. No fees are taken. */
export function takePayment(session: Session, facts: ChargeFacts): Charge {
  refuseDeclined(facts.paymentMethod);
  const id = newId('ch');
  const waits = !bypassingPending.includes(facts.paymentMethod ?? '');
  const incoming = move(session, {
    ...{ amount: facts.amount, currency: facts.currency, description: facts.description, source: id },
    ...{ balanceType: 'payments', type: 'charge', place: 'buyers' },
    ...(waits ? { availableAtMs: nextBusinessDayMs(session.nowMs, 2) } : {}),
  });
  const charge = newCharge(session, id, facts, incoming.id);
  charge.payment_method = facts.paymentMethod?.startsWith('pm_') ? newId('pm') : null;
  session.insert<'charge'>(charge, {});
  emit(session, 'charge.succeeded', charge);
  if (!waits) emit(session, 'balance.available', renderBalance(session));
  return charge;
}

function refuseDeclined(paymentMethod: string | undefined): void {
  if (!paymentMethod?.includes('Declined') && !paymentMethod?.includes('InsufficientFunds')) return;
  throw new ApiError(402, { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' });
}

export function createCharge(session: Session, params: Stripe.ChargeCreateParams): Charge {
  if (params.amount === undefined) throw badParameter('Missing required param: amount.', 'amount', 'parameter_missing');
  if (params.currency === undefined)
    throw badParameter('Missing required param: currency.', 'currency', 'parameter_missing');
  if (params.source === undefined)
    throw badParameter('Must provide source or customer.', 'source', 'parameter_missing');
  checkAmount(params.amount);
  return takePayment(session, {
    amount: params.amount,
    currency: readCurrency(params.currency),
    description: params.description ?? null,
    paymentMethod: params.source,
    metadata: mergedMetadata({}, params.metadata),
  });
}

export function listCharges(session: Session, params: Stripe.ChargeListParams): ListAnswer {
  const condition = {
    sql: params.payment_intent === undefined ? '1 = 1' : "json_extract(o.body, '$.payment_intent') = ?",
    values: params.payment_intent === undefined ? [] : [params.payment_intent],
  };
  return answerList(session, 'charge', '/v1/charges', params, renderCharge, [], condition);
}

export function renderCharge(_session: Session, row: Row<'charge'>): Charge {
  return row.body;
}

export function renderRefund(_session: Session, row: Row<'refund'>): Stripe.Refund {
  return row.body;
}
