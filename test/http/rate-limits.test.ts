import { ApiKeysService } from '../../src/platform/api-keys/api-keys.service';
import { startTestApp, TestApp } from '../support/app';
import { Answer, call, expectProblem } from './client';

const limits = { readsPerMinute: 12, writesPerMinute: 5, reportsPerMinute: 3 };

let app: TestApp;
let replica: TestApp;
beforeAll(async () => {
  app = await startTestApp({ roles: new Set(['api']), rateLimits: limits });
  replica = await startTestApp({ roles: new Set(['api']), rateLimits: limits }, app);
});
afterAll(async () => {
  await replica.stop();
  await app.stop();
});

const makeKey = async (role = 'marketplace', of = app): Promise<{ id: string; key: string }> => {
  // Straight from the service: through HTTP it would spend the admin key's own quota.
  const made = await of.database.transaction((tx) =>
    of.app.get(ApiKeysService).create(tx, { name: 'of this test', role: role as 'marketplace' }),
  );
  return { id: made.apiKey.id, key: made.key };
};
const remainingOf = (answer: Answer) => Number(/;r=(\d+)/.exec(answer.headers.get('ratelimit') ?? '')?.[1]);
const statuses = (answers: readonly Answer[]) => answers.map(({ status }) => status);

describe('how often a key may call', () => {
  it('is told with every answer, refusals included', async () => {
    const { key } = await makeKey();

    const list = await call(app, 'GET', '/v1/payouts', { key });
    expect(list.status).toBe(200);
    expect(list.headers.get('ratelimit-policy')).toBe('"reads";q=12;w=60');
    expect(list.headers.get('ratelimit')).toMatch(/^"reads";r=11;t=\d+$/);

    const refused = await call(app, 'POST', '/v1/payouts', { key, body: {} });
    expectProblem(refused, 400);
    expect(refused.headers.get('ratelimit-policy')).toBe('"writes";q=5;w=60');
    expect(remainingOf(refused)).toBe(4);

    const { key: finance } = await makeKey('finance');
    const report = await call(app, 'GET', '/v1/reconciliation-breaks', { key: finance });
    expect(report.headers.get('ratelimit-policy')).toBe('"reports";q=3;w=60');
  });

  it('ends in a 429 that says when to come back', async () => {
    const { key } = await makeKey();
    const answers: Answer[] = [];
    for (let i = 0; i < 6; i += 1) answers.push(await call(app, 'POST', '/v1/payouts', { key, body: {} }));

    expect(statuses(answers)).toEqual([400, 400, 400, 400, 400, 429]);
    const last = answers.at(-1)!;
    expectProblem(last, 429, 'rate_limited');
    const seconds = Number(last.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(last.headers.get('ratelimit')).toBe(`"writes";r=0;t=${seconds}`);
    // Other routes and other keys have their own.
    expect((await call(app, 'POST', '/v1/payouts/nothing/cancel', { key })).status).toBe(404);
    expect((await call(app, 'GET', '/v1/payouts', { key })).status).toBe(200);
    const { key: other } = await makeKey();
    expect((await call(app, 'POST', '/v1/payouts', { key: other, body: {} })).status).toBe(400);
  });

  it('is counted over all replicas: of many at once exactly the quota is answered', async () => {
    const { key } = await makeKey();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => call(i % 2 === 0 ? app : replica, 'GET', '/v1/payouts', { key })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(12);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(28);
  });

  it('is not renewed by rotating the key', async () => {
    const { id, key } = await makeKey();
    for (let i = 0; i < 5; i += 1) await call(app, 'POST', '/v1/payouts', { key, body: {} });
    const { body } = await call(app, 'POST', `/v1/api-keys/${id}/rotate`, { key: app.keys.admin, body: {} });
    expectProblem(await call(app, 'POST', '/v1/payouts', { key: body.key as string, body: {} }), 429, 'rate_limited');
  });

  it('does not concern Stripe, health checks and strangers', async () => {
    for (let i = 0; i < 20; i += 1) {
      const stripe = await call(app, 'POST', '/webhooks/stripe', { body: {} });
      expect(stripe.status).toBe(400);
      expect(stripe.headers.get('ratelimit')).toBeNull();
      expect((await call(app, 'GET', '/health/live')).headers.get('ratelimit')).toBeNull();
      const stranger = await call(app, 'GET', '/v1/payouts');
      expect(stranger.status).toBe(401);
      expect(stranger.headers.get('ratelimit')).toBeNull();
    }
  });

  it('falls back to counting in each process when the shared counters are away', async () => {
    const { key } = await makeKey();
    await app.database.query('alter table rate_limits rename to rate_limits_away');
    try {
      const answers: Answer[] = [];
      for (let i = 0; i < 6; i += 1) answers.push(await call(app, 'POST', '/v1/payouts', { key, body: {} }));
      expect(statuses(answers)).toEqual([400, 400, 400, 400, 400, 429]);
      // The other replica counts for itself.
      expect((await call(replica, 'POST', '/v1/payouts', { key, body: {} })).status).toBe(400);
    } finally {
      await app.database.query('alter table rate_limits_away rename to rate_limits');
    }
  });
});
