import { limitOf, rateLimitHeaders } from './rate-limit.policy';

const limits = { readsPerMinute: 6_000, writesPerMinute: 1_200, reportsPerMinute: 0 };

describe('the quota of a route', () => {
  it.each([
    ['GET', '/v1/payouts/:id', 'reads'],
    ['HEAD', '/v1/payouts', 'reads'],
    ['POST', '/v1/payouts', 'writes'],
    ['DELETE', '/v1/card-links/:id', 'writes'],
  ])('%s %s draws on %s', (method, route, name) => {
    expect(limitOf(method, route, limits)?.name).toBe(name);
  });

  it.each([
    ['GET', '/v1/reports/:name'],
    ['POST', '/v1/reconciliation-runs'],
    ['GET', '/v1/reconciliation-breaks'],
  ])('%s %s draws on reports', (method, route) => {
    expect(limitOf(method, route, { ...limits, reportsPerMinute: 7 })).toEqual({
      name: 'reports',
      points: 7,
      windowSeconds: 60,
    });
    expect(limitOf(method, route, limits)).toBeUndefined();
  });

  it.each([
    '/webhooks/stripe',
    '/webhooks/stripe/authorizations',
    '/health/ready',
    '/metrics',
    '/openapi.json',
    '/c/:token',
  ])('%s has none', (route) => {
    expect(limitOf('POST', route, limits)).toBeUndefined();
    expect(limitOf('GET', route, limits)).toBeUndefined();
  });

  it('is told in structured fields', () => {
    expect(
      rateLimitHeaders(
        { name: 'writes', points: 1_200, windowSeconds: 60 },
        { isAllowed: true, remaining: 1_199, resetSeconds: 60 },
      ),
    ).toEqual({ 'ratelimit-policy': '"writes";q=1200;w=60', ratelimit: '"writes";r=1199;t=60' });
  });
});
