import type Stripe from 'stripe';
import { changeAccount, getAccount } from './accounts';
import { missing } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { Row } from './kinds';
import { answerList, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import { buildPerson } from './person-facts';
import { mergedFacts } from './requirements';
import type { Session } from './session';

type Hash = Record<string, unknown>;

export function createPerson(
  session: Session,
  params: Stripe.AccountCreatePersonParams,
  account: string,
): Stripe.Person {
  const owner = getAccount(session, account);
  const own = session.as(account);
  const person = buildPerson({ id: newId('person'), account, created: session.now }, params as Hash);
  own.insert<'person'>(person, {});
  emit(own, 'person.created', person);
  changeAccount(session, owner, () => undefined);
  return person;
}

function getPerson(session: Session, account: string, id: string): Row<'person'> {
  getAccount(session, account);
  const row = session.as(account).find('person', id);
  if (!row) throw missing('person', id);
  return row;
}

export function retrievePerson(session: Session, account: string, id: string): Stripe.Person {
  return getPerson(session, account, id).body;
}

export function updatePerson(
  session: Session,
  params: Stripe.AccountUpdatePersonParams,
  account: string,
  id: string,
): Stripe.Person {
  const row = getPerson(session, account, id);
  const before = row.body;
  const { metadata, ...facts } = params;
  // What was only "provided" before stays so.
  const numbers = {
    ...(before.id_number_provided ? { id_number: 'kept' } : {}),
    ...(before.ssn_last_4_provided ? { ssn_last_4: 'kept' } : {}),
  };
  const person = buildPerson({ id, account, created: before.created }, mergedFacts({ ...before, ...numbers }, facts));
  person.metadata = mergedMetadata(before.metadata ?? {}, metadata);
  row.body = person;
  session.as(account).save(row);
  emit(session.as(account), 'person.updated', person, before);
  changeAccount(session, getAccount(session, account), () => undefined);
  return person;
}

export function deletePerson(session: Session, account: string, id: string): Stripe.DeletedPerson {
  const row = getPerson(session, account, id);
  session.objects.remove(account, 'person', id);
  emit(session.as(account), 'person.deleted', row.body);
  changeAccount(session, getAccount(session, account), () => undefined);
  return { id, object: 'person', deleted: true };
}

export function listPersons(session: Session, params: Stripe.AccountListPersonsParams, account: string): ListAnswer {
  getAccount(session, account);
  const roles = Object.entries(params.relationship ?? {}).filter(([, wanted]) => typeof wanted === 'boolean');
  const condition = {
    sql: [
      '1 = 1',
      ...roles.map(([role, wanted]) => `json_extract(o.body, '$.relationship.${role}') = ${Number(wanted)}`),
    ].join(' and '),
    values: [],
  };
  const url = `/v1/accounts/${account}/persons`;
  return answerList(session.as(account), 'person', url, params, (_session, row) => row.body, [], condition);
}
