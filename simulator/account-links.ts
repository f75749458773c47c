import type Stripe from 'stripe';
import { applyChange, changeAccount, findAccount, getAccount } from './accounts';
import { ApiError, refused } from './errors';
import { newId, newSecret } from './ids';
import type { Row } from './kinds';
import { buildPerson, personsOf } from './person-facts';
import { requirementsFor, setPath } from './requirements';
import type { Session } from './session';

const lifetimeSeconds = 5 * 60;

export function createAccountLink(session: Session, params: Stripe.AccountLinkCreateParams): Stripe.AccountLink {
  const row = findAccount(session, params.account, 'account');
  if (row.body.controller?.requirement_collection === 'stripe' && params.type === 'account_update') {
    throw refused('You cannot create account_update type Account Links for this account.', undefined, 'type');
  }
  const token = newSecret('link', 16).slice(5);
  const expiresAt = session.now + lifetimeSeconds;
  row.hidden.links = {
    [token]: { expires_at: expiresAt, return_url: params.return_url ?? null, refresh_url: params.refresh_url ?? null },
  };
  session.as(session.platform.id).save(row);
  const url = `${session.outside.baseUrl}/setup/s/${row.body.id}/${token}`;
  return { object: 'account_link', created: session.now, expires_at: expiresAt, url };
}

export interface OnboardingPage {
  row: Row<'account'>;
  due: string[];
  returnUrl: string | null;
}

/** The page behind a link, or where to go for a new one when this one is used up. */
export function openOnboarding(
  session: Session,
  account: string,
  token: string,
): OnboardingPage | { refreshUrl: string | null } {
  const row = getAccount(session, account);
  const link = row.hidden.links[token];
  if (!link) throw new ApiError(404, { type: 'invalid_request_error', message: 'This link does not exist any more.' });
  if (session.now >= link.expires_at) return { refreshUrl: link.refresh_url };
  return { row, due: dueNow(session, row), returnUrl: link.return_url };
}

function dueNow(session: Session, row: Row<'account'>): string[] {
  const persons = personsOf(session.as(row.body.id), row.body.id);
  const names = Object.keys(row.body.capabilities ?? {});
  return [...new Set(names.flatMap((name) => requirementsFor(name, row, persons)))].sort();
}

/** What a seller would have typed: test data for everything that is due. Also what a control had asked for. */
export function completeOnboarding(session: Session, page: OnboardingPage, token: string): void {
  const { row } = page;
  const own = session.as(row.body.id);
  const given = structuredClone(row.hidden.given);
  given['business_type'] ??= 'individual';
  changeAccount(session, row, () => {
    // Choosing the business type makes more due: fill until nothing is.
    for (let round = 0; round < 3; round += 1) {
      row.hidden.forced = {};
      for (const path of dueNow(session, { ...row, hidden: { ...row.hidden, given } })) {
        if (/^(representative|person_\w+)\./.test(path)) continue;
        setPath(given, path, testValue(path, row.body.country ?? 'US', session));
      }
    }
    applyChange(session, row, given);
    if (given['business_type'] !== 'individual') ensureRepresentative(own, row.body);
    delete row.hidden.links[token];
  });
}

function ensureRepresentative(own: Session, account: Stripe.Account): void {
  const known = personsOf(own, account.id).find(({ body }) => body.relationship?.representative === true);
  const facts: Record<string, unknown> = {};
  for (const path of [
    'first_name',
    'last_name',
    'dob.day',
    'dob.month',
    'dob.year',
    'email',
    'phone',
    'address.line1',
    'address.city',
    'address.postal_code',
  ]) {
    setPath(facts, path, testValue(path, account.country ?? 'US', own));
  }
  const relationship = { representative: true, owner: true, executive: true, title: 'CEO' };
  const identity = { id: known?.body.id ?? newId('person'), account: account.id, created: own.now };
  const person = buildPerson(identity, { ...facts, relationship, id_number: '000000000' });
  if (known) {
    known.body = person;
    own.save(known);
  } else own.insert<'person'>(person, {});
}

/** Stripe's own test values where it has any. */
function testValue(path: string, country: string, session: Session): unknown {
  const field = path.slice(path.lastIndexOf('.') + 1);
  const values: Record<string, unknown> = {
    business_type: 'individual',
    city: country === 'US' ? 'San Francisco' : 'Berlin',
    country,
    date: session.now,
    day: 1,
    email: 'jenny.rosen@example.com',
    first_name: 'Jenny',
    id_number: '000000000',
    ip: '127.0.0.1',
    last_name: 'Rosen',
    line1: 'address_full_match',
    mcc: '5734',
    month: 1,
    name: 'Rocket Rides',
    phone: '+14155550132',
    postal_code: country === 'US' ? '94107' : '10115',
    ssn_last_4: '0000',
    state: 'CA',
    tax_id: '000000000',
    url: 'https://accessible.stripe.com',
    year: 1901,
  };
  return values[field] ?? 'test';
}
