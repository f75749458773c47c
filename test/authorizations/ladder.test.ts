import { Client } from 'pg';
import { declineReasons } from '../../src/authorization-decisions/authorization-reason.types';
import { isLegalMove } from '../../src/shared/transitions';
import { payoutTransitions } from '../../src/payouts/payout.transitions';
import { createTestDatabase, TestDatabase } from '../support/database';

type Facts = Record<string, unknown> & { payout: object; card: object; account: object };

const request = {
  amount_minor: 180_00,
  currency: 'usd',
  history_length: 0,
  held_before_minor: 0,
  is_amount_controllable: false,
  cashback_minor: 0,
  merchant: { category: 'eating_places_restaurants', country: 'US' },
};

const facts: Facts = {
  now: '2026-11-21T10:00:00Z',
  unit_minor: 100,
  owed_minor: 250_00,
  probes: 0,
  uses: 0,
  card: {
    id: 'card_1',
    status: 'active',
    frozen: false,
    is_cancel_requested: false,
    amount_match: 'up_to',
    allowed_categories: [],
    blocked_categories: [],
    allowed_merchant_countries: [],
    blocked_merchant_countries: [],
  },
  payout: {
    id: 'payout_1',
    status: 'ready',
    outcome: null,
    currency: 'usd',
    amount_minor: 250_00,
    expires_at: '2026-11-30T00:00:00Z',
  },
  account: { status: 'active', is_suspended: false },
  authorization: null,
};

/** The open authorization of 180.00 that an increment asks more on. */
const open = {
  id: 'auth_1',
  kind: 'purchase',
  status: 'pending',
  approved: true,
  held_minor: 180_00,
  backed_minor: 180_00,
};
const inUse = { payout: { ...facts.payout, status: 'authorized' }, owed_minor: 70_00 };
const more = { history_length: 1, held_before_minor: 180_00, amount_minor: 20_00 };

describe('the authorization ladder', () => {
  let database: TestDatabase;
  let client: Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
  });

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  async function evaluate(asked: object = {}, known: object = {}): Promise<Record<string, unknown>> {
    const { rows } = await client.query<{ verdict: Record<string, unknown> }>(
      'select evaluate_authorization($1::jsonb, $2::jsonb) as verdict',
      [JSON.stringify({ ...request, ...asked }), JSON.stringify({ ...facts, ...known })],
    );
    return rows[0]!.verdict;
  }

  const card = (change: object) => ({ card: { ...facts.card, ...change } });
  const payout = (change: object) => ({ payout: { ...facts.payout, ...change } });

  it('approves a purchase within the payout, and takes the one use', async () => {
    expect(await evaluate()).toMatchObject({
      approved: true,
      reason: 'approved',
      kind: 'purchase',
      amount_minor: 180_00,
      backed_minor: 180_00,
      opens: true,
    });
    expect(await evaluate({ amount_minor: 250_00 })).toMatchObject({ approved: true, amount_minor: 250_00 });
  });

  const refusals: readonly [string, object, object][] = [
    ['unknown_card', {}, { card: null }],
    ['payout_not_ready', {}, payout({ status: 'pending' })],
    ['payout_not_ready', {}, payout({ status: 'funding' })],
    ['payout_not_ready', {}, payout({ status: 'issuing' })],
    ['payout_canceled', {}, payout({ status: 'canceled' })],
    ['payout_canceled', {}, payout({ status: 'failed' })],
    ['payout_canceled', {}, payout({ status: 'closed', outcome: 'canceled' })],
    ['payout_expired', {}, payout({ status: 'expired' })],
    ['payout_expired', {}, payout({ status: 'closed', outcome: 'unspent' })],
    ['payout_expired', {}, payout({ expires_at: '2026-11-21T10:00:00Z' })],
    ['already_used', {}, payout({ status: 'authorized' })],
    ['already_used', {}, payout({ status: 'settled' })],
    ['already_used', {}, payout({ status: 'closed', outcome: 'partially_spent' })],
    ['already_used', {}, { uses: 1 }],
    ['card_canceled', {}, card({ status: 'canceled' })],
    ['card_canceled', {}, card({ frozen: true, is_cancel_requested: true })],
    ['account_restricted', {}, { account: { status: 'active', is_suspended: true } }],
    ['account_restricted', {}, { account: { status: 'restricted', is_suspended: false } }],
    ['account_restricted', {}, { account: { status: 'rejected', is_suspended: false } }],
    ['card_frozen', {}, card({ frozen: true })],
    ['currency_mismatch', { currency: 'eur' }, {}],
    ['category_blocked', {}, card({ blocked_categories: ['eating_places_restaurants'] })],
    ['category_not_allowed', {}, card({ allowed_categories: ['hotels_motels_and_resorts'] })],
    ['category_not_allowed', { merchant: {} }, card({ allowed_categories: ['hotels_motels_and_resorts'] })],
    ['merchant_country_blocked', {}, card({ blocked_merchant_countries: ['US'] })],
    ['merchant_country_not_allowed', {}, card({ allowed_merchant_countries: ['DE'] })],
    ['merchant_country_not_allowed', { merchant: {} }, card({ allowed_merchant_countries: ['DE'] })],
    ['probe_limit', { amount_minor: 1_00 }, { probes: 1 }],
    ['probe_limit', { amount_minor: 0 }, { probes: 1 }],
    ['amount_not_exact', {}, card({ amount_match: 'exact' })],
    ['amount_not_exact', { amount_minor: 250_01 }, card({ amount_match: 'exact' })],
    ['amount_exceeds_remaining', { amount_minor: 250_01 }, {}],
    ['increment_exceeds_amount', { ...more, amount_minor: 70_01 }, { ...inUse, authorization: open }],
    ['card_frozen', more, { ...inUse, ...card({ frozen: true }), authorization: open }],
    ['authorization_not_open', more, { ...inUse, authorization: { ...open, status: 'reversed' } }],
    ['authorization_not_open', more, { ...inUse, authorization: { ...open, status: 'expired' } }],
    ['authorization_not_open', more, { ...inUse, authorization: { ...open, approved: false } }],
    [
      'payout_expired',
      more,
      { ...payout({ status: 'authorized', expires_at: '2026-11-21T09:00:00Z' }), authorization: open },
    ],
  ];

  it.each(refusals)('refuses: %s', async (reason, asked, known) => {
    const verdict = await evaluate(asked, known);

    expect(verdict).toMatchObject({ approved: false, reason, amount_minor: 0, backed_minor: 0, opens: false });
  });

  it('has a case for every reason', () => {
    expect(new Set(refusals.map(([reason]) => reason))).toEqual(new Set(declineReasons));
  });

  it('names its refusals in the order the list gives them', async () => {
    const { rows } = await client.query<{ source: string }>(
      `select prosrc as source from pg_proc where proname = 'evaluate_authorization'`,
    );
    const named = [...rows[0]!.source.matchAll(/then '(\w+)'/g)].map((match) => match[1]!);
    const inOrder = [...new Set(named)].filter((name) => (declineReasons as readonly string[]).includes(name));

    expect(inOrder).toEqual([...declineReasons]);
  });

  it('lets an account check through without taking the one use or the money', async () => {
    for (const amount_minor of [0, 1, 1_00]) {
      expect(await evaluate({ amount_minor }, card({ amount_match: 'exact' }))).toMatchObject({
        approved: true,
        kind: 'probe',
        amount_minor,
        backed_minor: 0,
        opens: false,
      });
    }
    expect(await evaluate({ amount_minor: 1_01 })).toMatchObject({ approved: true, kind: 'purchase', opens: true });
  });

  it('refuses an account check of a card that has been used', async () => {
    expect(await evaluate({ amount_minor: 1_00 }, inUse)).toMatchObject({ approved: false, reason: 'already_used' });
  });

  it('approves exactly the amount where that is asked for', async () => {
    expect(await evaluate({ amount_minor: 250_00 }, card({ amount_match: 'exact' }))).toMatchObject({ approved: true });
  });

  it('extends the open authorization, although the card is canceled by its use', async () => {
    const verdict = await evaluate(more, { ...inUse, ...card({ status: 'canceled' }), authorization: open });

    expect(verdict).toMatchObject({
      approved: true,
      kind: 'increment',
      amount_minor: 20_00,
      backed_minor: 20_00,
      opens: false,
    });
  });

  it('approves part where the terminal takes part, but never of an exact payout nor below the cash it hands out', async () => {
    const partly = { amount_minor: 300_00, is_amount_controllable: true };

    expect(await evaluate(partly)).toMatchObject({
      approved: true,
      amount_minor: 250_00,
      backed_minor: 250_00,
      opens: true,
    });
    expect(await evaluate({ ...partly, cashback_minor: 250_01 })).toMatchObject({ reason: 'amount_exceeds_remaining' });
    expect(await evaluate(partly, card({ amount_match: 'exact' }))).toMatchObject({ reason: 'amount_not_exact' });
    expect(await evaluate(partly, { owed_minor: 0 })).toMatchObject({ reason: 'amount_exceeds_remaining' });
  });

  it('turns an account check that grows into the purchase, its own hold included', async () => {
    const probe = { ...open, kind: 'probe', held_minor: 1_00, backed_minor: 0 };
    const grown = { history_length: 1, held_before_minor: 1_00 };

    expect(await evaluate({ ...grown, amount_minor: 249_00 }, { authorization: probe, probes: 1 })).toMatchObject({
      approved: true,
      kind: 'increment',
      opens: true,
      backed_minor: 249_00,
    });
    expect(await evaluate({ ...grown, amount_minor: 249_01 }, { authorization: probe, probes: 1 })).toMatchObject({
      reason: 'increment_exceeds_amount',
    });
  });

  it('counts what Stripe already holds of an authorization that was approved without us', async () => {
    expect(await evaluate({ ...more, amount_minor: 70_00 })).toMatchObject({
      approved: true,
      kind: 'increment',
      opens: true,
    });
    expect(await evaluate({ ...more, amount_minor: 70_01 })).toMatchObject({ reason: 'increment_exceeds_amount' });
  });

  it('moves a payout only as its table of moves allows', async () => {
    const { rows } = await client.query<{ source: string }>(
      `select prosrc as source from pg_proc where proname = 'decide_authorization'`,
    );
    const moves = [...rows[0]!.source.matchAll(/update payouts set status = '(\w+)'[^;]*and status = '(\w+)'/g)].map(
      (match) => ({ from: match[2], to: match[1] }),
    );

    expect(moves).toEqual([{ from: 'ready', to: 'authorized' }]);
    expect([...rows[0]!.source.matchAll(/update payouts /g)]).toHaveLength(moves.length);
    expect(isLegalMove(payoutTransitions, 'ready', 'authorized')).toBe(true);
  });
});
