import type Stripe from 'stripe';
import { changeAccount, fullAddress, getAccount } from './accounts';
import { missing } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { Row } from './kinds';
import { answerList, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import { mergedFacts } from './requirements';
import type { Session } from './session';

type Hash = Record<string, unknown>;

const noRequirements = {
  alternatives: [],
  currently_due: [],
  errors: [],
  eventually_due: [],
  past_due: [],
  pending_verification: [],
};

/** A person as Stripe says it back: numbers become "provided". */
export function buildPerson(
  identity: { id: string; account: string; created: number },
  given: Hash,
): Stripe.Person & { object: 'person' } {
  const text = (name: string) => (typeof given[name] === 'string' && given[name] !== '' ? given[name] : null);
  const dob = given['dob'] as Stripe.Person.Dob | '' | undefined;
  return {
    id: identity.id,
    object: 'person',
    account: identity.account,
    address: fullAddress(given['address'] ?? {}),
    created: identity.created,
    dob: { day: null, month: null, year: null, ...(dob === '' ? {} : dob) },
    email: text('email'),
    first_name: text('first_name'),
    future_requirements: noRequirements,
    id_number_provided: text('id_number') !== null,
    last_name: text('last_name'),
    metadata: mergedMetadata({}, given['metadata'] as Record<string, string> | undefined),
    phone: text('phone'),
    relationship: {
      authorizer: false,
      director: false,
      executive: false,
      legal_guardian: false,
      owner: false,
      percent_ownership: null,
      representative: false,
      title: null,
      ...(given['relationship'] as Partial<Stripe.Person.Relationship> | undefined),
    },
    requirements: noRequirements,
    ssn_last_4_provided: text('ssn_last_4') !== null || text('id_number') !== null,
    verification: {
      details: null,
      details_code: null,
      document: { back: null, details: null, details_code: null, front: null },
      status: 'unverified',
    },
  };
}

export function personsOf(session: Session, account: string): Row<'person'>[] {
  return session.objects.page(account, 'person', { limit: 100 }).rows;
}

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
