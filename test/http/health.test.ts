import { Client } from 'pg';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { call } from './client';

jest.setTimeout(60_000);

describe('readiness', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({ roles: new Set(['api']) });
  });
  afterAll(() => app?.stop());

  const ready = () => call(app, 'GET', '/health/ready');

  it('fails when the queue does, though the database answers', async () => {
    expect(await ready()).toMatchObject({
      status: 200,
      body: { status: 'ok', checks: { database: 'up', queue: 'up' } },
    });

    await app.database.query('alter schema pgboss rename to pgboss_away');
    try {
      const answer = await ready();
      expect(answer).toMatchObject({
        status: 503,
        body: { status: 'unavailable', checks: { database: 'up', queue: 'down' } },
      });
      expect(answer.headers.get('retry-after')).toBe('5');
      expect((await call(app, 'GET', '/health/live')).status).toBe(200);
    } finally {
      await app.database.query('alter schema pgboss_away rename to pgboss');
    }
    expect((await ready()).status).toBe(200);
  });

  it('fails when the database is gone, and recovers with it', async () => {
    const url = new URL(app.databaseUrl);
    const name = url.pathname.slice(1);
    url.pathname = '/postgres';
    const operator = new Client({ connectionString: url.href });
    await operator.connect();
    try {
      await operator.query(`alter database ${name} allow_connections false`);
      await operator.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      const answer = await waitFor('the failure', async () => {
        const each = await ready();
        return each.status === 503 && each;
      });
      expect(answer.body).toEqual({ status: 'unavailable', checks: { database: 'down', queue: 'down' } });

      await operator.query(`alter database ${name} allow_connections true`);
      await waitFor('the recovery', async () => (await ready()).status === 200);
    } finally {
      await operator.query(`alter database ${name} allow_connections true`);
      await operator.end();
    }
  });

  it('fails when the database hangs, within seconds', async () => {
    const query = jest
      .spyOn(app.database.dataSource.manager, 'query')
      .mockImplementation(() => new Promise(() => undefined));
    const startedAt = performance.now();
    expect(await ready()).toMatchObject({ status: 503, body: { checks: { database: 'down', queue: 'up' } } });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    query.mockRestore();
  });
});

describe('metrics', () => {
  it('name what an operator asks for', async () => {
    const app = await startTestApp();
    try {
      await call(app, 'GET', '/v1/payouts', { key: app.keys.marketplace });
      const { body } = await call(app, 'GET', '/metrics');
      for (const name of [
        'disburse_http_request_duration_seconds',
        'disburse_authorization_decision_seconds',
        'disburse_authorizations_24h',
        'disburse_stripe_request_seconds',
        'disburse_stripe_calls_open',
        'disburse_stripe_events_open',
        'disburse_jobs',
        'disburse_job_oldest_seconds',
        'disburse_reconciliation_breaks_open',
        'disburse_funding_runway_days',
        'disburse_card_creations_24h',
        'disburse_payout_ready_seconds_24h',
        'disburse_settled_minor_24h',
      ]) {
        expect(body).toContain(`# TYPE ${name} `);
      }
      expect(body).not.toMatch(/payout_[0-9A-Z]{26}|seller_[0-9A-Z]{26}/);
    } finally {
      await app.stop();
    }
  });
});
