import type Stripe from 'stripe';
import { fullAddress } from './address';
import type { Row } from './kinds';
import { mergedMetadata } from './metadata';
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
