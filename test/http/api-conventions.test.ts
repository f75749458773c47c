import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { ApiKeysRepository } from '../../src/platform/api-keys/api-keys.repository';
import { ApiKeysService } from '../../src/platform/api-keys/api-keys.service';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { call, CallOptions, expectProblem } from './client';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const asAdmin = (method: string, path: string, options: CallOptions = {}) =>
  call(app, method, path, { key: app.keys.admin, ...options });

describe('every answer', () => {
  it('has a request id: the given one, or a new one', async () => {
    const given = await call(app, 'GET', '/health/live', { headers: { 'x-request-id': 'trace-42' } });
    const made = await call(app, 'GET', '/health/live');
    const hostile = await call(app, 'GET', '/health/live', {
      headers: { 'x-request-id': `"><script>${'x'.repeat(200)}` },
    });

    expect(given.headers.get('x-request-id')).toBe('trace-42');
    expect(made.headers.get('x-request-id')).toMatch(/^request_\w+$/);
    expect(hostile.headers.get('x-request-id')).toMatch(/^request_\w+$/);
  });

  it('tells browsers and caches to keep out', async () => {
    const { headers } = await asAdmin('GET', '/v1/api-keys');

    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('strict-transport-security')).toBeTruthy();
    expect(headers.get('server')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('a request that nobody can serve', () => {
  it('is 404 where nothing is, and 405 where another method is possible', async () => {
    expectProblem(await asAdmin('GET', '/v1/nothing'), 404, 'route_not_found');
    expectProblem(await asAdmin('GET', '/'), 404, 'route_not_found');
    expectProblem(await asAdmin('GET', '/v1/api-keys/key_none'), 404, 'api_key_not_found');
    const wrongMethod = await asAdmin('PUT', '/v1/api-keys', { body: {} });
    expectProblem(wrongMethod, 405, 'method_not_allowed');
    expect(wrongMethod.headers.get('allow')).toBe('GET, HEAD, POST');
    expectProblem(await asAdmin('PATCH', '/v1/api-keys/key_none', { body: {} }), 405, 'method_not_allowed');
  });

  it.each([
    ['plain text', 'text/plain', 'name=x', 415],
    ['a form', 'application/x-www-form-urlencoded', 'name=x', 415],
    ['another encoding', 'application/json; charset=utf-16', '{}', 415],
    ['an upload', 'multipart/form-data; boundary=x', '--x--', 415],
    ['half a body', 'application/json', '{"name":', 400],
    ['two bodies', 'application/json', '{"name":"a"}{}', 400],
    ['almost JSON', 'application/json', "{'name':'a'}", 400],
    ['too much', 'application/json', `{"name":"${'a'.repeat(1_100_000)}"}`, 413],
    ['too deep', 'application/json', `{"name":${'['.repeat(40)}1${']'.repeat(40)}}`, 400],
    ['far too deep', 'application/json', `{"name":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 400],
    ['no type at all', '', '{}', 415],
    ['JSON lines where no list is taken', 'application/x-ndjson', '{}', 415],
  ])('says so: %s', async (_what, contentType, rawBody, status) => {
    expectProblem(await asAdmin('POST', '/v1/api-keys', { rawBody, headers: { 'content-type': contentType } }), status);
  });

  it('names the place where a body nests too deep, and takes the largest one there may be', async () => {
    const deep = await asAdmin('POST', '/v1/api-keys', { rawBody: `{"name":${'['.repeat(40)}1${']'.repeat(40)}}` });
    expect(deep.body.errors).toEqual([
      { pointer: `/name${'/0'.repeat(31)}`, detail: 'is nested deeper than 32 levels', code: 'too_deep' },
    ]);

    const frame = '{"name":"largest","role":"auditor"}';
    const largest = await asAdmin('POST', '/v1/api-keys', { rawBody: frame + ' '.repeat(1_048_576 - frame.length) });
    const larger = await asAdmin('POST', '/v1/api-keys', { rawBody: frame + ' '.repeat(1_048_577 - frame.length) });
    expect([largest.status, larger.status]).toEqual([201, 413]);
  });

  it('names each wrong field, what is wrong with it, and all of them at once', async () => {
    const answer = await asAdmin('POST', '/v1/api-keys', {
      body: { role: 'king', expires_at: 'tomorrow', nmae: 'typo' },
    });

    expectProblem(answer, 400, 'validation_failed');
    expect(answer.body.errors).toEqual(
      expect.arrayContaining([
        { pointer: '/name', detail: 'is required', code: 'required' },
        { pointer: '/nmae', detail: 'is not a field of this request', code: 'unknown_field' },
        { pointer: '/role', detail: expect.stringContaining('must be one of'), code: 'is_in' },
        { pointer: '/expires_at', detail: expect.stringContaining('ISO 8601'), code: 'is_moment' },
      ]),
    );
    const query = await asAdmin('GET', '/v1/api-keys?limit=101&color=red');
    expect(query.body.errors).toEqual([
      { pointer: '?color', detail: 'is not a field of this request', code: 'unknown_field' },
      { pointer: '?limit', detail: 'must not be greater than 100', code: 'max' },
    ]);
  });

  it('is answered as a problem even when it is hardly HTTP', async () => {
    const answer = await fetch(`${app.url}/v1/events`, { headers: { padding: 'x'.repeat(20_000) } });

    expect(answer.status).toBe(431);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});

describe('lists', () => {
  it('page newest first and do not shift when rows come in', async () => {
    const make = async (name: string) =>
      (await asAdmin('POST', '/v1/api-keys', { body: { name, role: 'pci' } })).body.id as string;
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.unshift(await make(`page ${i}`));
    const first = await asAdmin('GET', '/v1/api-keys?limit=3');
    await make('newcomer');

    const second = await asAdmin('GET', `/v1/api-keys?limit=3&starting_after=${first.body.next_cursor}`);

    const idsOf = (answer: typeof first) => (answer.body.data as { id: string }[]).map(({ id }) => id);
    expect(idsOf(first)).toEqual(ids.slice(0, 3));
    expect(idsOf(second)[0]).toBe(ids[3]);
    expect(first.body).toMatchObject({ has_more: true, next_cursor: ids[2] });
  });
});

describe('API keys', () => {
  it('show their text once and leave only a hash', async () => {
    const made = await asAdmin('POST', '/v1/api-keys', { body: { name: 'backend', role: 'marketplace' } });
    const key = made.body.key as string;

    const read = await asAdmin('GET', `/v1/api-keys/${made.body.id}`);

    expect(read.body).toMatchObject({ name: 'backend', role: 'marketplace', status: 'active' });
    expect(JSON.stringify(read.body)).not.toContain(key);
    const rows = await app.database.query<{ row: string }>('select row_to_json(k)::text as row from api_keys k');
    expect(rows.map(({ row }) => row).join()).not.toContain(key.slice(12, 30));
  });

  it('are stored as their SHA-256 and in no other form, in no column of any table', async () => {
    const { body: made } = await asAdmin('POST', '/v1/api-keys', {
      body: { name: 'hashed', role: 'auditor' },
      headers: { 'idempotency-key': 'hashed-1' },
    });
    const key = made.key as string;
    expect((await call(app, 'GET', '/v1/events', { key })).status).toBe(200);

    const [stored] = await app.database.query<{ hash: Buffer }>('select key_hash as hash from api_keys where id = $1', [
      made.id,
    ]);
    expect(stored!.hash).toEqual(createHash('sha256').update(key).digest());
    const tables = await app.database.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'pgboss')`,
    );
    expect(tables.length).toBeGreaterThan(30);
    for (const { name } of tables) {
      const [row] = await app.database.query<{ count: number }>(
        `select count(*)::int as count from ${name} t where position($1 in t::text) > 0`,
        [key.slice(12, -6)],
      );
      expect({ name, ...row }).toEqual({ name, count: 0 });
    }
  });

  it('are refused without a look into the database when mistyped', async () => {
    const { body: made } = await asAdmin('POST', '/v1/api-keys', { body: { name: 'typed', role: 'auditor' } });
    const key = made.key as string;
    const mistyped = key.slice(0, 20) + (key[20] === 'a' ? 'b' : 'a') + key.slice(21);
    const look = jest.spyOn(app.app.get(ApiKeysRepository), 'findByHash');
    try {
      expectProblem(await call(app, 'GET', '/v1/events', { key: mistyped }), 401, 'api_key_invalid');
      expect(look).not.toHaveBeenCalled();

      expect((await call(app, 'GET', '/v1/events', { key })).status).toBe(200);
      expect(look).toHaveBeenCalledTimes(1);
    } finally {
      look.mockRestore();
    }
  });

  it('end when they expire, at that moment and no sooner', async () => {
    const expiresAt = new Date(app.clock.now().getTime() + 3_600_000);
    const { body: made } = await asAdmin('POST', '/v1/api-keys', {
      body: { name: 'short-lived', role: 'auditor', expires_at: expiresAt.toISOString() },
    });
    const now = jest.spyOn(app.clock, 'now');
    try {
      now.mockReturnValue(new Date(expiresAt.getTime() - 1));
      expect((await call(app, 'GET', '/v1/events', { key: made.key as string })).status).toBe(200);
      now.mockReturnValue(expiresAt);
      expectProblem(await call(app, 'GET', '/v1/events', { key: made.key as string }), 401, 'api_key_expired');
    } finally {
      now.mockRestore();
    }
  });

  it('are rotated with an overlap', async () => {
    const { body: old } = await asAdmin('POST', '/v1/api-keys', { body: { name: 'rotating', role: 'auditor' } });
    const { body: next } = await asAdmin('POST', `/v1/api-keys/${old.id}/rotate`, { body: { overlap_seconds: 600 } });
    const statusWith = async (key: string) => (await call(app, 'GET', '/v1/events', { key })).status;

    expect([await statusWith(old.key as string), await statusWith(next.key as string)]).toEqual([200, 200]);
    app.clock.advance(601_000);

    expect([await statusWith(old.key as string), await statusWith(next.key as string)]).toEqual([401, 200]);
    expectProblem(await asAdmin('POST', `/v1/api-keys/${old.id}/rotate`, { body: {} }), 409, 'api_key_not_active');
  });

  it('remember when they were last used, to the minute', async () => {
    const { body: made } = await asAdmin('POST', '/v1/api-keys', { body: { name: 'used', role: 'auditor' } });
    const lastUse = async () => (await asAdmin('GET', `/v1/api-keys/${made.id}`)).body.last_used_at as string | null;
    expect(await lastUse()).toBeNull();
    await call(app, 'GET', '/v1/events', { key: made.key as string });
    const first = await lastUse();
    await call(app, 'GET', '/v1/events', { key: made.key as string });
    expect([first, await lastUse()]).toEqual([expect.any(String), first]);

    app.clock.advance(61_000);
    await call(app, 'GET', '/v1/events', { key: made.key as string });

    expect(await lastUse()).not.toBe(first);
  });

  it('never leave the house without an admin', async () => {
    const lonely = await startTestApp();
    try {
      const admins = (await call(lonely, 'GET', '/v1/api-keys', { key: lonely.keys.admin })).body.data as {
        id: string;
        role: string;
      }[];
      const last = admins.find(({ role }) => role === 'admin')!;

      expectProblem(
        await call(lonely, 'DELETE', `/v1/api-keys/${last.id}`, { key: lonely.keys.admin }),
        409,
        'last_admin_key',
      );

      const { body: second } = await call(lonely, 'POST', '/v1/api-keys', {
        key: lonely.keys.admin,
        body: { name: 'second', role: 'admin' },
      });
      const outcomes = await Promise.all([
        call(lonely, 'DELETE', `/v1/api-keys/${last.id}`, { key: lonely.keys.admin }),
        call(lonely, 'DELETE', `/v1/api-keys/${second.id}`, { key: second.key as string }),
      ]);
      expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(1);
    } finally {
      await lonely.stop();
    }
  });

  it('are made at the first start, once, however many replicas start', async () => {
    const service = app.app.get(ApiKeysService);
    const imported = 'an-operator-chose-this-key-0001';

    const made = await Promise.all(
      [1, 2, 3].map(() => service.ensureBootstrap({ adminKey: imported, makeOnePerRole: true })),
    );

    expect(made.flat()).toEqual([]);
    expect((await call(app, 'GET', '/v1/api-keys', { key: imported })).status).toBe(200);
    const rows = await app.database.query(`select 1 from api_keys where name = 'bootstrap admin (imported)'`);
    expect(rows).toHaveLength(1);
    await expect(service.ensureBootstrap({ adminKey: 'short', makeOnePerRole: false })).rejects.toThrow(
      /BOOTSTRAP_ADMIN_KEY/,
    );
  });
});

describe('the documents', () => {
  it('are served without anybody else', async () => {
    const page = await call(app, 'GET', '/docs');
    const script = await call(app, 'GET', '/docs/swagger-ui-bundle.js');
    const { body: document } = await call(app, 'GET', '/openapi.json');

    expect([page.status, script.status]).toEqual([200, 200]);
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(document.openapi).toBe('3.1.0');
    expect(document.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' });
    expect(document.paths['/v1/api-keys'].post['x-roles']).toEqual(['admin']);
    expect(JSON.stringify(document)).not.toContain('"nullable"');
  });

  it('measure requests by route, never by address', async () => {
    await asAdmin('GET', '/v1/api-keys/key_unseen');

    const { body } = await call(app, 'GET', '/metrics');

    expect(body).toMatch(
      /disburse_http_request_duration_seconds_count\{method="GET",route="\/v1\/api-keys\/:id",status="404"\} \d+/,
    );
    expect(body).toContain('process_cpu_seconds_total');
    expect(body).not.toContain('key_unseen');
  });
});

describe('while the database is away', () => {
  it('answers 503 with Retry-After, says that it is not ready, and recovers by itself', async () => {
    const own = await startTestApp();
    const name = new URL(own.databaseUrl).pathname.slice(1);
    const serverUrl = new URL(own.databaseUrl);
    serverUrl.pathname = '/postgres';
    const server = new Client({ connectionString: serverUrl.href });
    await server.connect();
    try {
      expect((await call(own, 'GET', '/health/ready')).status).toBe(200);
      await server.query(`alter database ${name} allow_connections false`);
      await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);

      const refused = await call(own, 'GET', '/v1/events', { key: own.keys.admin });
      const ready = await call(own, 'GET', '/health/ready');

      expectProblem(refused, 503, 'database_unavailable');
      expect(refused.headers.get('retry-after')).toBe('5');
      expect(ready.status).toBe(503);
      expect(ready.body).toMatchObject({ status: 'unavailable', checks: { database: 'down' } });
      expect((await call(own, 'GET', '/health/live')).status).toBe(200);

      await server.query(`alter database ${name} allow_connections true`);

      await waitFor('readiness', async () => (await call(own, 'GET', '/health/ready')).status === 200);
      expect((await call(own, 'GET', '/v1/events', { key: own.keys.admin })).status).toBe(200);
    } finally {
      await server.query(`alter database ${name} allow_connections true`);
      await server.end();
      await own.stop();
    }
  });
});
