import { randomBytes } from 'node:crypto';
import { ApiKeysService } from '../../src/platform/api-keys/api-keys.service';
import { Answer, call, CallOptions, expectAccepted } from '../http/client';
import { Role, TestApp } from '../support/app';

export interface Payee {
  readonly connected_account: string;
  readonly cardholder: string;
}

const address = { line1: '354 Oyster Point Blvd', city: 'South San Francisco', state: 'CA', postal_code: '94080' };
const acceptance = { ip: '203.0.113.7', date: '2026-11-02T09:30:00Z' };

/** A seller and its cardholder as our own rows know them: enough for a payout to be accepted. */
export async function makePayee(
  app: Pick<TestApp, 'url'> & Readonly<{ keys: Readonly<{ marketplace: string }> }>,
): Promise<Payee> {
  const key = app.keys.marketplace;
  const seller = await call(app, 'POST', '/v1/connected-accounts', {
    key,
    body: {
      country: 'US',
      business_type: 'company',
      email: 'owner@rocketrides.example.com',
      legal_name: 'Rocket Rides',
      phone: '+14155550100',
      address,
      terms_acceptance: acceptance,
    },
  });
  expectAccepted('a seller', seller);
  const holder = await call(app, 'POST', '/v1/cardholders', {
    key,
    body: {
      connected_account: seller.body.id as string,
      type: 'individual',
      name: 'Jenny Rosen',
      first_name: 'Jenny',
      last_name: 'Rosen',
      dob: { day: 9, month: 12, year: 1985 },
      email: 'jenny.rosen@example.com',
      phone_number: '+14155550199',
      billing_address: { ...address, country: 'US' },
      user_terms_acceptance: acceptance,
    },
  });
  expectAccepted('a cardholder', holder);
  return { connected_account: seller.body.id as string, cardholder: holder.body.id as string };
}

export function unique(what: string): string {
  return `${what}-${randomBytes(6).toString('hex')}`;
}

/** A POST as a careful client sends it. */
export function post(
  app: TestApp,
  key: string,
  path: string,
  body: object = {},
  more: CallOptions = {},
): Promise<Answer> {
  const headers = { 'idempotency-key': unique('key'), ...more.headers };
  return call(app, 'POST', path, { key, body, ...more, headers });
}

export function requestPayout(
  app: TestApp,
  key: string,
  payee: Payee,
  amount: number,
  more: object = {},
): Promise<Answer> {
  return post(app, key, '/v1/payouts', { ...payee, amount, currency: 'usd', reference: unique('order'), ...more });
}

export async function makeKey(
  app: TestApp,
  role: Role,
  createdByApiKeyId?: string,
): Promise<{ id: string; key: string }> {
  const { apiKey, key } = await app.database.transaction((tx) =>
    app.app.get(ApiKeysService).create(tx, { name: `${role} of a test`, role, createdByApiKeyId }),
  );
  return { id: apiKey.id, key };
}
