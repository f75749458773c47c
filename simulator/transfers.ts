import type Stripe from 'stripe';
import { findAccount, isActive, requirePlatform } from './accounts';
import { checkAmount } from './amounts';
import { availableIn, move } from './balance';
import { newTransferPayment, newTransferRefund } from './charges';
import { readCurrency } from './currencies';
import { badParameter, insufficientFunds, missing, refused } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { Row } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';

type Transfer = Stripe.Transfer;

/** Platform payments balance to connected payments balance, at once. */
export function createTransfer(session: Session, params: Stripe.TransferCreateParams): Transfer {
  requirePlatform(session);
  if (params.amount === undefined) throw badParameter('Missing required param: amount.', 'amount', 'parameter_missing');
  checkAmount(params.amount);
  const currency = readCurrency(params.currency);
  const destination = findAccount(session, params.destination, 'destination').body;
  if (destination.id === session.account)
    throw refused('Cannot transfer to your own account.', 'account_invalid', 'destination');
  if (!isActive(session, 'transfers', destination.id)) {
    throw refused(
      'Your destination account needs to have at least one of the following capabilities enabled: transfers, crypto_transfers, legacy_payments',
      'insufficient_capabilities_for_transfer',
    );
  }
  if (availableIn(session, 'payments', currency) < params.amount) throw insufficientFunds();

  const id = newId('tr');
  const seller = session.as(destination.id);
  const description = params.description ?? null;
  const out = move(session, {
    ...{ amount: -params.amount, currency, description, source: id },
    ...{ balanceType: 'payments', type: 'transfer', place: 'other_accounts' },
  });
  const payment = newTransferPayment(seller, { amount: params.amount, currency, transfer: id, description });
  const transfer: Omit<Transfer, 'reversals'> & { object: 'transfer' } = {
    id,
    object: 'transfer',
    amount: params.amount,
    amount_reversed: 0,
    balance_transaction: out.id,
    created: session.now,
    currency,
    description,
    destination: destination.id,
    destination_payment: payment.id,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    reversed: false,
    source_transaction: params.source_transaction ?? null,
    source_type: params.source_type ?? 'card',
    transfer_group: params.transfer_group ?? null,
  };
  const row = session.insert<'transfer'>(transfer, {});
  const created = renderTransfer(session, row);
  emit(session, 'transfer.created', created);
  return created;
}

const inlinedReversals = 10;

export function renderTransfer(session: Session, row: Row<'transfer'>): Transfer {
  const { id } = row.body;
  const url = `/v1/transfers/${id}/reversals`;
  const page = session.objects.page(session.account, 'transfer_reversal', { limit: inlinedReversals }, [
    { field: 'transfer', values: [id] },
  ]);
  const data = page.rows.map(({ body }) => body);
  return { ...row.body, reversals: { object: 'list', data, has_more: page.hasMore, url } };
}

export function updateTransfer(session: Session, params: Stripe.TransferUpdateParams, id: string): Transfer {
  const row = session.get('transfer', id);
  return changeTransfer(session, row, 'transfer.updated', () => {
    row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
    if (params.description !== undefined) row.body.description = params.description;
  });
}

function changeTransfer(
  session: Session,
  row: Row<'transfer'>,
  event: 'transfer.updated' | 'transfer.reversed',
  change: () => void,
): Transfer {
  const before = structuredClone(renderTransfer(session, row));
  change();
  session.save(row);
  const after = renderTransfer(session, row);
  emit(session, event, after, before);
  return after;
}

export function listTransfers(session: Session, params: Stripe.TransferListParams): ListAnswer {
  const filters = filtersFrom(params, ['transfer_group', 'destination']);
  return answerList(session, 'transfer', '/v1/transfers', params, renderTransfer, filters);
}

/** Takes back from what the seller's payments balance has available now; it does not reach into Issuing. */
export function createReversal(
  session: Session,
  params: Stripe.TransferCreateReversalParams,
  id: string,
): Stripe.TransferReversal {
  const row = session.get('transfer', id);
  const { body } = row;
  const left = body.amount - body.amount_reversed;
  if (left === 0) throw refused(`The transfer ${id} is already fully reversed.`, undefined, 'id');
  const amount = params.amount ?? left;
  checkAmount(amount);
  if (amount > left) {
    throw refused(
      `Cannot reverse ${amount} of the transfer ${id}: only ${left} is left to reverse.`,
      undefined,
      'amount',
    );
  }
  const seller = session.as(body.destination as string);
  if (availableIn(seller, 'payments', body.currency) < amount) throw insufficientFunds();

  const reversalId = newId('trr');
  const refund = newTransferRefund(seller, body.destination_payment as string, amount, reversalId);
  const back = move(session, {
    ...{
      amount,
      currency: body.currency,
      source: reversalId,
      description: params.description ?? `REFUND FOR TRANSFER (${id})`,
    },
    ...{ balanceType: 'payments', type: 'transfer_refund', place: 'other_accounts' },
  });
  const reversal: Stripe.TransferReversal & { object: 'transfer_reversal' } = {
    id: reversalId,
    object: 'transfer_reversal',
    amount,
    balance_transaction: back.id,
    created: session.now,
    currency: body.currency,
    destination_payment_refund: refund.id,
    metadata: mergedMetadata({}, params.metadata),
    source_refund: null,
    transfer: id,
  };
  changeTransfer(session, row, 'transfer.reversed', () => {
    session.insert<'transfer_reversal'>(reversal, {});
    body.amount_reversed += amount;
    body.reversed = body.amount_reversed === body.amount;
  });
  return reversal;
}

export function listReversals(session: Session, params: Stripe.TransferListReversalsParams, id: string): ListAnswer {
  session.get('transfer', id);
  const url = `/v1/transfers/${id}/reversals`;
  return answerList(session, 'transfer_reversal', url, params, renderReversal, [{ field: 'transfer', values: [id] }]);
}

export function getReversal(session: Session, transfer: string, id: string): Row<'transfer_reversal'> {
  const row = session.find('transfer_reversal', id);
  if (row?.body.transfer !== transfer) throw missing('transfer reversal', id);
  return row;
}

export function renderReversal(_session: Session, row: Row<'transfer_reversal'>): Stripe.TransferReversal {
  return row.body;
}

export function updateReversal(
  session: Session,
  params: Stripe.TransferUpdateReversalParams,
  transfer: string,
  id: string,
): Stripe.TransferReversal {
  const row = getReversal(session, transfer, id);
  row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
  session.save(row);
  return row.body;
}
