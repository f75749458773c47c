import { Listener, type Platform, World } from './world';

interface ErrorBody {
  error: { type: string; code?: string; param?: string; message: string };
}

let world: World;
let platform: Platform;
beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => {
  platform = world.platform();
});
afterAll(() => world.close());

async function errorOf(response: Promise<Response>): Promise<ErrorBody['error'] & { status: number }> {
  const answer = await response;
  return { status: answer.status, ...((await answer.json()) as ErrorBody).error };
}

const cardholder =
  'name=Jenny&billing[address][line1]=1&billing[address][city]=B&billing[address][country]=US&billing[address][postal_code]=9';

describe('authentication', () => {
  it('takes a secret key as bearer token or as user name, and no other', async () => {
    const basic = `Basic ${Buffer.from(`${platform.key}:`).toString('base64')}`;

    expect((await platform.raw('GET', '/v1/balance')).status).toBe(200);
    expect((await platform.raw('GET', '/v1/balance', '', { Authorization: basic })).status).toBe(200);
    expect(
      await errorOf(platform.raw('GET', '/v1/balance', '', { Authorization: 'Bearer sk_live_1234' })),
    ).toMatchObject({ status: 401, type: 'invalid_request_error' });
    expect(await errorOf(fetch(`${platform.url}/v1/balance`))).toMatchObject({ status: 401 });
  });

  it('keeps platforms apart, their accounts included', async () => {
    const seller = await platform.newSeller();
    const stranger = world.platform();

    expect(await errorOf(stranger.raw('GET', '/v1/balance', '', { 'Stripe-Account': seller }))).toMatchObject({
      status: 403,
      code: 'account_invalid',
    });
    expect((await stranger.stripe.accounts.list()).data).toEqual([]);
    expect((await platform.stripe.accounts.list()).data.map(({ id }) => id)).toEqual([seller]);
  });

  it('tells a publishable key from a wrong one', async () => {
    const headers = { Authorization: 'Bearer pk_test_1234' };

    expect(await errorOf(platform.raw('GET', '/v1/balance', '', headers))).toMatchObject({
      status: 403,
      code: 'secret_key_required',
    });
  });

  it('refuses a version that cannot be one', async () => {
    expect(await errorOf(platform.raw('GET', '/v1/balance', '', { 'Stripe-Version': 'latest' }))).toMatchObject({
      status: 400,
      message: 'Invalid Stripe API version: latest',
    });
  });
});

describe('errors', () => {
  it.each([
    [
      'GET',
      '/v1/nothing',
      '',
      { status: 404, message: expect.stringContaining('Unrecognized request URL (GET: /v1/nothing)') },
    ],
    [
      'POST',
      '/v1/transfers',
      'amount=1&currency=usd',
      { status: 400, code: 'parameter_missing', param: 'destination' },
    ],
    [
      'POST',
      '/v1/transfers',
      'amount=x&currency=usd&destination=acct_1',
      { code: 'parameter_invalid_integer', param: 'amount' },
    ],
    [
      'POST',
      '/v1/transfers',
      'amount=1&currency=usd&destination=',
      { code: 'parameter_invalid_empty', param: 'destination' },
    ],
    [
      'POST',
      '/v1/transfers',
      'amount=1&currency=usd&destination=acct_1&speed=9',
      { code: 'parameter_unknown', param: 'speed' },
    ],
    [
      'POST',
      '/v1/transfers',
      'amount=1&currency=usd&destination=acct_1',
      { status: 400, code: 'resource_missing', param: 'destination' },
    ],
    [
      'GET',
      '/v1/issuing/cards/ic_1',
      '',
      { status: 404, code: 'resource_missing', param: 'id', message: "No such issuing card: 'ic_1'" },
    ],
    ['GET', '/v1/issuing/cards?limit=0', '', { code: 'parameter_invalid_integer', param: 'limit' }],
    [
      'GET',
      '/v1/issuing/cards?starting_after=ic_1',
      '',
      { status: 400, code: 'resource_missing', param: 'starting_after' },
    ],
    [
      'GET',
      '/v1/issuing/cards?status=gone',
      '',
      { param: 'status', message: 'Invalid status: must be one of active, canceled, or inactive' },
    ],
    [
      'POST',
      '/v1/issuing/cardholders',
      `${cardholder}&spending_controls[single_use]=true`,
      { code: 'parameter_unknown', param: 'spending_controls[single_use]' },
    ],
    ['POST', '/v1/issuing/cardholders', `${cardholder}&name[0]=x`, { status: 400, param: 'name[0]' }],
    ['GET', '/v1/issuing/cards?expand[]=data.owner', '', { status: 200 }],
    ['GET', '/v1/balance?expand[]=nothing', '', { status: 400, param: 'expand' }],
    ['GET', '/v1/balance?expand[]=livemode', '', { status: 400, param: 'expand' }],
    ['GET', '/v1/balance?expand[]=livemode.object', '', { status: 400, param: 'expand' }],
    ['GET', '/v1/balance?expand[]=constructor', '', { status: 400, param: 'expand' }],
    ['GET', '/v1/account?expand[]=business_profile', '', { status: 400, param: 'expand' }],
    ['GET', '/v1/account?expand[]=business_profile.mcc', '', { status: 200 }],
    ['GET', '/v1/topups?created[since]=1', '', { code: 'parameter_unknown', param: 'created[since]' }],
    ['GET', '/v1/topups?constructor=1', '', { code: 'parameter_unknown', param: 'constructor' }],
    ['GET', '/v1/topups?starting_after=tu_1&ending_before=tu_2', '', { status: 400, param: 'starting_after' }],
    ['GET', '/v1/topups/%zz', '', { status: 404, code: 'resource_missing' }],
    [
      'POST',
      '/v1/webhook_endpoints',
      'url=http://a.example&enabled_events[]=*&enabled_events[]=nothing.happened',
      {
        param: 'enabled_events[1]',
        message: expect.stringMatching(/^Invalid enabled_events\[1\]: must be one of \*, /),
      },
    ],
  ])('%s %s %s', async (method, path, body, expected) => {
    const response = await platform.raw(method, path, body);
    const json = (await response.json()) as Partial<ErrorBody>;

    expect({ status: response.status, ...json.error }).toMatchObject({
      ...(response.ok ? {} : { type: 'invalid_request_error' }),
      ...expected,
    });
    expect(response.headers.get('request-id')).toMatch(/^req_/);
  });

  it('are answered with the headers of every answer', async () => {
    const seller = await platform.newSeller();
    const sent = { 'Stripe-Account': seller, 'Stripe-Version': '2026-10-28.endive', 'Idempotency-Key': 'k' };

    const { status, headers } = await platform.raw('POST', '/v1/topups', 'amount=x', sent);

    expect(status).toBe(400);
    for (const [name, value] of Object.entries(sent)) expect(headers.get(name)).toBe(value);
  });

  it('say what is wrong with a JSON body', async () => {
    const headers = { 'Content-Type': 'application/json' };

    expect(await errorOf(platform.raw('POST', '/v1/topups', '{"amount":1}', headers))).toMatchObject({
      status: 400,
      message: expect.stringContaining('check that your POST content type'),
    });
  });

  it('refuses spending_limits_currency on a card, as Stripe does', async () => {
    const seller = await platform.newSeller();
    const holder = await platform.newCardholder(seller);
    const request = platform.raw(
      'POST',
      '/v1/issuing/cards',
      `cardholder=${holder.id}&currency=usd&type=virtual&spending_controls[spending_limits_currency]=usd`,
      { 'Stripe-Account': seller },
    );

    expect(await errorOf(request)).toMatchObject({
      code: 'parameter_unknown',
      param: 'spending_controls[spending_limits_currency]',
    });
  });
});

describe('metadata', () => {
  it('merges key by key, removes what is emptied, and clears whole', async () => {
    const { stripe } = platform;
    const { id } = await stripe.topups.create({ amount: 1, currency: 'usd', metadata: { a: '1', b: '2' } });

    expect((await stripe.topups.update(id, { metadata: { b: '', c: '3' } })).metadata).toEqual({ a: '1', c: '3' });
    const fifty = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, 'x']));
    await expect(stripe.topups.update(id, { metadata: fifty })).rejects.toMatchObject({ param: 'metadata' });
    expect((await stripe.topups.update(id, { metadata: '' })).metadata).toEqual({});
    expect(Object.keys((await stripe.topups.update(id, { metadata: fifty })).metadata)).toHaveLength(50);
  });
});

describe('lists', () => {
  it('pages both ways, newest first, and filters by creation', async () => {
    const { stripe } = platform;
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift((await stripe.topups.create({ amount: index + 1, currency: 'usd' })).id);
      await platform.advance(10);
    }
    const [newest, , middle, , oldest] = ids;
    const created = (await stripe.topups.retrieve(middle ?? '')).created;

    const first = await stripe.topups.list({ limit: 2 });
    expect([first.data.map(({ id }) => id), first.has_more]).toEqual([ids.slice(0, 2), true]);
    const rest = await stripe.topups.list({ limit: 10, starting_after: ids[1] ?? '' });
    expect([rest.data.map(({ id }) => id), rest.has_more]).toEqual([ids.slice(2), false]);
    const back = await stripe.topups.list({ limit: 2, ending_before: oldest ?? '' });
    expect([back.data.map(({ id }) => id), back.has_more]).toEqual([ids.slice(2, 4), true]);
    expect((await stripe.topups.list({ created: { gt: created } })).data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect((await stripe.topups.list({ created })).data.map(({ id }) => id)).toEqual([middle]);
    expect((await stripe.topups.list({ amount: { gte: 5 } })).data.map(({ id }) => id)).toEqual([newest]);
    const all: string[] = [];
    for await (const topup of stripe.topups.list({ limit: 2 })) all.push(topup.id);
    expect(all).toEqual(ids);
  });

  it('filters by several fields at once, after they have changed too', async () => {
    const seller = await platform.newSeller();
    const options = { stripeAccount: seller };
    const holder = await platform.newCardholder(seller);
    const [one, two] = [
      await platform.newCard(seller, { cardholder: holder.id }),
      await platform.newCard(seller, { cardholder: holder.id }),
    ];
    await platform.newCard(seller);
    await platform.stripe.issuing.cards.update(one.id, { status: 'canceled' }, options);

    const active = await platform.stripe.issuing.cards.list({ cardholder: holder.id, status: 'active' }, options);
    const canceled = await platform.stripe.issuing.cards.list({ cardholder: holder.id, status: 'canceled' }, options);

    expect([active.data.map(({ id }) => id), canceled.data.map(({ id }) => id)]).toEqual([[two.id], [one.id]]);
  });
});

describe('expansion', () => {
  it('opens ids, on lists and several levels down, and gives card numbers only on retrieve', async () => {
    const seller = await platform.newSeller({ issuing: 100_00 });
    const options = { stripeAccount: seller };
    const card = await platform.newCard(seller);
    const authorization = await platform.purchase(seller, card.id, 500);
    await platform.stripe.testHelpers.issuing.authorizations.capture(authorization.id, {}, options);

    const list = await platform.stripe.issuing.transactions.list(
      { expand: ['data.authorization.cardholder', 'data.balance_transaction.source'] },
      options,
    );
    expect(list.data[0]).toMatchObject({
      authorization: { id: authorization.id, cardholder: { object: 'issuing.cardholder' } },
      balance_transaction: { source: { object: 'issuing.transaction' } },
    });
    const shown = await platform.stripe.issuing.cards.retrieve(card.id, { expand: ['number', 'cvc'] }, options);
    expect(shown).toMatchObject({ number: expect.stringMatching(/^\d{16}$/), cvc: expect.stringMatching(/^\d{3}$/) });
    expect(shown.number?.slice(-4)).toBe(card.last4);
    expect(await platform.stripe.issuing.cards.retrieve(card.id, {}, options)).not.toHaveProperty('number');
    await expect(platform.stripe.issuing.cards.list({ expand: ['data.number'] }, options)).rejects.toMatchObject({
      param: 'expand',
    });
    await expect(
      platform.stripe.issuing.authorizations.retrieve(authorization.id, { expand: ['card.number'] }, options),
    ).rejects.toMatchObject({ param: 'expand' });
  });
});

describe('idempotency', () => {
  const post = (key: string, body: string, path = '/v1/topups', headers = {}) =>
    platform.raw('POST', path, body, { 'Idempotency-Key': key, ...headers });

  it('replays the first answer, whatever order the parameters come in', async () => {
    const first = await post('k1', 'amount=100&currency=usd');
    const second = await post('k1', 'currency=usd&amount=100');

    expect(await second.text()).toBe(await first.text());
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.headers.get('original-request')).toBe(first.headers.get('request-id'));
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect((await platform.stripe.topups.list()).data).toHaveLength(1);
  });

  it('refuses the key for other parameters and for another endpoint, and keeps accounts apart', async () => {
    const seller = await platform.newSeller();
    await post('k2', 'amount=100&currency=usd');

    expect(await errorOf(post('k2', 'amount=200&currency=usd'))).toMatchObject({
      status: 400,
      type: 'idempotency_error',
    });
    expect(await errorOf(post('k2', 'amount=100&currency=usd', '/v1/payouts'))).toMatchObject({
      status: 400,
      type: 'idempotency_error',
    });
    expect((await post('k2', 'amount=200&currency=usd', '/v1/topups', { 'Stripe-Account': seller })).status).toBe(200);
  });

  it('keeps a refusal of the resource, and not a mistake in the parameters', async () => {
    const refusal = await post('k3', 'amount=100&currency=usd', '/v1/payouts');
    await platform.fundPlatform(1000);
    const again = await post('k3', 'amount=100&currency=usd', '/v1/payouts');
    const mistake = await post('k4', 'amount=no&currency=usd');
    const corrected = await post('k4', 'amount=100&currency=usd');

    expect([refusal.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([400, 400, 'true']);
    expect([mistake.status, corrected.status]).toEqual([400, 200]);
  });

  it('answers 409 to a twin while the first is still running', async () => {
    const seller = await platform.newSeller({ issuing: 1000 });
    const card = await platform.newCard(seller);
    let arrived = () => {};
    const asked = new Promise<void>((resolve) => (arrived = resolve));
    const silent = await Listener.start(() => {
      arrived();
      return { hang: true };
    });
    await platform.stripe.webhookEndpoints.create({
      url: silent.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });
    await platform.control('PATCH', '/settings', { authorization_timeout_ms: 300 });
    const body = `card=${card.id}&amount=100`;
    const path = '/v1/test_helpers/issuing/authorizations';

    const first = post('k5', body, path, { 'Stripe-Account': seller });
    await asked;
    const twin = await errorOf(post('k5', body, path, { 'Stripe-Account': seller }));

    expect(twin).toMatchObject({ status: 409, code: 'idempotency_key_in_use' });
    expect((await first).status).toBe(200);
    expect((await post('k5', body, path, { 'Stripe-Account': seller })).headers.get('idempotent-replayed')).toBe(
      'true',
    );
    await silent.close();
  });

  it('forgets a key after a day of simulated time', async () => {
    const first = (await (await post('k6', 'amount=100&currency=usd')).json()) as { id: string };
    await platform.advance(24 * 60 * 60 + 1);
    const second = (await (await post('k6', 'amount=100&currency=usd')).json()) as { id: string };

    expect(second.id).not.toBe(first.id);
  });
});
