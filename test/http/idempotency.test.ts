import { FastifyRequest } from 'fastify';
import { Idempotency } from '../../src/platform/http/idempotency.service';
import { queryRows } from '../../src/platform/database/database';
import { startTestApp, TestApp } from '../support/app';
import { call, expectProblem } from './client';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

const makeKey = (name: string, idempotencyKey?: string, key = app.keys.admin) =>
  call(app, 'POST', '/v1/api-keys', {
    key,
    body: { name, role: 'finance' },
    ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
  });

async function keysNamed(name: string): Promise<number> {
  const [row] = await app.database.query<{ count: number }>(
    'select count(*)::int as count from api_keys where name = $1',
    [name],
  );
  return row!.count;
}

describe('Idempotency-Key', () => {
  it('answers a repeated request again and does nothing', async () => {
    const first = await makeKey('repeated', 'repeat-1');

    const second = await call(app, 'POST', '/v1/api-keys', {
      key: app.keys.admin,
      rawBody: '{ "role": "finance",\n "name": "repeated" }',
      headers: { 'idempotency-key': 'repeat-1' },
    });

    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.body.id).toBe(first.body.id);
    expect(await keysNamed('repeated')).toBe(1);
  });

  it('never stores a secret: the replay leaves it out and says so', async () => {
    const first = await makeKey('secretive', 'secret-1');
    const second = await makeKey('secretive', 'secret-1');

    expect(first.body.key).toMatch(/^dsb_test_/);
    expect(first.body).not.toHaveProperty('secret_shown_once');
    expect(second.body).not.toHaveProperty('key');
    expect(second.body.secret_shown_once).toBe(true);
    const stored = await app.database.query<{ answer: string }>('select answer::text as answer from idempotency_keys');
    expect(stored.map((row) => row.answer).join()).not.toContain(first.body.key);
  });

  it('refuses the key for another request', async () => {
    await makeKey('one', 'reused-1');

    expectProblem(await makeKey('other', 'reused-1'), 422, 'idempotency_key_reused');
    const otherPath = await call(app, 'POST', '/v1/webhook-endpoints', {
      key: app.keys.admin,
      body: { url: 'https://example.com' },
      headers: { 'idempotency-key': 'reused-1' },
    });
    expectProblem(otherPath, 422, 'idempotency_key_reused');
    expect(await keysNamed('other')).toBe(0);
  });

  it('keeps the keys of different callers apart', async () => {
    const { body } = await makeKey('caller', 'apart-1');
    const other = await call(app, 'POST', '/v1/api-keys', {
      key: app.keys.admin,
      body: { name: 'second admin', role: 'admin' },
    });

    const answer = await makeKey('caller', 'apart-1', other.body.key as string);

    expect(answer.status).toBe(201);
    expect(answer.body.id).not.toBe(body.id);
  });

  it('is known to the key that succeeds the one it was used with', async () => {
    const { body: old } = await call(app, 'POST', '/v1/api-keys', {
      key: app.keys.admin,
      body: { name: 'to be rotated', role: 'admin' },
    });
    const first = await makeKey('handed over', 'over-1', old.key as string);
    const { body: successor } = await call(app, 'POST', `/v1/api-keys/${old.id}/rotate`, {
      key: app.keys.admin,
      body: {},
    });

    const again = await makeKey('handed over', 'over-1', successor.key as string);

    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body.id).toBe(first.body.id);
    expect(await keysNamed('handed over')).toBe(1);
  });

  it('does the work once for twenty twins at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => makeKey('twins', 'twin-1')));

    expect(await keysNamed('twins')).toBe(1);
    const made = answers.filter((answer) => answer.status === 201);
    expect(new Set(made.map((answer) => answer.body.id as string)).size).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expectProblem(answer, 409, 'idempotency_key_in_use');
    expect((await makeKey('twins', 'twin-1')).headers.get('idempotent-replayed')).toBe('true');
  });

  it('keeps nothing of a refused request, so that a corrected one may use the key', async () => {
    const refused = await call(app, 'POST', '/v1/api-keys', {
      key: app.keys.admin,
      body: { name: 'late', role: 'finance', expires_at: '2020-01-01T00:00:00Z' },
      headers: { 'idempotency-key': 'corrected-1' },
    });
    expectProblem(refused, 422);

    const corrected = await makeKey('late', 'corrected-1');

    expect(corrected.status).toBe(201);
    expect(corrected.headers.get('idempotent-replayed')).toBeNull();
  });

  it('does the work when the database connection died before the commit', async () => {
    const idempotency = app.app.get(Idempotency);
    const request = {
      method: 'POST',
      url: '/v1/api-keys',
      headers: { 'idempotency-key': 'crash-1' },
      body: { name: 'crash' },
    } as unknown as FastifyRequest;
    const work = (dies: boolean) =>
      idempotency.run(request, 201, async (tx) => {
        await tx.query(
          `insert into outgoing_events (id, type, data, occurred_at, created_at) values ('event_crash', 'x', '{}', now(), now())`,
        );
        if (dies) await queryRows(tx, 'select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
        return { done: true };
      });

    await expect(work(true)).rejects.toThrow();
    expect(await app.database.query('select 1 from outgoing_events where id = $1', ['event_crash'])).toHaveLength(0);
    await expect(work(false)).resolves.toEqual({ done: true });

    expect(await app.database.query('select 1 from outgoing_events where id = $1', ['event_crash'])).toHaveLength(1);
    await expect(work(false)).resolves.toEqual({ done: true });
  });

  it('answers what was stored when the connection died between the commit and the answer', async () => {
    // The answer is held back after the commit, until the caller is gone.
    const idempotency = app.app.get(Idempotency);
    const run = idempotency.run.bind(idempotency);
    let committed = (): void => undefined;
    const hasCommitted = new Promise<void>((done) => (committed = done));
    let answerNow = (): void => undefined;
    const callerIsGone = new Promise<void>((done) => (answerNow = done));
    const held = jest.spyOn(idempotency, 'run').mockImplementationOnce(async (request, status, work, options) => {
      const answer = await run(request, status, work, options);
      committed();
      await callerIsGone;
      return answer;
    });
    const body = JSON.stringify({ name: 'unheard', role: 'finance' });
    const caller = new AbortController();
    const unheard = fetch(`${app.url}/v1/api-keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${app.keys.admin}`,
        'content-type': 'application/json',
        'idempotency-key': 'unheard-1',
      },
      body,
      signal: caller.signal,
    });
    const broken = expect(unheard).rejects.toThrow(/abort/i);
    await hasCommitted;
    caller.abort();
    await broken;
    answerNow();
    held.mockRestore();

    const again = await makeKey('unheard', 'unheard-1');

    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    expect(again.body).toMatchObject({ name: 'unheard', secret_shown_once: true });
    expect(await keysNamed('unheard')).toBe(1);
    const [made] = await app.database.query<{ id: string }>(`select id from api_keys where name = 'unheard'`);
    expect(again.body.id).toBe(made!.id);
  });

  it.each(['', ' ', 'a'.repeat(256), 'ümlaut'])('refuses the key %j', async (key) => {
    expectProblem(await makeKey('bad', key), 400, 'idempotency_key_invalid');
  });

  it('is forgotten after thirty days, not before', async () => {
    await makeKey('kept', 'kept-1');
    app.clock.advance(29 * 86_400_000);
    await app.app.get(Idempotency).purge();
    expect((await makeKey('kept', 'kept-1')).headers.get('idempotent-replayed')).toBe('true');

    app.clock.advance(2 * 86_400_000);
    await app.app.get(Idempotency).purge();

    expect((await makeKey('kept', 'kept-1')).headers.get('idempotent-replayed')).toBeNull();
  });
});
