import type Stripe from 'stripe';
import { emit } from './events';
import { renderCard } from './cards';
import type { Row } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import { move } from './balance';
import type { Session } from './session';

type Authorization = Stripe.Issuing.Authorization;

export function renderAuthorization(session: Session, row: Row<'issuing.authorization'>): Authorization {
  const card = session.get('issuing.card', row.body.card);
  return {
    ...row.body,
    balance_transactions: row.body.balance_transactions.map((id) => session.get('balance_transaction', id).body),
    card: renderCard(session, card),
    transactions: row.body.transactions.map((id) => session.get('issuing.transaction', id).body),
  };
}

export function listAuthorizations(session: Session, params: Stripe.Issuing.AuthorizationListParams): ListAnswer {
  const filters = filtersFrom(params, ['card', 'cardholder', 'status']);
  return answerList(
    session,
    'issuing.authorization',
    '/v1/issuing/authorizations',
    params,
    renderAuthorization,
    filters,
  );
}

export function updateAuthorization(
  session: Session,
  params: Stripe.Issuing.AuthorizationUpdateParams,
  id: string,
): Authorization {
  const row = session.get('issuing.authorization', id);
  return changeAuthorization(session, row, () => {
    row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
  });
}

/** Applies a change and reports it with what was there before. */
export function changeAuthorization(
  session: Session,
  row: Row<'issuing.authorization'>,
  change: () => void,
): Authorization {
  const before = structuredClone(renderAuthorization(session, row));
  change();
  session.save(row);
  const after = renderAuthorization(session, row);
  emit(session, 'issuing_authorization.updated', after, before);
  return after;
}

export function hold(session: Session, row: Row<'issuing.authorization'>, amount: number): void {
  if (amount === 0) return;
  const { id, currency } = row.body;
  const transaction = move(session, {
    amount: -amount,
    currency,
    balanceType: 'issuing',
    type: 'issuing_authorization_hold',
    source: id,
    description: 'Hold for authorization',
    place: 'holds',
  });
  row.body.balance_transactions.unshift(transaction.id);
  row.hidden.held += amount;
}

export function release(session: Session, row: Row<'issuing.authorization'>, amount: number): void {
  if (amount === 0) return;
  const { id, currency } = row.body;
  const transaction = move(session, {
    amount,
    currency,
    balanceType: 'issuing',
    type: 'issuing_authorization_release',
    source: id,
    description: 'Release of authorization hold',
    place: 'holds',
  });
  row.body.balance_transactions.unshift(transaction.id);
  row.hidden.held -= amount;
}
