import { RouteClassification } from '../../src/platform/api-keys/route-classification';
import { Role, startTestApp, TestApp } from '../support/app';
import { call, expectProblem } from './client';
import { filled, Route, routesOf } from './routes';

const roles: readonly Role[] = ['admin', 'marketplace', 'finance', 'auditor', 'pci'];

let app: TestApp;
let routes: Route[];
beforeAll(async () => {
  app = await startTestApp();
  routes = routesOf(app);
});
afterAll(() => app.stop());

/** Asks for something that does not exist, so that whoever is let in changes nothing. */
const knock = (route: Route, key?: string) =>
  call(app, route.method, filled(route.path, 'nothing_here'), {
    key,
    body: route.method === 'POST' || route.method === 'PATCH' ? {} : undefined,
  });

const guarded = () => routes.filter((route): route is Route & { roles: readonly Role[] } => Array.isArray(route.roles));

describe('who may call what', () => {
  it('has been decided for every route', () => {
    expect(routes.length).toBeGreaterThan(20);
    expect(routes.filter((route) => route.roles === undefined)).toEqual([]);
    expect(app.app.get(RouteClassification).listUnclassified()).toEqual([]);
  });

  it('leaves nothing of /v1 to everybody', () => {
    expect(routes.filter(({ path, roles: who }) => path.startsWith('/v1/') && who === 'public')).toEqual([]);
    const open = routes.filter(({ roles: who }) => who === 'public').map(({ method, path }) => `${method} ${path}`);
    for (const route of open)
      expect(route).toMatch(/^(GET \/(health\/(live|ready)|metrics)|POST \/webhooks\/stripe.*|\w+ \/(c|console)\b.*)$/);
  });

  it('is what the OpenAPI document says', async () => {
    const { body: document } = await call(app, 'GET', '/openapi.json');
    const documented = Object.entries(
      document.paths as Record<string, Record<string, { 'x-roles'?: Role[]; security?: unknown[] }>>,
    )
      .filter(([path]) => path.startsWith('/v1/'))
      .flatMap(([path, operations]) =>
        Object.entries(operations).map(([method, operation]) => ({
          route: `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
          roles: operation['x-roles'],
          isSecured: (operation.security?.length ?? 0) > 0,
        })),
      )
      .sort((a, b) => (a.route < b.route ? -1 : 1));

    const declared = guarded()
      .map(({ method, path, roles: who }) => ({ route: `${method} ${path}`, roles: who, isSecured: true }))
      .sort((a, b) => (a.route < b.route ? -1 : 1));
    expect(documented).toEqual(declared);
  });

  it('needs a key', async () => {
    for (const route of guarded()) {
      const answer = await knock(route);
      expectProblem(answer, 401, 'api_key_missing');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  });

  it('does not believe just any key', async () => {
    const mistyped = app.keys.admin.slice(0, -1) + (app.keys.admin.endsWith('a') ? 'b' : 'a');
    for (const key of [mistyped, 'dsb_test_', 'x'.repeat(40), 'sk_test_4eC39HqLyjWDarjtT1zdp7dc0000']) {
      for (const route of guarded()) expectProblem(await knock(route, key), 401, 'api_key_invalid');
    }
    const basic = await call(app, 'GET', '/v1/events', { headers: { authorization: `Basic ${app.keys.admin}` } });
    expectProblem(basic, 401, 'api_key_invalid');
  });

  it.each(roles)('is granted to %s exactly where the route says so', async (role) => {
    for (const route of guarded()) {
      const answer = await knock(route, app.keys[role]);

      const label = `${role}: ${route.method} ${route.path}`;
      if (route.roles.includes(role)) {
        expect({ label, status: answer.status }).not.toMatchObject({ status: 401 });
        expect({ label, code: answer.body.code as unknown }).not.toMatchObject({ code: 'role_not_allowed' });
        expect({ label, isServerError: answer.status >= 500, answer: answer.body as unknown }).toMatchObject({
          isServerError: false,
        });
      } else {
        expect({ label, status: answer.status, code: answer.body.code as unknown }).toEqual({
          label,
          status: 403,
          code: 'role_not_allowed',
        });
        expectProblem(answer);
      }
    }
  });

  it('ends with the key: revoked or expired, it opens nothing', async () => {
    const make = (name: string, more = {}) =>
      call(app, 'POST', '/v1/api-keys', { key: app.keys.admin, body: { name, role: 'admin', ...more } });
    const { body: revoked } = await make('revoked');
    const { body: expiring } = await make('expiring', {
      expires_at: new Date(app.clock.now().getTime() + 3_600_000).toISOString(),
    });
    expect((await call(app, 'GET', '/v1/api-keys', { key: expiring.key as string })).status).toBe(200);
    expect((await call(app, 'GET', '/v1/api-keys', { key: revoked.key as string })).status).toBe(200);

    await call(app, 'DELETE', `/v1/api-keys/${revoked.id}`, { key: app.keys.admin });
    app.clock.advance(2 * 3_600_000);

    for (const route of guarded()) {
      expectProblem(await knock(route, revoked.key as string), 401, 'api_key_revoked');
      expectProblem(await knock(route, expiring.key as string), 401, 'api_key_expired');
    }
  });

  it('grants admins everything, and the pci role the reveal of a card and nothing else', () => {
    for (const route of guarded())
      expect({ route: route.path, admin: route.roles.includes('admin') }).toMatchObject({ admin: true });
    const forPci = guarded().filter(({ roles: who }) => who.includes('pci'));
    for (const { path } of forPci) expect(path).toBe('/v1/cards/:id/reveal');
  });

  it('lets auditors change nothing', () => {
    const writes = guarded().filter(({ method, roles: who }) => method !== 'GET' && who.includes('auditor'));
    expect(writes.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });
});
