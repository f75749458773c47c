import { toAuthorizationEvent } from './authorization-question.policy';

const event = {
  id: 'evt_1',
  object: 'event',
  type: 'issuing_authorization.request',
  api_version: '2026-10-28.endive',
  account: 'acct_1',
  livemode: false,
  data: {
    object: {
      id: 'iauth_1',
      amount: 0,
      currency: 'usd',
      authorization_method: 'online',
      card: { id: 'ic_1', cardholder: { name: 'Jenny Rosen', email: 'jenny.rosen@example.com' } },
      merchant_data: {
        name: 'Corner Diner',
        category: 'eating_places_restaurants',
        category_code: '5812',
        country: 'US',
      },
      pending_request: {
        amount: 18000,
        currency: 'usd',
        is_amount_controllable: true,
        amount_details: { cashback_amount: 500 },
      },
      request_history: [],
    },
  },
};

function changed(object: object): unknown {
  return { ...event, data: { object: { ...event.data.object, ...object } } };
}

describe('reading an authorization request', () => {
  it('keeps what a decision needs and nothing of the person', () => {
    const read = toAuthorizationEvent(event);

    expect(read).toMatchObject({
      isLive: false,
      apiVersion: '2026-10-28.endive',
      question: {
        stripe_event_id: 'evt_1',
        stripe_card_id: 'ic_1',
        stripe_account: 'acct_1',
        history_length: 0,
        amount_minor: 18000,
        is_amount_controllable: true,
        cashback_minor: 500,
        merchant: { name: 'Corner Diner', city: null },
      },
    });
    expect(JSON.stringify(read)).not.toMatch(/jenny|rosen/i);
  });

  it('reads a card given by its id alone', () => {
    expect(toAuthorizationEvent(changed({ card: 'ic_2' }))?.question.stripe_card_id).toBe('ic_2');
  });

  it.each([
    ['another type', { ...event, type: 'issuing_authorization.created' }],
    ['no pending request', changed({ pending_request: null })],
    ['no card', changed({ card: null })],
    ['a fraction', changed({ pending_request: { amount: 1.5, currency: 'usd' } })],
    ['an amount below zero', changed({ pending_request: { amount: -1, currency: 'usd' } })],
    ['an amount as text', changed({ pending_request: { amount: '100', currency: 'usd' } })],
    ['an id with a blank', changed({ id: 'iauth 1' })],
    ['nothing', null],
    ['a list', [event]],
  ])('does not read %s', (_what, given) => {
    expect(toAuthorizationEvent(given)).toBeUndefined();
  });

  it('makes a merchant’s name fit for the database', () => {
    const read = toAuthorizationEvent(changed({ merchant_data: { name: `\u0000Café \ud800${'x'.repeat(600)}` } }));

    expect(read?.question.merchant.name).toMatch(/^Café \ufffdx+$/);
    expect(read?.question.merchant.name?.length).toBeLessThanOrEqual(500);
  });
});
