import { getMetadataStorage } from 'class-validator';
import { startTestApp, TestApp } from '../support/app';
import { Answer, call, CallOptions, expectAccepted, expectProblem } from './client';
import { filled, Route, routesOf } from './routes';

type Body = Record<string, unknown>;

/** Values that are wrong for most fields, and hostile to whoever trusts them. */
const badValues: readonly (readonly [name: string, value: unknown])[] = [
  ['null', null],
  ['true', true],
  ['a number', 12],
  ['zero', 0],
  ['negative', -1],
  ['fractional', 0.5],
  ['enormous', 1e21],
  ['beyond exact integers', 2 ** 53],
  ['an empty text', ''],
  ['a blank', ' '],
  ['a text', 'text'],
  ['digits', '123'],
  ['an enormous text', 'x'.repeat(20_000)],
  ['an emoji and a right-to-left mark', '\u{1f4b8}\u202e'],
  ['a NUL', 'a\0b'],
  ['half a surrogate pair', 'a\ud800'],
  ['a quote', `'; drop table payouts; --`],
  ['a format', '%s%n${7*7}{{7*7}}'],
  ['a path', '../../etc/passwd'],
  ['an ISO week', '2026-W45'],
  ['an ISO day number', '2026-045'],
  ['a day that is none', '2026-02-30T00:00:00Z'],
  ['the end of time', '9999-12-31T23:59:59Z'],
  ['the beginning of time', '0000-01-01T00:00:00Z'],
  ['an array', []],
  ['an array of null', [null]],
  ['an enormous array', Array.from({ length: 5_000 }, () => 'x')],
  ['an object', {}],
  ['an object in the way of prototypes', { constructor: { name: 'x' }, toString: 'x', hasOwnProperty: 1 }],
  ['something deep', Array.from({ length: 40 }).reduce<unknown>((inner) => ({ inner }), 1)],
];

const badBytes: readonly (readonly [name: string, bytes: string | Uint8Array<ArrayBuffer>])[] = [
  ['nothing', ''],
  ['half a body', '{"a":'],
  ['null', 'null'],
  ['a text', '"text"'],
  ['a number', '1e400'],
  ['an array', '[{}]'],
  ['bytes that are no UTF-8', new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])],
  ['a NUL byte', new Uint8Array([0x7b, 0x00, 0x7d])],
  ['a prototype', '{"__proto__":{"admin":true}}'],
  ['a field twice', '{"a":1,"a":2}'],
  ['a number too large', '{"amount":1e999}'],
  ['very deep', `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`],
];

const badIds = [
  'nothing_at_all',
  '%20',
  '%27%3B--',
  '%00',
  '%ff',
  '%2e%2e%2f%2e%2e',
  'a'.repeat(300),
  '%F0%9F%92%B8',
  '-1',
  'null',
  '%7B%7D',
];

let app: TestApp;
let routes: Route[];
let bodies: Record<string, Body>;

beforeAll(async () => {
  // No worker: what is accepted here must not reach Stripe.
  app = await startTestApp({ roles: new Set(['api']) });
  // A batch is no JSON: test/payouts/batches.test.ts has what is wrong with those.
  routes = routesOf(app).filter((route) => route.path.startsWith('/v1/') && label(route) !== 'POST /v1/payout-batches');
  bodies = await validBodies();
});
afterAll(() => app.stop());

const asAdmin = (method: string, path: string, options: CallOptions = {}) =>
  call(app, method, path, { key: app.keys.admin, ...options });

let counter = 0;
const unique = (what: string) => `${what}-${++counter}`;

/** For each route that takes a body, one that is accepted. A field in it is what the test makes wrong. */
async function validBodies(): Promise<Record<string, Body>> {
  const address = { line1: '1 Main Street', city: 'San Francisco', state: 'CA', postal_code: '94105' };
  const dob = { day: 9, month: 12, year: 1985 };
  const acceptance = { ip: '203.0.113.7', date: '2026-11-02T09:30:00Z' };
  const account = {
    country: 'US',
    currency: 'usd',
    business_type: 'individual',
    email: 'owner@rocketrides.example.com',
    legal_name: 'Jenny Rosen',
    external_reference: 'seller-0',
    funding_rail: 'transfer',
    address,
    phone: '+14155550100',
    tax_id: '000000000',
    business_profile: { mcc: '5734', product_description: 'Refurbished computers', estimated_worker_count: 12 },
    representative: {
      first_name: 'Jenny',
      last_name: 'Rosen',
      email: 'jenny.rosen@example.com',
      phone: '+14155550199',
      dob,
      address,
    },
    terms_acceptance: { ...acceptance, user_agent: 'Mozilla/5.0' },
  };
  const known = new Set(
    fieldsOf(routes.find(({ method, path }) => method === 'POST' && path === '/v1/connected-accounts')!.bodyType),
  );
  const accountBody = Object.fromEntries(Object.entries(account).filter(([field]) => known.has(field)));
  const seller = await asAdmin('POST', '/v1/connected-accounts', { body: accountBody });
  expectAccepted('a seller', seller);
  const cardholder = {
    connected_account: seller.body.id as string,
    type: 'individual',
    name: 'Jenny Rosen',
    first_name: 'Jenny',
    last_name: 'Rosen',
    dob,
    email: 'jenny.rosen@example.com',
    phone_number: '+14155550199',
    user_terms_acceptance: acceptance,
    billing_address: { ...address, country: 'US' },
  };
  const holder = await asAdmin('POST', '/v1/cardholders', { body: cardholder });
  expectAccepted('a cardholder', holder);
  const { connected_account: _, type: __, name: ___, ...cardholderUpdate } = cardholder;
  return {
    'POST /v1/connected-accounts': { ...accountBody, external_reference: 'seller-1' },
    'POST /v1/connected-accounts/:id/onboarding-links': {
      refresh_url: 'https://marketplace.example.com/again',
      return_url: 'https://marketplace.example.com/done',
    },
    'POST /v1/cardholders': cardholder,
    'PATCH /v1/cardholders/:id': cardholderUpdate,
    'POST /v1/payouts': {
      connected_account: seller.body.id as string,
      cardholder: holder.body.id as string,
      amount: 250_00,
      currency: 'usd',
      expires_at: new Date(app.clock.now().getTime() + 86_400_000).toISOString(),
      reference: 'order-0',
      description: 'November sales',
      label: 'agent-7',
      purpose: 'office supplies',
      controls: {
        allowed_categories: ['book_stores'],
        allowed_merchant_countries: ['US'],
        amount_match: 'up_to',
      },
      metadata: { order: '1001' },
    },
    'POST /v1/cards/:id/reveal': {
      kty: 'EC',
      crv: 'P-256',
      x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
      y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
    },
    'POST /v1/payouts/:id/approve': { note: 'Checked.' },
    'POST /v1/payouts/:id/reject': { note: 'The order was returned.' },
    'PUT /v1/payout-labels/:label': { daily_limit: 500_00, open_payouts_limit: 5 },
    'POST /v1/payouts/:id/card-links': { lifetime_seconds: 3600, require_passcode: true },
    'POST /v1/reconciliation-runs': { connected_account: seller.body.id as string, cutoff: '2026-11-20' },
    'POST /v1/aftercare-items/:id/settle': { action: 'collected', note: 'Paid into our account on Monday.' },
    'POST /v1/reconciliation-breaks/:id/resolve': { note: 'Explained.' },
    'POST /v1/api-keys': { name: 'backend', role: 'marketplace', expires_at: '2030-01-01T00:00:00Z' },
    'POST /v1/api-keys/:id/rotate': { overlap_seconds: 60 },
    'POST /v1/webhook-endpoints': {
      url: 'https://example.com/hooks',
      event_types: ['payout.created'],
      description: 'Backend',
    },
    'POST /v1/webhook-endpoints/:id/rotate-secret': { overlap_seconds: 60 },
  };
}

function fieldsOf(type: (new () => object) | undefined): string[] {
  if (!type) return [];
  return [
    ...new Set(
      getMetadataStorage()
        .getTargetValidationMetadatas(type, '', false, false)
        .map(({ propertyName }) => propertyName),
    ),
  ];
}

/** Every place in a body: `['controls', 'amount_match']`. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return path.length > 0 ? [path] : [];
  const inside = Object.entries(value).flatMap(([key, child]) => placesIn(child, [...path, key]));
  return path.length > 0 ? [path, ...inside] : inside;
}

/** All values at the top; inside, neighbours share them out, so that the walk takes seconds and not minutes. */
function valuesFor(place: readonly string[], index: number): typeof badValues {
  return place.length === 1 ? badValues : badValues.filter((_value, turn) => (turn + index) % 4 === 0);
}

/** A copy with another value at a place; without the field when the value is undefined. */
function changed(body: Body, [key, ...rest]: readonly string[], value: unknown): Body {
  const copy = (Array.isArray(body) ? [...body] : { ...body }) as Body;
  if (rest.length > 0) copy[key!] = changed(copy[key!] as Body, rest, value);
  else if (value === undefined) delete copy[key!];
  else copy[key!] = value;
  return copy;
}

/** What must hold whatever we are asked: no failure of ours, and every refusal explains itself. */
function expectDecency(label: string, answer: Answer): void {
  if (answer.status >= 500) throw new Error(`${label}: ${answer.status} ${JSON.stringify(answer.body)}`);
  if (answer.status >= 400) expectProblem(answer);
}

/** Tries everything before it complains, so that one run names all that is wrong. */
async function inBatches<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const complaints: string[] = [];
  for (let i = 0; i < items.length; i += 16) {
    const results = await Promise.allSettled(items.slice(i, i + 16).map(work));
    for (const result of results) if (result.status === 'rejected') complaints.push(String(result.reason));
  }
  if (complaints.length > 0)
    throw new Error(`${complaints.length} of ${items.length}:\n${complaints.slice(0, 40).join('\n')}`);
}

const label = ({ method, path }: Route) => `${method} ${path}`;

/** Some fields must differ in every accepted request. */
function fresh(route: Route, body: Body): Body {
  if (label(route) === 'POST /v1/payouts' && 'reference' in body) return { ...body, reference: unique('order') };
  if (label(route) === 'POST /v1/connected-accounts' && 'external_reference' in body) {
    return { ...body, external_reference: unique('seller') };
  }
  return body;
}

const send = (route: Route, options: CallOptions, id = 'nothing_here') =>
  asAdmin(route.method, filled(route.path, id), {
    ...options,
    headers: { 'idempotency-key': unique('bad'), ...options.headers },
  });

const withBody = () => routes.filter(({ bodyType }) => bodyType !== undefined);

// Thousands of requests: on a busy machine they take a while.
jest.setTimeout(240_000);

describe('bad input', () => {
  it('starts from bodies that are good', async () => {
    for (const route of withBody()) {
      const body = bodies[label(route)];
      expect({ route: label(route), hasBody: body !== undefined }).toEqual({ route: label(route), hasBody: true });
      const answer = await send(route, { body: fresh(route, body!) });

      // With an id that exists the others would be accepted too; their shape is right.
      expectAccepted(label(route), answer, route.path.includes(':id') ? [404] : [200, 201, 202]);
    }
  });

  it('in any field gets a clear refusal, or is harmless', async () => {
    const tries = withBody().flatMap((route) => {
      const body = bodies[label(route)]!;
      return placesIn(body).flatMap((place, index) =>
        [['missing', undefined] as const, ...valuesFor(place, index)].map(([name, value]) => ({
          route,
          place,
          name,
          body: changed(body, place, value),
          value,
        })),
      );
    });
    expect(tries.length).toBeGreaterThan(1_000);
    await inBatches(tries, async ({ route, place, name, body, value }) => {
      const isReference = place.length === 1 && (place[0] === 'reference' || place[0] === 'external_reference');
      const answer = await send(route, { body: isReference && value !== undefined ? body : fresh(route, body) });

      expectDecency(`${label(route)} with ${name} at /${place.join('/')}`, answer);
      if (name === 'a NUL' || name === 'half a surrogate pair' || name === 'something deep')
        expect(answer.status).toBe(400);
    });
  });

  it('names the field that is missing, unknown or wrong', async () => {
    const route = routes.find((candidate) => label(candidate) === 'POST /v1/payouts')!;
    const body = bodies['POST /v1/payouts']!;
    const pointers = async (changedBody: Body) =>
      ((await send(route, { body: changedBody })).body.errors as { pointer: string }[]).map(({ pointer }) => pointer);

    expect(await pointers(changed(body, ['amount'], undefined))).toEqual(['/amount']);
    expect(await pointers(changed(body, ['amount'], '25000'))).toEqual(['/amount']);
    expect(await pointers(changed(body, ['amount'], -1))).toEqual(['/amount']);
    expect(await pointers(changed(body, ['amount'], 0.5))).toEqual(['/amount']);
    expect(await pointers(changed(body, ['controls', 'zip'], 1))).toEqual(['/controls/zip']);
    expect(await pointers({ ...body, ammount: 1 })).toEqual(['/ammount']);
  });

  it('of null in an optional field is absence, and in a required one a missing field', async () => {
    const places = withBody().flatMap((route) =>
      placesIn(bodies[label(route)])
        .filter((place) => !/^\d+$/.test(place.at(-1)!))
        .map((place) => ({ route, place })),
    );
    expect(places.length).toBeGreaterThan(80);
    await inBatches(places, async ({ route, place }) => {
      const body = () => fresh(route, bodies[label(route)]!);
      const withNull = await send(route, { body: changed(body(), place, null) });
      const without = await send(route, { body: changed(body(), place, undefined) });
      const told = ({ status, body: answer }: Answer) => ({
        status,
        errors: (answer.errors as { pointer: string }[] | undefined)?.map(({ pointer, ...rest }) => ({
          pointer,
          ...rest,
        })),
      });
      expect({ route: label(route), place, ...told(withNull) }).toEqual({
        route: label(route),
        place,
        ...told(without),
      });
    });
  });

  it('that is no JSON object is refused', async () => {
    await inBatches(
      routes
        .filter(({ method }) => method !== 'GET')
        .flatMap((route) => badBytes.map(([name, bytes]) => ({ route, name, bytes }))),
      async ({ route, name, bytes }) => {
        const answer = await send(route, { rawBody: bytes, headers: { 'content-type': 'application/json' } });

        expectDecency(`${label(route)} with ${name}`, answer);
        if (name !== 'nothing')
          expect({ route: label(route), name, status: answer.status }).toMatchObject({ status: 400 });
      },
    );
  });

  it('in the fields nobody declared is refused everywhere', async () => {
    await inBatches(
      routes.filter(({ method }) => method !== 'GET'),
      async (route) => {
        const answer = await send(route, {
          body: fresh(route, { ...bodies[label(route)], surprise: route.method === 'POST' ? 1 : null }),
        });

        expect({ route: label(route), status: answer.status }).toMatchObject({ status: 400 });
        expect((answer.body.errors as { pointer: string }[]).map(({ pointer }) => pointer)).toContain('/surprise');
      },
    );
    await inBatches(routes, async (route) => {
      const answer = await send(
        { ...route, path: `${route.path}?surprise=1` },
        { body: route.method === 'GET' ? undefined : {} },
      );

      expect({ route: label(route), status: answer.status }).toMatchObject({ status: 400 });
    });
  });

  it('in a query is refused or harmless', async () => {
    // A query is text; what only differs as JSON is left out.
    const texts = [
      '',
      ' ',
      '0',
      '-1',
      '0.5',
      '1e21',
      'null',
      'text',
      "'; drop table payouts; --",
      '%s${7*7}',
      '\u{1f4b8}',
      '2026-W45',
      '2026-045',
    ]
      .concat('2026-02-30T00:00:00Z', '9999-12-31T23:59:59Z', '0000-01-01T00:00:00Z', 'x'.repeat(5_000))
      .map((text) => [text.slice(0, 30), text] as const);
    const tries = routes.flatMap((route) =>
      fieldsOf(route.queryType).flatMap((field) => [
        ...texts.map(([name, text]) => ({
          route,
          name,
          query: `${field}=${encodeURIComponent(text)}`,
        })),
        { route, name: 'twice', query: `${field}=1&${field}=2` },
        { route, name: 'an array', query: `${field}[]=1` },
        { route, name: 'no UTF-8', query: `${field}=%ff` },
        { route, name: 'a NUL', query: `${field}=%00` },
      ]),
    );
    expect(tries.length).toBeGreaterThan(500);
    await inBatches(tries, async ({ route, name, query }) => {
      const answer = await send({ ...route, path: `${route.path}?${query}` }, {});

      expectDecency(`${label(route)}?${query.slice(0, 60)} (${name})`, answer);
      if (['a NUL', 'no UTF-8', 'an array'].includes(name))
        expect({ query, status: answer.status }).toMatchObject({ status: 400 });
    });
  });

  it('at the doors without a key is refused as politely', async () => {
    const doors = ['/webhooks/stripe', '/webhooks/stripe/authorizations'].flatMap((path) =>
      badBytes.map(([name, bytes]) => ({ path, name, bytes })),
    );
    await inBatches(doors, async ({ path, name, bytes }) => {
      for (const signature of [undefined, '', 't=,v1=', `t=${'9'.repeat(400)},v1=zz`, 't=1,v1=\u00e9']) {
        const answer = await call(app, 'POST', path, {
          rawBody: bytes,
          headers: {
            'content-type': 'application/json',
            ...(signature === undefined ? {} : { 'stripe-signature': signature }),
          },
        });
        expectDecency(`${path} with ${name} signed ${signature?.slice(0, 20)}`, answer);
        expect(answer.status).toBe(400);
      }
    });
    await inBatches(badIds, async (token) => {
      for (const method of ['GET', 'POST']) {
        const answer = await call(app, method, `/c/${token}`, {});
        if (answer.status >= 500) throw new Error(`${method} /c/${token}: ${answer.status}`);
      }
    });
  });

  it('as an id is nothing we have', async () => {
    await inBatches(
      routes
        // What is put gets the name that the caller gives it.
        .filter(({ path, method }) => path.includes(':') && method !== 'PUT')
        .flatMap((route) => badIds.map((id) => ({ route, id }))),
      async ({ route, id }) => {
        const answer = await send(route, { body: bodies[label(route)] }, id);

        expectDecency(`${label(route)} with the id ${id.slice(0, 40)}`, answer);
        expect({ route: label(route), id, isRefused: [400, 404, 414, 422].includes(answer.status) }).toEqual({
          route: label(route),
          id,
          isRefused: true,
        });
      },
    );
  });

  it('stores nothing and sends nothing', async () => {
    const count = async () => {
      const [row] = await app.database.query<Record<string, number>>(
        `select (select count(*) from payouts)::int as payouts, (select count(*) from stripe_calls)::int as calls,
                (select count(*) from outgoing_events)::int as events, (select count(*) from idempotency_keys)::int as keys,
                (select count(*) from journal_entries)::int as entries`,
      );
      return row!;
    };
    const before = await count();
    const route = routes.find((candidate) => label(candidate) === 'POST /v1/payouts')!;
    const body = bodies['POST /v1/payouts']!;

    const answers: Answer[] = [];
    for (const place of [
      ['amount'],
      ['currency'],
      ['connected_account'],
      ['cardholder'],
      ['expires_at'],
      ['controls'],
    ]) {
      for (const [, value] of badValues.filter(([, bad]) => bad === null || bad === -1 || bad === 'text')) {
        // Null in an optional field is no field at all.
        if (value === null && (place[0] === 'expires_at' || place[0] === 'controls')) continue;
        answers.push(await send(route, { body: changed(fresh(route, body), place, value) }));
      }
    }

    expect(answers.filter(({ status }) => status < 400).map(({ body: accepted }) => accepted as unknown)).toEqual([]);
    expect(await count()).toEqual(before);
  });
});
