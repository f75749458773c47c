import { Listener, type Platform, World } from './world';

let world: World;
let platform: Platform;
beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => {
  platform = world.platform();
});
afterAll(() => world.close());

const topup = () => platform.stripe.topups.create({ amount: 100, currency: 'usd' });
const listen = (listener: Listener, more: object = {}) =>
  platform.stripe.webhookEndpoints.create({ url: listener.url, enabled_events: ['topup.created'], ...more });

it('tries again, with growing pauses, until it is heard', async () => {
  await platform.control('PATCH', '/settings', { webhook_retry_delay_ms: 10 });
  const listener = await Listener.start((_received, count) =>
    count < 4 ? { status: count === 1 ? 302 : 500 } : { status: 204 },
  );
  await listen(listener);
  await topup();
  await platform.settled();

  expect(listener.received).toHaveLength(4);
  expect(new Set(listener.received.map(({ event }) => event.id)).size).toBe(1);
  const [event] = (await platform.stripe.events.list({ type: 'topup.created', delivery_success: true })).data;
  expect(event).toMatchObject({ id: listener.received[0]?.event.id, pending_webhooks: 0 });
  await listener.close();
});

it('gives up after the last attempt and says so', async () => {
  await platform.control('PATCH', '/settings', { webhook_retry_delay_ms: 1, webhook_attempts_max: 2 });
  const listener = await Listener.start(() => ({ status: 500 }));
  await listen(listener);
  await topup();
  await platform.settled();

  expect(await platform.control('GET', '/deliveries')).toMatchObject({
    pending: 0,
    failed: 1,
    deliveries: [{ attempts: 2, last_error: 'status 500' }],
  });
  expect((await platform.stripe.events.list({ delivery_success: false })).data).toMatchObject([
    { type: 'topup.created', pending_webhooks: 1 },
  ]);
  await listener.close();
});

it('keeps account endpoints and Connect endpoints apart', async () => {
  const [own, connect] = [await Listener.start(), await Listener.start()];
  await listen(own);
  await listen(connect, { connect: true });
  const seller = await platform.newSeller();
  await topup();
  await platform.stripe.topups.create({ amount: 200, currency: 'usd' }, { stripeAccount: seller });
  await platform.settled();

  expect(own.received.map(({ event }) => event.account)).toEqual([undefined]);
  expect(connect.received.map(({ event }) => event.account)).toEqual([seller]);
  await Promise.all([own.close(), connect.close()]);
});

it('signs with both secrets while an old one lives, and with a decoy nobody may trust', async () => {
  const listener = await Listener.start();
  const { id, secret = '' } = await listen(listener);
  const { secret: next } = await platform.control<{ secret: string }>('POST', `/webhook_endpoints/${id}/rotate`, {});
  await topup();
  await platform.settled();

  const [{ body, headers }] = listener.received as [(typeof listener.received)[number]];
  const header = String(headers['stripe-signature']);
  expect(header.match(/v1=/g)).toHaveLength(2);
  expect(header).toMatch(/,v0=[0-9a-f]{64}$/);
  for (const one of [secret, next])
    expect(platform.stripe.webhooks.constructEvent(body, header, one).type).toBe('topup.created');
  expect(() => platform.stripe.webhooks.constructEvent(body, header, 'whsec_other')).toThrow();
  await listener.close();
});

it('sends nothing to an endpoint that is disabled, deleted or not interested', async () => {
  const listener = await Listener.start();
  const [disabled, deleted] = [await listen(listener), await listen(listener)];
  await listen(listener, { enabled_events: ['transfer.created'] });
  await platform.stripe.webhookEndpoints.update(disabled.id, { disabled: true });
  await platform.stripe.webhookEndpoints.del(deleted.id);
  await topup();
  await platform.settled();

  expect(listener.received).toEqual([]);
  await listener.close();
});

it('stops trying when the endpoint is disabled meanwhile', async () => {
  await platform.control('PATCH', '/settings', { webhook_retry_delay_ms: 1 });
  let disabled: Promise<unknown> = Promise.resolve();
  const listener = await Listener.start(() => {
    disabled = platform.stripe.webhookEndpoints.update(endpoint.id, { disabled: true });
    return { status: 500 };
  });
  const endpoint = await listen(listener);
  await topup();
  await platform.settled();
  await disabled;

  expect(await platform.control('GET', '/deliveries')).toMatchObject({
    deliveries: [{ status: 'failed', last_error: 'the endpoint is disabled' }],
  });
  await listener.close();
});

it('lists events for backfill, by type, by several types, by time, for thirty days', async () => {
  const before = await topup();
  await platform.advance(60);
  await platform.fundPlatform(100);
  const types = async (params: object) => (await platform.stripe.events.list(params)).data.map(({ type }) => type);

  expect(await types({ types: ['topup.created', 'charge.succeeded'] })).toEqual(['charge.succeeded', 'topup.created']);
  expect(await types({ type: 'topup.*' })).toEqual(['topup.created']);
  expect(await types({ created: { gt: before.created }, type: 'topup.created' })).toEqual([]);
  await expect(types({ type: 'topup.created', types: ['topup.created'] })).rejects.toMatchObject({ param: 'types' });
  await platform.advance(31 * 24 * 60 * 60);
  expect(await types({ type: 'topup.created' })).toEqual([]);
});

describe('faults', () => {
  const fault = (body: object) => platform.control('POST', '/faults', body);

  // Twice, because the SDK repeats a request once by itself when its connection is reset.
  it('loses the answer after the effect, so that only the key finds it again', async () => {
    await fault({ on: 'request', action: 'drop_after', times: 2, method: 'POST', path: '/v1/topups' });
    const create = () => platform.stripe.topups.create({ amount: 100, currency: 'usd' }, { idempotencyKey: 'lost' });

    await expect(create()).rejects.toMatchObject({ type: 'StripeConnectionError' });
    const found = await create();

    expect((await platform.stripe.topups.list()).data.map(({ id }) => id)).toEqual([found.id]);
  });

  it('loses the request before the effect', async () => {
    await fault({ on: 'request', action: 'drop_before', times: 2, method: 'POST', path: '/v1/topups*' });

    await expect(topup()).rejects.toMatchObject({ type: 'StripeConnectionError' });
    expect((await platform.stripe.topups.list()).data).toEqual([]);
  });

  it.each([
    ['error_500_after', 1],
    ['error_500_before', 0],
  ])('keeps a 500 under the key: %s', async (action, effects) => {
    await fault({ on: 'request', action, path: '/v1/topups' });
    const create = () => platform.stripe.topups.create({ amount: 100, currency: 'usd' }, { idempotencyKey: 'broken' });

    await expect(create()).rejects.toMatchObject({ statusCode: 500 });
    await expect(create()).rejects.toMatchObject({ statusCode: 500, headers: { 'idempotent-replayed': 'true' } });
    expect((await platform.stripe.topups.list()).data).toHaveLength(effects);
  });

  it('answers 429 by rate and by lock, without keeping either', async () => {
    await fault({ on: 'request', action: 'rate_limit', reason: 'endpoint-rate' });
    await expect(topup()).rejects.toMatchObject({
      type: 'StripeRateLimitError',
      headers: { 'stripe-rate-limited-reason': 'endpoint-rate' },
    });
    await fault({ on: 'request', action: 'lock_timeout' });
    await expect(topup()).rejects.toMatchObject({ statusCode: 429, code: 'lock_timeout' });
    await expect(topup()).resolves.toMatchObject({ status: 'pending' });
  });

  it('strikes where it is told, in the same places for the same seed', async () => {
    const strikes = async (seed: number) => {
      await platform.control('DELETE', '/faults');
      await fault({
        on: 'request',
        action: 'rate_limit',
        path: '/v1/balance',
        skip: 2,
        times: 100,
        probability: 0.5,
        seed,
      });
      const statuses: number[] = [];
      for (let index = 0; index < 20; index += 1) statuses.push((await platform.raw('GET', '/v1/balance')).status);
      return statuses;
    };
    const first = await strikes(7);

    expect(first.slice(0, 2)).toEqual([200, 200]);
    expect(new Set(first)).toEqual(new Set([200, 429]));
    expect(await strikes(7)).toEqual(first);
    expect(await strikes(8)).not.toEqual(first);
  });

  it('makes an answer wait, and still executes', async () => {
    await fault({ on: 'request', action: 'delay', delay_ms: 300, method: 'POST', path: '/v1/topups' });
    const before = performance.now();

    await expect(topup()).resolves.toMatchObject({ status: 'pending' });
    // A timer may be a millisecond early.
    expect(performance.now() - before).toBeGreaterThan(298);
  });

  it('delivers an event late, after what came later', async () => {
    const listener = await Listener.start();
    await listen(listener);
    await fault({ on: 'webhook', action: 'delay', delay_ms: 300, type: 'topup.created' });
    const [late, early] = [await topup(), await topup()];
    await platform.settled();

    expect(listener.received.map(({ event }) => (event.data.object as { id: string }).id)).toEqual([early.id, late.id]);
    await listener.close();
  });

  it('repeats, loses and reorders what it delivers', async () => {
    const listener = await Listener.start();
    await listen(listener);
    await fault({ on: 'webhook', action: 'drop', type: 'topup.*' });
    const dropped = await topup();
    await platform.settled();
    await fault({ on: 'webhook', action: 'duplicate' });
    const twice = await topup();
    await platform.settled();
    await fault({ on: 'webhook', action: 'reorder', delay_ms: 100 });
    const [late, early] = [await topup(), await topup()];
    await platform.settled();

    const order = listener.received.map(({ event }) => (event.data.object as { id: string }).id);
    expect(order).toEqual([twice.id, twice.id, early.id, late.id]);
    expect(order).not.toContain(dropped.id);
    await listener.close();
  });

  it('makes two events fall into one second', async () => {
    const first = await topup();
    await platform.advance(30);
    await fault({ on: 'webhook', action: 'same_second', type: 'topup.created' });
    await topup();

    const { data } = await platform.stripe.events.list({ type: 'topup.created' });
    expect(data.map(({ created }) => created)).toEqual([first.created, first.created]);
  });

  it('makes the answer of the authorization endpoint slow, too late or absent', async () => {
    const seller = await platform.newSeller({ issuing: 100_00 });
    let asked = 0;
    const decider = await Listener.decider(() => {
      asked += 1;
      return { approved: true };
    });
    await platform.stripe.webhookEndpoints.create({
      url: decider.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });
    await platform.control('PATCH', '/settings', { authorization_timeout_ms: 1_000 });
    const card = await platform.newCard(seller);
    const answers: { reason: string | undefined; asked: number }[] = [];
    for (const answer of [{ action: 'absent' }, { action: 'slow' }, { action: 'slow', delay_ms: 100 }, undefined]) {
      asked = 0;
      if (answer) await fault({ on: 'authorization', ...answer });
      const { request_history } = await platform.purchase(seller, card.id, 100);
      answers.push({ reason: request_history[0]?.reason, asked });
    }

    expect(answers).toEqual([
      { reason: 'webhook_timeout', asked: 0 },
      // Decided in time, and nobody heard: what Stripe recorded is not what the endpoint thinks.
      { reason: 'webhook_timeout', asked: 1 },
      { reason: 'webhook_approved', asked: 1 },
      { reason: 'webhook_approved', asked: 1 },
    ]);
    await decider.close();
  });

  it('refuses a fault it does not know', async () => {
    await expect(fault({ on: 'request', action: 'explode' })).rejects.toThrow('action must be one of');
    await expect(fault({ on: 'request', action: 'delay', method: 5 })).rejects.toThrow('method must be a string');
    await expect(fault({ on: 'request', action: 'delay', times: 'twice' })).rejects.toThrow('times must be a number');
    await expect(fault({ on: 'request', action: 'delay', skip: -1 })).rejects.toThrow('skip must not be negative');
  });
});
