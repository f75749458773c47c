import { findRequestProblems, payoutLifetimeMsMax } from './payout-request.policy';

const now = new Date('2026-11-21T12:00:00Z');
const limits = { accountCurrency: 'usd', amountMinorMax: 10_000_00n } as const;
const request = { amountMinor: 250_00n, currency: 'usd', expiresAt: new Date('2026-12-01') } as const;

describe('what a payout may ask', () => {
  it('accepts more than one unit up to the cap, in the account’s currency, for up to 370 days', () => {
    expect(findRequestProblems(request, limits, now)).toEqual([]);
    expect(findRequestProblems({ ...request, amountMinor: 1_01n }, limits, now)).toEqual([]);
    expect(findRequestProblems({ ...request, amountMinor: 10_000_00n }, limits, now)).toEqual([]);
    const lastMoment = new Date(now.getTime() + payoutLifetimeMsMax);
    expect(findRequestProblems({ ...request, expiresAt: lastMoment }, limits, now)).toEqual([]);
  });

  it.each([
    ['one unit, which the network takes for a card check', { amountMinor: 1_00n }, '/amount'],
    ['more than Stripe allows in one authorization', { amountMinor: 10_000_01n }, '/amount'],
    ['another currency than the account’s', { currency: 'eur' as const }, '/currency'],
    ['an end in the past', { expiresAt: now }, '/expires_at'],
    ['an end too far ahead', { expiresAt: new Date(now.getTime() + payoutLifetimeMsMax + 1) }, '/expires_at'],
  ])('refuses %s', (_what, change, pointer) => {
    const problems = findRequestProblems({ ...request, ...change }, limits, now);

    expect(problems.map((problem) => problem.pointer)).toEqual([pointer]);
  });

  it('names every problem at once', () => {
    const problems = findRequestProblems({ amountMinor: 1n, currency: 'gbp', expiresAt: now }, limits, now);

    expect(problems.map((problem) => problem.pointer)).toEqual(['/currency', '/amount', '/expires_at']);
  });
});
