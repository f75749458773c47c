import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTestApp, TestApp } from '../support/app';
import { contractOf } from '../support/contract';
import { openApiDocument, operationsOf, refusalCodesOf } from '../support/open-api';
import { call } from './client';
import { sourceRefusalCodes } from './refusal-codes';
import { routesOf } from './routes';

const document = openApiDocument();
const operations = operationsOf(document);
const label = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

describe('the OpenAPI document', () => {
  it('has no finding of the linter', async () => {
    // The linter is an ES module with ways of its own to load rules: it runs as its own process.
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(__dirname, '../support/lint-open-api.mjs'),
      join(__dirname, '../../client/openapi.json'),
    ]);

    expect(JSON.parse(stdout)).toEqual([]);
  }, 120_000);

  it('types everything: no object without fields, no list without a kind', () => {
    const untyped: string[] = [];
    const walk = (node: unknown, at: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const schema = node as Record<string, unknown>;
      const types = [schema['type']].flat();
      if (types.includes('object') && !schema['properties'] && schema['additionalProperties'] === undefined)
        untyped.push(at);
      if (types.includes('array') && !schema['items']) untyped.push(at);
      for (const [key, value] of Object.entries(schema)) if (!key.startsWith('example')) walk(value, `${at}/${key}`);
    };
    walk(document.paths, '');
    walk(document.components.schemas, 'schemas');

    expect(untyped).toEqual([]);
    for (const { operation, ...route } of operations) {
      const [, answer] = Object.entries<Json>(operation.responses).find(([status]) => status.startsWith('2'))!;
      expect({ route: label(route), hasContent: answer.content !== undefined }).toMatchObject({ hasContent: true });
    }
  });

  it('shows an example of every request and answer that fits its schema', async () => {
    const { check } = await contractOf();
    const wrong: string[] = [];
    const look = (pointer: string, media: Json, what: string) => {
      if (media.example === undefined) return wrong.push(`${what} has no example`);
      const found = check(`${pointer}/schema`, media.example);
      if (found) wrong.push(`${what}: ${found}`);
    };
    for (const { method, path, operation } of operations) {
      const at = `#/paths/${escaped(path)}/${method.toLowerCase()}`;
      const bodies: [string, Json][] = [
        ['requestBody', operation.requestBody],
        ...Object.entries<Json>(operation.responses).map(([status, each]): [string, Json] => [
          `responses/${status}`,
          each,
        ]),
      ];
      for (const [where, body] of bodies) {
        for (const [type, media] of Object.entries<Json>(body?.content ?? {}))
          look(`${at}/${where}/content/${escaped(type)}`, media, `${method} ${path} ${where} ${type}`);
      }
    }
    for (const [type, item] of Object.entries<Json>(document.webhooks)) {
      const pointer = `#/webhooks/${escaped(type)}/post/requestBody/content/application~1json`;
      look(pointer, item.post.requestBody.content['application/json'], type);
    }

    expect(wrong).toEqual([]);
  });

  it('lists codes that exist, and every code that the service knows', () => {
    const listed = new Set(
      operations.flatMap(({ operation }) => Object.values(refusalCodesOf(document, operation)).flat()),
    );
    const known = sourceRefusalCodes();

    expect([...listed].filter((code) => !known.answered.has(code))).toEqual([]);
    expect([...known.refusals].filter((code) => !listed.has(code))).toEqual([]);
  });

  it('says for each route which roles may call it, under its security', () => {
    for (const { operation, ...route } of operations) {
      const roles = (operation.security as { bearer: string[] }[]).map(({ bearer }) => bearer);
      expect({ route: label(route), roles: roles.flat() }).toEqual({
        route: label(route),
        roles: operation['x-roles'],
      });
    }
  });

  it('has a described tag and a summary of one line for every operation', () => {
    const tags = new Map(
      (document.tags as { name: string; description: string }[]).map((tag) => [tag.name, tag.description]),
    );
    for (const { operation, ...route } of operations) {
      expect({ route: label(route), tags: operation.tags.map((tag: string) => Boolean(tags.get(tag))) }).toEqual({
        route: label(route),
        tags: [true],
      });
      expect({ route: label(route), summary: operation.summary as string }).toMatchObject({
        summary: expect.stringMatching(/^[^\n]{5,160}$/),
      });
    }
  });

  it('tells what each event carries', async () => {
    expect(Object.keys(document.webhooks as object).length).toBeGreaterThan(25);
    for (const item of Object.values<Json>(document.webhooks)) {
      expect(item.post.parameters.map(({ name }: { name: string }) => name)).toEqual([
        'webhook-id',
        'webhook-timestamp',
        'webhook-signature',
      ]);
    }
    const { check } = await contractOf();
    expect(check('#/components/schemas/OutgoingEventView', { type: 'payout.ready' })).toBeDefined();
  });
});

describe('a running service', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ roles: new Set(['api']) });
  });
  afterAll(() => app.stop());

  it('has the routes of the document, and the document has its routes', () => {
    const routes = routesOf(app).filter(({ path }) => path.startsWith('/v1/') || path.startsWith('/health/'));

    expect(operations.map(label).sort()).toEqual(
      routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`).sort(),
    );
  });

  it('takes every example of a request for well formed', async () => {
    const tried: string[] = [];
    for (const { method, path, operation } of operations) {
      if (!operation.requestBody) continue;
      const answer = await call(app, method, path.replace(/\{\w+\}/g, 'nothing_here'), {
        key: operation['x-roles'].includes('marketplace') ? app.keys.marketplace : app.keys.admin,
        ...exampleOf(operation, { 'idempotency-key': `example-${tried.length}` }),
      });
      tried.push(label({ method, path }));
      expect({
        route: label({ method, path }),
        answer: answer.body as unknown,
        status: answer.status,
      }).not.toMatchObject({
        status: 400,
      });
    }
    expect(tried.length).toBeGreaterThan(10);
  });

  it('refuses without an Idempotency-Key exactly where the document requires one', async () => {
    for (const { method, path, operation } of operations.filter((each) => each.method === 'POST')) {
      const answer = await call(app, method, path.replace(/\{\w+\}/g, 'nothing_here'), {
        key: app.keys.admin,
        ...exampleOf(operation),
      });
      const parameter = (operation.parameters ?? []).find(({ name }: { name: string }) => name === 'Idempotency-Key');
      expect({ path, refused: answer.body.code === 'idempotency_key_required' }).toEqual({
        path,
        refused: parameter?.required === true,
      });
    }
  });

  it('browses the document without anybody else', async () => {
    const page = await call(app, 'GET', '/docs');
    const html = page.body as string;
    const policy = page.headers.get('content-security-policy')!;

    expect(html).toContain('swagger-ui');
    // The namespaces of its icons are names, not addresses.
    const addresses = html.match(/https?:\/\/[^\s"'<>]+/g) ?? [];
    expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
    for (const [, address] of html.matchAll(/(?:src|href)="([^"]+)"/g))
      expect((await call(app, 'GET', new URL(address!, `${app.url}/docs`).pathname)).status).toBe(200);
    // Whatever the page tried, the browser would ask nobody else.
    const sources = policy.split(';').flatMap((directive) => directive.trim().split(/\s+/).slice(1));
    expect(policy).toContain("default-src 'self'");
    expect(sources.filter((source) => !["'self'", "'none'", "'unsafe-inline'", 'data:'].includes(source))).toEqual([]);
  });
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a document is JSON
type Json = any;

/** The document's own example of the operation's body, as its first kind of content. */
function exampleOf(operation: Json, headers: Record<string, string> = {}) {
  const [type, media] = Object.entries<Json>(operation.requestBody?.content ?? {})[0] ?? [];
  if (type === undefined) return { headers };
  const rawBody = type === 'application/json' ? JSON.stringify(media.example) : (media.example as string);
  return { rawBody, headers: { ...headers, 'content-type': type } };
}

function escaped(path: string): string {
  return path.replaceAll('~', '~0').replaceAll('/', '~1').replace(/[{}]/g, encodeURIComponent);
}
