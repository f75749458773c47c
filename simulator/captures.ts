import { randomInt } from 'node:crypto';
import type Stripe from 'stripe';
import { checkAmount } from './amounts';
import { changeAuthorization, hold, release } from './authorizations';
import { move } from './balance';
import { isoDate } from './clock';
import { refused } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { Row, StoredAuthorization } from './kinds';
import { countPayment, probeMax } from './lifecycle';
import { merchantFrom, purchaseAmount } from './merchants';
import { fleetFrom, fuelFrom, purchaseDetailsFrom } from './purchase-details';
import type { Session } from './session';
import { countSpending } from './spending-limits';

type Authorizations = Stripe['testHelpers']['issuing']['authorizations'];
type CaptureParams = NonNullable<Parameters<Authorizations['capture']>[1]>;
type FinalizeParams = NonNullable<Parameters<Authorizations['finalizeAmount']>[1]>;
type ReverseParams = NonNullable<Parameters<Authorizations['reverse']>[1]>;
type Transactions = Stripe['testHelpers']['issuing']['transactions'];
type ForceCaptureParams = NonNullable<Parameters<Transactions['createForceCapture']>[0]>;
type RefundParams = NonNullable<Parameters<Transactions['refund']>[1]>;
type Transaction = Stripe.Issuing.Transaction;

/** Settles an authorization. Stripe cannot refuse: not for the card's state, nor controls, nor the balance. */
export function captureAuthorization(session: Session, params: CaptureParams, id: string): object {
  const row = session.get('issuing.authorization', id);
  const { body, hidden } = row;
  if (!body.approved)
    throw refused(`The authorization ${id} was declined and cannot be captured; force a capture instead.`);
  if (body.status === 'reversed') throw refused(`The authorization ${id} has been reversed and cannot be captured.`);
  if (body.status === 'closed') throw refused(`The authorization ${id} is closed and cannot be captured again.`);
  const amount = params.capture_amount ?? body.amount - hidden.captured;
  checkAmount(amount, 'capture_amount');
  const closes = params.close_authorization ?? true;

  const answer = changeAuthorization(session, row, () => {
    release(session, row, closes ? hidden.held : Math.min(amount, hidden.held));
    hidden.captured += amount;
    // An expired authorization that is captured late has nothing left to wait for.
    if (closes || body.status === 'expired') body.status = 'closed';
    const merchantAmount = body.amount === 0 ? amount : Math.round((body.merchant_amount * amount) / body.amount);
    const transaction = post(session, {
      card: session.get('issuing.card', body.card).body,
      authorization: body,
      amount: -amount,
      merchantAmount: -merchantAmount,
      merchantCurrency: body.merchant_currency,
      merchant: body.merchant_data,
      type: 'capture',
      purchaseDetails: params.purchase_details,
    });
    body.transactions.unshift(transaction.id);
  });
  // A probe that is captured was a payment after all.
  if (body.amount <= probeMax) countPayment(session, session.get('issuing.card', body.card), id);
  return answer;
}

export function reverseAuthorization(session: Session, params: ReverseParams, id: string): object {
  const row = session.get('issuing.authorization', id);
  const { body, hidden } = row;
  refuseUnlessOpen(row);
  const amount = params.reverse_amount ?? hidden.held;
  // All of a probe of zero is zero.
  if (hidden.held > 0) checkAmount(amount, 'reverse_amount');
  if (amount > hidden.held) {
    throw refused(
      `The reverse amount ${amount} is larger than what the authorization still holds (${hidden.held}).`,
      undefined,
      'reverse_amount',
    );
  }
  return changeAuthorization(session, row, () => {
    shrink(session, row, amount);
    if (hidden.held === 0) body.status = hidden.captured > 0 ? 'closed' : 'reversed';
  });
}

function shrink(session: Session, row: Row<'issuing.authorization'>, amount: number): void {
  const { body } = row;
  const merchantAmount = body.amount === 0 ? 0 : Math.round((body.merchant_amount * amount) / body.amount);
  release(session, row, amount);
  body.amount -= amount;
  body.merchant_amount -= merchantAmount;
  giveBackSpending(session, row, amount);
}

function giveBackSpending(session: Session, { body }: Row<'issuing.authorization'>, amount: number): void {
  if (!session.settings.reversal_restores_limits) return;
  const card = session.get('issuing.card', body.card);
  const cardholder = session.get('issuing.cardholder', card.body.cardholder).body;
  countSpending(session, {
    authorization: body.id,
    card,
    cardholder,
    amount: -amount,
    category: body.merchant_data.category,
  });
}

function refuseUnlessOpen({ body }: Row<'issuing.authorization'>): void {
  if (body.approved && body.status === 'pending') return;
  throw refused(`The authorization ${body.id} is ${body.status} and holds nothing.`);
}

/** The network's own end: what was not captured in time is released. The amount stays, and a late capture is possible. */
export function expireAuthorization(session: Session, _params: object, id: string): object {
  const row = session.get('issuing.authorization', id);
  refuseUnlessOpen(row);
  return changeAuthorization(session, row, () => {
    const { held, captured } = row.hidden;
    release(session, row, held);
    giveBackSpending(session, row, held);
    row.body.status = captured > 0 ? 'closed' : 'expired';
  });
}

/** The pump reports what the tank took: the hold moves to the real amount, and nobody is asked again. */
export function finalizeAmount(session: Session, params: FinalizeParams, id: string): object {
  const row = session.get('issuing.authorization', id);
  refuseUnlessOpen(row);
  checkAmount(params.final_amount, 'final_amount');
  const difference = params.final_amount - row.hidden.held;
  return changeAuthorization(session, row, () => {
    const { body } = row;
    if (params.fleet) body.fleet = fleetFrom(params.fleet);
    if (params.fuel) body.fuel = fuelFrom(params.fuel);
    if (difference < 0) shrink(session, row, -difference);
    else {
      hold(session, row, difference);
      body.amount += difference;
      body.merchant_amount += difference;
    }
    if (body.currency === body.merchant_currency) body.merchant_amount = body.amount;
  });
}

/** A settlement without an authorization, or after a decline. It cannot be blocked, and it counts as a payment. */
export function forceCapture(session: Session, params: ForceCaptureParams): Transaction {
  const card = session.get('issuing.card', params.card, 'card');
  const purchase = purchaseAmount(params, card.body.currency, session.settings);
  checkAmount(purchase.amount);
  const merchant = merchantFrom(params.merchant_data);
  const transaction = post(session, {
    card: card.body,
    authorization: null,
    amount: -purchase.amount,
    merchantAmount: -purchase.merchant_amount,
    merchantCurrency: purchase.merchant_currency,
    merchant,
    type: 'capture',
    purchaseDetails: params.purchase_details,
  });
  const cardholder = session.get('issuing.cardholder', card.body.cardholder).body;
  countSpending(session, {
    authorization: transaction.id,
    card,
    cardholder,
    amount: purchase.amount,
    category: merchant.category,
  });
  countPayment(session, card, transaction.id);
  return transaction;
}

export function unlinkedRefund(session: Session, params: ForceCaptureParams): Transaction {
  const card = session.get('issuing.card', params.card, 'card');
  const purchase = purchaseAmount(params, card.body.currency, session.settings);
  checkAmount(purchase.amount);
  return post(session, {
    card: card.body,
    authorization: null,
    amount: purchase.amount,
    merchantAmount: purchase.merchant_amount,
    merchantCurrency: purchase.merchant_currency,
    merchant: merchantFrom(params.merchant_data),
    type: 'refund',
    purchaseDetails: params.purchase_details,
  });
}

/** Answers the refund, a transaction of its own that points at the same authorization. */
export function refundTransaction(session: Session, params: RefundParams, id: string): Transaction {
  const row = session.get('issuing.transaction', id);
  const { body, hidden } = row;
  if (body.type !== 'capture') throw refused('Only captures can be refunded.');
  const left = -body.amount - hidden.refunded;
  const amount = params.refund_amount ?? left;
  checkAmount(amount, 'refund_amount');
  if (amount > left)
    throw refused(
      `The refund amount ${amount} is larger than what is left of the transaction (${left}).`,
      undefined,
      'refund_amount',
    );
  hidden.refunded += amount;
  session.save(row);
  const share = amount / -body.amount;
  return linkedTransaction(session, body, amount, Math.round(-body.merchant_amount * share));
}

/** A refund taken back by the merchant: a refund with a negative amount. */
export function reverseRefund(session: Session, id: string, amount?: number): Transaction {
  const row = session.get('issuing.transaction', id);
  const { body, hidden } = row;
  if (body.type !== 'refund' || body.amount <= 0) throw refused('Only refunds can be reversed.');
  const left = body.amount - hidden.refunded;
  const taken = amount ?? left;
  if (taken <= 0 || taken > left)
    throw refused(
      `The amount ${taken} is not between 1 and what is left of the refund (${left}).`,
      undefined,
      'amount',
    );
  hidden.refunded += taken;
  session.save(row);
  return linkedTransaction(session, body, -taken, -Math.round((body.merchant_amount * taken) / body.amount));
}

function linkedTransaction(
  session: Session,
  original: Transaction,
  amount: number,
  merchantAmount: number,
): Transaction {
  const authorizationId = original.authorization as string | null;
  const authorization = authorizationId === null ? null : session.get('issuing.authorization', authorizationId);
  const transaction = post(session, {
    card: session.get('issuing.card', original.card as string).body,
    authorization: authorization?.body ?? null,
    amount,
    merchantAmount,
    merchantCurrency: original.merchant_currency,
    merchant: original.merchant_data,
    type: 'refund',
  });
  if (authorization) {
    changeAuthorization(session, authorization, () => {
      authorization.body.transactions.unshift(transaction.id);
    });
  }
  return transaction;
}

interface Posting {
  card: { id: string; cardholder: string; currency: string };
  authorization: StoredAuthorization | null;
  amount: number;
  merchantAmount: number;
  merchantCurrency: string;
  merchant: Stripe.Issuing.Authorization.MerchantData;
  type: 'capture' | 'refund';
  purchaseDetails?: CaptureParams['purchase_details'];
}

function post(session: Session, posting: Posting): Transaction {
  const { card, authorization, amount } = posting;
  const id = newId('ipi');
  const balanceTransaction = move(session, {
    amount,
    currency: card.currency,
    balanceType: 'issuing',
    type: 'issuing_transaction',
    source: id,
    description: posting.merchant.name,
    place: 'merchants',
  });
  const transaction: Transaction & { object: 'issuing.transaction' } = {
    id,
    object: 'issuing.transaction',
    amount,
    amount_details: authorization?.amount_details ?? null,
    authorization: authorization?.id ?? null,
    balance_transaction: balanceTransaction.id,
    card: card.id,
    cardholder: card.cardholder,
    created: session.now,
    currency: card.currency,
    dispute: null,
    livemode: false,
    merchant_amount: posting.merchantAmount,
    merchant_currency: posting.merchantCurrency,
    merchant_data: posting.merchant,
    metadata: {},
    network_data: {
      authorization_code: authorization?.request_history.find(({ approved }) => approved)?.authorization_code ?? null,
      processing_date: isoDate(session.nowMs),
      transaction_id: authorization?.network_data?.transaction_id ?? String(randomInt(2 ** 47)).padStart(15, '0'),
    },
    token: null,
    type: posting.type,
    wallet: authorization?.wallet ?? null,
  };
  const details = purchaseDetailsFrom(posting.purchaseDetails);
  session.insert<'issuing.transaction'>(transaction, { refunded: 0, purchase_details: details });
  emit(session, 'issuing_transaction.created', transaction);
  if (details?.receipt) {
    emit(session, 'issuing_transaction.purchase_details_receipt_updated', {
      ...transaction,
      purchase_details: details,
    });
  }
  return transaction;
}
