import { toStripeEventRecord } from './stripe-event-redaction';

const person = {
  name: 'Jenny Rosen',
  email: 'jenny@example.com',
  phone_number: '+18008675309',
  individual: { first_name: 'Jenny', last_name: 'Rosen', dob: { day: 1, month: 2, year: 1990 } },
  billing: { address: { line1: '123 Fake St', city: 'Beverly Hills', postal_code: '90210' } },
};

const cardholder = {
  id: 'ich_1',
  object: 'issuing.cardholder',
  created: 1,
  status: 'active',
  type: 'individual',
  requirements: { disabled_reason: null, past_due: ['individual.dob.day'] },
  metadata: { disburse_reference: 'holder_1', note: 'Jenny likes tea' },
  ...person,
};

const card = {
  id: 'ic_1',
  object: 'issuing.card',
  created: 1,
  last4: '4242',
  status: 'active',
  number: '4000056655665556',
  cvc: '123',
  cardholder,
  metadata: {},
};

const authorization = {
  id: 'iauth_1',
  object: 'issuing.authorization',
  amount: 18000,
  currency: 'usd',
  approved: true,
  status: 'pending',
  card,
  cardholder: 'ich_1',
  merchant_data: { name: 'Rocket Rides', category: 'taxicabs_limousines', postal_code: '94107', country: 'US' },
  request_history: [{ amount: 18000, approved: true, reason: 'webhook_approved', reason_message: 'x' }],
  balance_transactions: [{ id: 'txn_1', amount: -18000 }],
  transactions: [],
  verification_data: { postal_code: '90210' },
  metadata: {},
};

function event(object: object, more: object = {}): unknown {
  return {
    id: 'evt_1',
    object: 'event',
    type: 'test.event',
    account: 'acct_1',
    created: 1_780_000_000,
    livemode: false,
    api_version: '2026-10-28.endive',
    data: { object },
    ...more,
  };
}

describe('what is kept of an event', () => {
  it.each([
    ['a cardholder', cardholder],
    ['a card', card],
    ['an authorization', authorization],
    [
      'a transaction',
      { id: 'ipi_1', object: 'issuing.transaction', card, cardholder, amount: -1, purchase_details: person },
    ],
    ['an account', { id: 'acct_1', object: 'account', email: person.email, company: person, individual: person }],
    ['an object nobody thought of', { id: 'x_1', object: 'new_thing', card, number: '4000056655665556', ...person }],
  ])('names nobody and shows no card: %s', (_what, object) => {
    const kept = JSON.stringify(toStripeEventRecord(event(object, { data: { object, previous_attributes: object } })));

    expect(kept).not.toMatch(
      /Jenny|Rosen|example\.com|8675309|Fake St|Beverly|90210|4000056655665556|"cvc"|"number"|1990/,
    );
  });

  it('keeps what handlers need, embedded objects as their ids', () => {
    expect(toStripeEventRecord(event(authorization))).toMatchObject({
      id: 'evt_1',
      type: 'test.event',
      stripeAccount: 'acct_1',
      createdAt: new Date(1_780_000_000_000),
      isLive: false,
      objectId: 'iauth_1',
      objectType: 'issuing.authorization',
      object: {
        id: 'iauth_1',
        amount: 18000,
        card: 'ic_1',
        cardholder: 'ich_1',
        merchant_data: { name: 'Rocket Rides', category: 'taxicabs_limousines', country: 'US' },
        request_history: [{ amount: 18000, approved: true, reason: 'webhook_approved' }],
        balance_transactions: ['txn_1'],
      },
    });
  });

  it('keeps of metadata only what this service wrote', () => {
    expect(toStripeEventRecord(event(cardholder))?.object['metadata']).toEqual({ disburse_reference: 'holder_1' });
  });

  it('keeps capabilities and requirements of an account', () => {
    const record = toStripeEventRecord(
      event({
        id: 'acct_1',
        object: 'account',
        capabilities: { card_issuing: 'active', transfers: 'pending' },
        requirements: { currently_due: ['company.tax_id'], disabled_reason: null },
      }),
    );

    expect(record?.object).toMatchObject({
      capabilities: { card_issuing: 'active', transfers: 'pending' },
      requirements: { currently_due: ['company.tax_id'], disabled_reason: null },
    });
  });

  it('keeps a balance, which has no id', () => {
    const record = toStripeEventRecord(
      event({ object: 'balance', available: [{ amount: 5, currency: 'usd', source_types: { card: 5 } }] }),
    );

    expect(record).toMatchObject({ objectId: null, object: { available: [{ amount: 5, currency: 'usd' }] } });
  });

  it('leaves out what PostgreSQL cannot store', () => {
    const record = toStripeEventRecord(event({ ...authorization, merchant_data: { name: 'Rocket\0Rides\ud800' } }));

    expect(record?.object['merchant_data']).toEqual({ name: 'RocketRides\ufffd' });
  });

  it.each([
    ['a list', []],
    ['null', null],
    ['text', 'event'],
    ['an object of another kind', { object: 'charge', id: 'ch_1' }],
    ['an event without data', { ...(event({}) as object), data: null }],
    ['an event whose time is text', { ...(event({}) as object), created: 'now' }],
    ['an event with an endless id', { ...(event({}) as object), id: 'e'.repeat(256) }],
  ])('is nothing when it is %s', (_what, body) => {
    expect(toStripeEventRecord(body)).toBeUndefined();
  });

  it('is not led astray by a prototype', () => {
    const object: unknown = JSON.parse('{"id":"x","object":"__proto__","constructor":{"name":"Jenny"}}');

    expect(toStripeEventRecord(event(object as object))?.object).toEqual({ id: 'x', object: '__proto__' });
  });
});
