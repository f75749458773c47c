import { auditedObjects } from '../../src/platform/audit-log/audited-objects.policy';
import { Idempotency } from '../../src/platform/http/idempotency.service';
import type { MarkedRequest } from '../../src/platform/http/request.types';
import { Answer, call, expectAccepted, expectProblem } from '../http/client';
import { filled, Route, routesOf } from '../http/routes';
import { runCommand } from '../process/program';
import { startTestApp, TestApp } from '../support/app';
import { Json } from '../support/http';
import { Scenario, Seller } from '../support/scenario';

jest.setTimeout(120_000);

/** Routes whose work is no transaction of ours: a link made at Stripe, a calculation, a card shown. They are logged all the same. */
const withoutTransaction = [
  'POST /v1/authorizations/:id/replay',
  'POST /v1/connected-accounts/:id/onboarding-links',
  'POST /v1/cards/:id/reveal',
];

describe('the audit log', () => {
  let app: TestApp;
  let scenario: Scenario;
  let seller: Seller;
  let made = 0;
  const secrets = new Map<string, string>();

  beforeAll(async () => {
    app = await startTestApp();
    scenario = new Scenario(app);
    for (const [role, key] of Object.entries(app.keys)) secrets.set(`the key of ${role}`, key);
    await scenario.fundPlatform(1_000_00);
    seller = await scenario.onboardedSeller();
  });

  afterAll(() => app?.stop());

  const entries = async (query: string): Promise<Json[]> => {
    const answer = await call(app, 'GET', `/v1/audit-log?limit=100&${query}`, { key: app.keys.auditor });
    expect(answer.status).toBe(200);
    return answer.body.data as Json[];
  };

  /** A request as admin, done; answers its body and its one entry. */
  async function doing(method: string, path: string, body?: object): Promise<{ body: Json; entry: Json }> {
    const answer = await call(app, method, path, {
      key: app.keys.admin,
      body,
      headers: { 'user-agent': 'Backoffice/2.1' },
    });
    expectAccepted(`${method} ${path}`, answer);
    return { body: answer.body, entry: await entryOf(answer) };
  }

  async function entryOf(answer: Answer): Promise<Json> {
    const rows = await app.database.query<Json>('select * from audit_log where request_id = $1', [
      answer.headers.get('x-request-id'),
    ]);
    expect(rows).toHaveLength(1);
    return rows[0];
  }

  const changing = (): Route[] =>
    routesOf(app).filter(({ method, path }) => path.startsWith('/v1/') && method !== 'GET' && method !== 'HEAD');

  it('is written by every route that changes something, in the transaction of the change', () => {
    expect(changing().length).toBeGreaterThan(25);
    const apart = changing()
      .filter(({ source }) => !source.includes('idempotency.run('))
      .map(({ method, path }) => `${method} ${path}`);

    expect(apart.filter((route) => !withoutTransaction.includes(route))).toEqual([]);
  });

  it('has a row for every attempt at every such route that was turned down', async () => {
    for (const [index, route] of changing().entries()) {
      // So many refusals a minute are written down and no more.
      if (index % 15 === 0) app.clock.advance(61_000);
      const answer = await call(app, route.method, filled(route.path, 'nothing_here'), { key: app.keys.auditor });

      expectProblem(answer, 403, 'role_not_allowed');
      expect(await entryOf(answer)).toMatchObject({
        actor_type: 'api_key',
        actor_role: 'auditor',
        action: expect.stringMatching(/^[a-z_]+\.[a-z_]+$/),
        object_id: route.path.includes('/:') && !route.path.endsWith('/card-links') ? 'nothing_here' : null,
        outcome: 'refused',
        refusal_code: 'role_not_allowed',
        before: null,
        after: null,
      });
    }
  });

  it('says who did what, from where, with before and after', async () => {
    const { entry } = await doing('POST', `/v1/connected-accounts/${seller.id}/suspend`);
    await doing('POST', `/v1/connected-accounts/${seller.id}/resume`);

    expect(entry).toMatchObject({
      actor_type: 'api_key',
      actor_id: expect.stringMatching(/^key_/),
      actor_role: 'admin',
      action: 'connected_account.suspend',
      object_type: 'connected_account',
      object_id: seller.id,
      outcome: 'done',
      refusal_code: null,
      before: { is_suspended: false, status: 'active' },
      after: { is_suspended: true, status: 'active' },
      ip: '127.0.0.0/24',
      user_agent: 'Backoffice/2.1',
    });
  });

  it('follows the whole of a marketplace’s work, and holds no secret and nothing personal of it', async () => {
    const key = await doing('POST', '/v1/api-keys', { name: 'Jenny’s laptop', role: 'finance' });
    const rotated = await doing('POST', `/v1/api-keys/${key.body.id}/rotate`, { overlap_seconds: 60 });
    const revoked = await doing('DELETE', `/v1/api-keys/${rotated.body.id}`);
    const hook = await doing('POST', '/v1/webhook-endpoints', { url: 'https://hooks.example.com/in/t0pSecretPath' });
    const turned = await doing('POST', `/v1/webhook-endpoints/${hook.body.id}/rotate-secret`, {});
    const removed = await doing('DELETE', `/v1/webhook-endpoints/${hook.body.id}`);
    const holder = await doing('PATCH', `/v1/cardholders/${seller.cardholder}`, {
      email: `other${++made}@example.com`,
    });
    const { id: payoutId } = await scenario.readyPayout(seller, 50_00);
    const link = await doing('POST', `/v1/payouts/${payoutId}/card-links`, { require_passcode: true });
    await doing('DELETE', `/v1/card-links/${link.body.id}`);
    const onboarding = await doing('POST', `/v1/connected-accounts/${seller.id}/onboarding-links`, {
      refresh_url: 'https://marketplace.example.com/again',
      return_url: 'https://marketplace.example.com/done',
    });
    const canceled = await doing('POST', `/v1/payouts/${payoutId}/cancel`);

    expect(key.entry).toMatchObject({ action: 'api_key.create', object_id: key.body.id, before: null });
    expect(key.entry.after).toEqual({ role: 'finance', expires_at: null, revoked_at: null });
    expect(rotated.entry).toMatchObject({ action: 'api_key.rotate', object_id: key.body.id });
    expect(revoked.entry.after.revoked_at).not.toBeNull();
    expect(hook.entry.after).toMatchObject({ host: 'hooks.example.com', status: 'enabled' });
    expect(turned.entry.before.secret).not.toBe(turned.entry.after.secret);
    expect(removed.entry.after.deleted_at).not.toBeNull();
    expect(holder.entry.before.personal_data).not.toBe(holder.entry.after.personal_data);
    expect(link.entry).toMatchObject({ action: 'card_link.create', object_id: link.body.id });
    expect(onboarding.entry).toMatchObject({
      action: 'connected_account.onboarding_links',
      object_id: seller.id,
    });
    expect(canceled.entry).toMatchObject({
      action: 'payout.cancel',
      before: { status: 'ready', amount: 5000 },
      after: { status: 'canceled' },
    });

    secrets.set('a made key', key.body.key);
    secrets.set('a rotated key', rotated.body.key);
    secrets.set('a signing secret', hook.body.secret);
    secrets.set('a rotated signing secret', turned.body.secret);
    secrets.set('an endpoint’s path', 't0pSecretPath');
    secrets.set('a link', new URL(link.body.url).pathname.split('/').at(-1)!);
    secrets.set('a passcode', `"${link.body.passcode}"`);
    secrets.set('an onboarding link', onboarding.body.url);
    for (const personal of ['Jenny', 'Rosen', '@example.com', '+4915112345678', 'Oyster', '94080'])
      secrets.set(personal, personal);
    const rows = await app.database.query<{ row: string }>('select to_jsonb(a)::text as row from audit_log a');
    expect(rows.length).toBeGreaterThan(30);
    for (const [what, secret] of secrets) {
      expect(secret.length).toBeGreaterThan(3);
      expect({ what, found: rows.filter(({ row }) => row.includes(secret)) }).toEqual({ what, found: [] });
    }
  });

  it('shows only columns that exist', async () => {
    for (const { table, key = 'id', columns } of Object.values(auditedObjects)) {
      if (!table) continue;
      await app.database.query(`select ${[key, ...Object.values(columns!)].join(', ')} from ${table} limit 0`);
    }
  });

  it('commits with the change or not at all, and a replay adds nothing', async () => {
    const before = await app.database.query<{ count: number }>('select count(*)::int as count from audit_log');
    const request = { method: 'POST', url: '/v1/api-keys', routeOptions: { url: '/v1/api-keys' }, params: {} };
    const work = app.app
      .get(Idempotency)
      .run({ ...request, headers: {}, ip: '::1' } as unknown as MarkedRequest, 201, async (tx) => {
        await tx.query(`update api_keys set name = 'changed'`);
        throw new Error('the change failed');
      });
    await expect(work).rejects.toThrow('the change failed');
    expect(await app.database.query('select count(*)::int as count from audit_log')).toEqual(before);

    const once = { key: app.keys.admin, body: { name: 'once', role: 'auditor' }, headers: { 'idempotency-key': 'a1' } };
    const first = await call(app, 'POST', '/v1/api-keys', once);
    const again = await call(app, 'POST', '/v1/api-keys', once);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await entries(`object=${first.body.id}`)).toHaveLength(1);
  });

  it.each([
    ['update', `update audit_log set actor_id = 'key_somebody_else'`],
    ['delete', 'delete from audit_log'],
    ['truncate', 'truncate audit_log'],
  ])('takes no %s', async (_what, sql) => {
    await expect(app.database.query(sql)).rejects.toThrow('audit_log is append-only');
  });

  it('notes keys that are not valid, so many a minute and no more', async () => {
    app.clock.advance(61_000);
    const [from] = await app.database.query<{ id: string }>('select max(id) as id from audit_log');
    for (let i = 0; i < 40; i++) {
      expectProblem(await call(app, 'GET', '/v1/payouts', { key: 'x'.repeat(40) }), 401, 'api_key_invalid');
    }

    const rows = await app.database.query<Json>('select * from audit_log where id > $1', [from!.id]);
    expect(rows).toHaveLength(20);
    expect(rows[0]).toMatchObject({
      actor_type: 'anonymous',
      action: 'payout.read',
      outcome: 'refused',
      refusal_code: 'api_key_invalid',
    });
    const { body: metrics } = await call(app, 'GET', '/metrics');
    expect(metrics).toMatch(/disburse_audit_refusals_unlogged_total (\d{2,})/);
  });

  it('is filtered, paged and exported', async () => {
    const [latest] = await entries('action=payout.cancel');
    expect(latest).toMatchObject({ action: 'payout.cancel', object: { type: 'payout' }, outcome: 'done' });
    expect((await entries(`actor=${latest.actor.id}`)).every(({ actor }) => actor.id === latest.actor.id)).toBe(true);
    expect((await entries('outcome=refused')).every(({ outcome }) => outcome === 'refused')).toBe(true);
    expect(await entries(`object_type=card_link&outcome=done`)).toHaveLength(2);
    expect(await entries(`to=2000-01-01T00:00:00Z`)).toEqual([]);

    const paged: Json[] = [];
    for (let after = ''; ;) {
      const { body } = await call(app, 'GET', `/v1/audit-log?limit=7${after}`, { key: app.keys.auditor });
      paged.push(...(body.data as Json[]));
      if (!body.has_more) break;
      after = `&starting_after=${body.next_cursor}`;
    }
    const lines = await call(app, 'GET', '/v1/audit-log/export', { key: app.keys.auditor });
    expect(lines.headers.get('content-type')).toContain('application/jsonl');
    const exported = (lines.body as string).trimEnd().split('\n');
    expect(exported.map((line) => JSON.parse(line))).toEqual(paged);
    expect(new Set(paged.map(({ id }) => id as string)).size).toBe(paged.length);

    const csv = await call(app, 'GET', '/v1/audit-log/export?format=csv&action=payout.cancel', {
      key: app.keys.auditor,
    });
    const [header, row] = (csv.body as string).split('\r\n');
    expect(header).toMatch(/^id,occurred_at,actor_type/);
    expect(row).toContain(latest.id);
    expectProblem(await call(app, 'GET', '/v1/audit-log', { key: app.keys.marketplace }), 403);
  });

  it('notes what is done on the command line, and who typed it', async () => {
    const env = {
      DATABASE_URL: app.databaseUrl,
      STRIPE_API_KEY: app.simulator.key,
      STRIPE_API_BASE: app.simulator.url,
      STRIPE_WEBHOOK_SECRETS: 'whsec_a',
      STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: 'whsec_b',
      DATA_ENCRYPTION_KEYS: Buffer.alloc(32, 7).toString('base64'),
    };
    const command = await runCommand(env, 'create-api-key', '--role', 'auditor', '--name', 'audit');
    expect(command).toMatchObject({ code: 0, answer: expect.stringMatching(/^dsb_test_/) });

    const [row] = await app.database.query<Json>(`select * from audit_log where actor_type = 'command'`);
    expect(row).toMatchObject({ action: 'api_key.create', object_id: expect.stringMatching(/^key_/), outcome: 'done' });
    expect(row.actor_id).toBeTruthy();
    expect(JSON.stringify(row)).not.toContain(command.answer.trim());
  });

  it('notes the keys the service makes for itself', async () => {
    const rows = await app.database.query<Json>(`select * from audit_log where actor_type = 'system'`);
    expect(rows.map(({ action }) => action as string)).toEqual(Array(5).fill('api_key.create'));
  });
});
