import type Stripe from 'stripe';
import { emit } from './events';
import type { Row } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';

type Transaction = Stripe.Issuing.Transaction;

export function renderTransaction(_session: Session, row: Row<'issuing.transaction'>): Transaction {
  return row.body;
}

export function listTransactions(session: Session, params: Stripe.Issuing.TransactionListParams): ListAnswer {
  const filters = filtersFrom(params, ['card', 'cardholder', 'type']);
  return answerList(session, 'issuing.transaction', '/v1/issuing/transactions', params, renderTransaction, filters);
}

export function updateTransaction(
  session: Session,
  params: Stripe.Issuing.TransactionUpdateParams,
  id: string,
): Transaction {
  const row = session.get('issuing.transaction', id);
  return changeTransaction(session, row, () => {
    row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
  });
}

export function changeTransaction(session: Session, row: Row<'issuing.transaction'>, change: () => void): Transaction {
  const before = structuredClone(row.body);
  change();
  session.save(row);
  emit(session, 'issuing_transaction.updated', row.body, before);
  return row.body;
}
