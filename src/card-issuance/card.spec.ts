import fc from 'fast-check';
import { checkTransitions } from '../shared/transitions';
import { stripeCategories } from '../stripe/stripe-categories';
import { cardCreateParams, cardExpiry, controlErrors } from './card.policy';
import { cardTransitions } from './card.transitions';
import { liveCardStatuses } from './card.types';

const pointers = (controls: Parameters<typeof controlErrors>[0]) =>
  controlErrors(controls).map((error) => error.pointer);

describe('spending controls', () => {
  it('accepts every category of the SDK and real countries', () => {
    expect(pointers({ allowed_categories: stripeCategories, blocked_merchant_countries: ['DE', 'US'] })).toEqual([]);
    expect(pointers({})).toEqual([]);
  });

  it('names each value that Stripe does not know', () => {
    expect(pointers({ blocked_categories: ['taxicabs_limousines', 'taxi', 'Taxi'] })).toEqual([
      '/controls/blocked_categories/1',
      '/controls/blocked_categories/2',
    ]);
    expect(pointers({ allowed_merchant_countries: ['US', 'us', 'USA', 'ZZ', '', 'EU'] })).toEqual(
      [1, 2, 3, 4, 5].map((index) => `/controls/allowed_merchant_countries/${index}`),
    );
  });

  it('refuses an allow list beside its block list, but not beside an empty one', () => {
    expect(pointers({ allowed_categories: ['bakeries'], blocked_categories: ['florists'] })).toEqual([
      '/controls/blocked_categories',
    ]);
    expect(pointers({ allowed_merchant_countries: ['DE'], blocked_merchant_countries: ['FR'] })).toEqual([
      '/controls/blocked_merchant_countries',
    ]);
    expect(pointers({ allowed_categories: ['bakeries'], blocked_categories: [] })).toEqual([]);
    expect(pointers({ allowed_categories: ['bakeries'], blocked_merchant_countries: ['FR'] })).toEqual([]);
  });

  it('refuses repetitions and endless lists', () => {
    expect(pointers({ blocked_merchant_countries: ['FR', 'DE', 'FR'] })).toEqual([
      '/controls/blocked_merchant_countries/2',
    ]);
    expect(pointers({ blocked_merchant_countries: Array.from({ length: 301 }, () => 'x') })).toEqual([
      '/controls/blocked_merchant_countries',
    ]);
  });
});

describe('the expiry printed on a card', () => {
  it('is the month of the payout’s end when that is far enough', () => {
    expect(cardExpiry(new Date('2027-05-31T23:59:59Z'), new Date('2026-11-21T00:00:00Z'))).toEqual({
      expMonth: 5,
      expYear: 2027,
    });
    expect(cardExpiry(new Date('2027-12-01T00:00:00Z'), new Date('2026-11-21T00:00:00Z'))).toEqual({
      expMonth: 12,
      expYear: 2027,
    });
  });

  it('is two months ahead when the payout ends sooner, across the turn of the year too', () => {
    expect(cardExpiry(new Date('2026-11-21T00:00:05Z'), new Date('2026-11-21T00:00:00Z'))).toEqual({
      expMonth: 1,
      expYear: 2027,
    });
    expect(cardExpiry(new Date('2026-12-31T00:00:00Z'), new Date('2026-10-31T23:59:59Z'))).toEqual({
      expMonth: 12,
      expYear: 2026,
    });
  });

  it('is never before the payout’s end, at least a month ahead even when asked a month later, and under five years', () => {
    const day = 86_400_000;
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2026-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
        fc.integer({ min: 1, max: 370 * day }),
        (now, lifetimeMs) => {
          const expiresAt = new Date(now.getTime() + lifetimeMs);

          const expiry = cardExpiry(expiresAt, now)!;

          const endOfCard = Date.UTC(expiry.expYear, expiry.expMonth, 1);
          expect(endOfCard).toBeGreaterThan(expiresAt.getTime());
          expect(Date.UTC(expiry.expYear, expiry.expMonth - 1, 1) - now.getTime()).toBeGreaterThan(28 * day);
          expect(endOfCard - now.getTime()).toBeLessThan(5 * 365 * day);
          expect(expiry.expMonth).toBeGreaterThanOrEqual(1);
          expect(expiry.expMonth).toBeLessThanOrEqual(12);
        },
      ),
    );
  });

  it('does not exist five years ahead', () => {
    expect(cardExpiry(new Date('2031-11-01T00:00:00Z'), new Date('2026-11-21T00:00:00Z'))).toBeNull();
    expect(cardExpiry(new Date('2031-10-31T00:00:00Z'), new Date('2026-11-21T00:00:00Z'))).not.toBeNull();
  });
});

describe('what Stripe is asked for', () => {
  it('is one payment of the amount, with room for one card check, where the controls allow it', () => {
    const params = cardCreateParams({
      id: 'card_1',
      payoutId: 'payout_1',
      stripeCardholderId: 'ich_1',
      amountMinor: 250_00n,
      currency: 'usd',
      controls: { allowed_categories: ['bakeries'], blocked_categories: [], amount_match: 'exact' },
      expiry: { expMonth: 2, expYear: 2027 },
    });

    expect(params).toEqual({
      cardholder: 'ich_1',
      currency: 'usd',
      type: 'virtual',
      status: 'active',
      exp_month: 2,
      exp_year: 2027,
      lifecycle_controls: { cancel_after: { payment_count: 1 } },
      spending_controls: {
        allowed_categories: ['bakeries'],
        spending_limits: [
          { amount: 25000, interval: 'per_authorization' },
          { amount: 25100, interval: 'all_time' },
        ],
      },
      metadata: { disburse_payout: 'payout_1', disburse_card: 'card_1' },
    });
  });
});

describe('a card’s statuses', () => {
  it('are a sound table in which the dead stay dead', () => {
    expect(() => checkTransitions(cardTransitions, 'requested')).not.toThrow();
    const dead = (Object.keys(cardTransitions) as (keyof typeof cardTransitions)[]).filter(
      (status) => cardTransitions[status].length === 0,
    );
    expect(dead).toEqual(['canceled', 'failed']);
    expect(liveCardStatuses.filter((status) => dead.includes(status))).toEqual([]);
  });
});
