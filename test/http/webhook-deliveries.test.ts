import dns, { LookupAddress } from 'node:dns';
import { readFileSync } from 'node:fs';
import { AddressInfo, createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { OutgoingEventType } from '../../src/webhook-outbox/outgoing-event.types';
import { OutboxService } from '../../src/webhook-outbox/outbox.service';
import { WebhookSender } from '../../src/webhook-outbox/webhook-sender';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { call, expectProblem } from './client';
import { Receiver, verifies } from './receiver';

const hourMs = 3_600_000;

type Lookup = (error: null, addresses: LookupAddress[]) => void;

let app: TestApp;
let receiver: Receiver;
const receivers: Receiver[] = [];

beforeAll(async () => {
  app = await startTestApp();
});
beforeEach(async () => {
  receiver = await newReceiver();
});
afterEach(async () => {
  const { body } = await asMarketplace('GET', '/v1/webhook-endpoints?limit=100');
  for (const endpoint of body.data) await asMarketplace('DELETE', `/v1/webhook-endpoints/${endpoint.id}`);
  for (const old of receivers.splice(0)) await old.stop();
});
afterAll(() => app.stop());

const asMarketplace = (method: string, path: string, body?: unknown) =>
  call(app, method, path, { key: app.keys.marketplace, body: body ?? (method === 'POST' ? {} : undefined) });

async function newReceiver(): Promise<Receiver> {
  const made = await Receiver.start();
  receivers.push(made);
  return made;
}

async function listen(url: string, eventTypes: OutgoingEventType[] = []): Promise<{ id: string; secret: string }> {
  const { status, body } = await asMarketplace('POST', '/v1/webhook-endpoints', { url, event_types: eventTypes });
  expect(status).toBe(201);
  return body as { id: string; secret: string };
}

/** What the document promises of a payout's event. */
const payoutData = {
  reference: 'order-1001',
  connected_account: 'seller_1',
  amount: 250_00,
  currency: 'usd',
  status: 'pending',
  outcome: null,
  failure: null,
};

async function say(type: OutgoingEventType, payoutId: string): Promise<string> {
  return app.database.transaction((tx) =>
    app.app.get(OutboxService).append(tx, { type, payoutId, data: { ...payoutData, payout: payoutId } }),
  );
}

async function deliveriesTo(endpoint: string) {
  const { body } = await asMarketplace('GET', `/v1/webhook-deliveries?endpoint=${endpoint}&limit=100`);
  return body.data as {
    id: string;
    event_type: string;
    payout: string | null;
    status: string;
    attempts: Record<string, unknown>[];
  }[];
}

describe('webhooks to the marketplace', () => {
  it('are signed so that the receiver can verify them', async () => {
    const endpoint = await listen(receiver.url);

    const eventId = await say('payout.ready', 'payout_signed');

    const delivery = await waitFor('the delivery', () => Promise.resolve(receiver.received[0]));
    expect(delivery.id).toBe(eventId);
    expect(delivery.headers['content-type']).toMatch(/^application\/json/);
    expect(verifies(delivery, endpoint.secret)).toBe(true);
    expect(verifies(delivery, 'whsec_bm90IHRoZSBzZWNyZXQ=')).toBe(false);
    expect(delivery.event).toMatchObject({
      id: eventId,
      type: 'payout.ready',
      payout: 'payout_signed',
      data: { payout: 'payout_signed' },
    });
    const { body } = await asMarketplace('GET', `/v1/events/${eventId}`);
    expect(body).toEqual(delivery.event);
  });

  it('are told only if the fact was committed', async () => {
    await listen(receiver.url);
    const work = app.database.transaction(async (tx) => {
      await app.app.get(OutboxService).append(tx, { type: 'payout.failed', data: {} });
      throw new Error('the payout could not be stored');
    });
    await expect(work).rejects.toThrow('could not be stored');

    await say('payout.created', 'payout_after');

    await waitFor('the second event', () => Promise.resolve(receiver.received.length > 0));
    expect(receiver.types).toEqual(['payout.created']);
  });

  it('go only where their type is wanted', async () => {
    const other = await newReceiver();
    await listen(receiver.url, ['payout.settled']);
    await listen(other.url, ['payout.created', 'payout.settled']);

    await say('payout.created', 'payout_filter');
    await say('payout.settled', 'payout_filter');

    await waitFor('both events at the other', () => Promise.resolve(other.received.length === 2));
    await waitFor('one event', () => Promise.resolve(receiver.received.length === 1));
    expect(receiver.types).toEqual(['payout.settled']);
  });

  it('keep their order within a payout while one fails, and other payouts go on', async () => {
    const endpoint = await listen(receiver.url);
    receiver.answer = ({ event }) => ({ status: event.payout === 'payout_slow' ? 503 : 200, body: 'try later' });
    await say('payout.created', 'payout_slow');
    await say('payout.funded', 'payout_slow');
    await say('payout.ready', 'payout_slow');
    await say('payout.created', 'payout_fast');
    await waitFor('the other payout', () =>
      Promise.resolve(receiver.received.some(({ event }) => event.payout === 'payout_fast')),
    );
    await waitFor('a failed attempt', async () =>
      (await deliveriesTo(endpoint.id)).some(({ attempts }) => attempts.length > 0),
    );

    receiver.answer = () => ({ status: 204 });
    app.clock.advance(10_000);

    await waitFor('all', async () => (await deliveriesTo(endpoint.id)).every(({ status }) => status === 'delivered'));
    const slow = receiver.received
      .filter(({ event }) => event.payout === 'payout_slow')
      .map(({ event }) => event.type as string);
    const firsts = slow.lastIndexOf('payout.created');
    expect(slow.slice(firsts)).toEqual(['payout.created', 'payout.funded', 'payout.ready']);
    expect(new Set(slow.slice(0, firsts))).toEqual(new Set(['payout.created']));
    const created = (await deliveriesTo(endpoint.id)).find(({ attempts }) => attempts.length > 1);
    expect(created!.attempts[0]).toMatchObject({ response_status: 503, response_start: 'try later', error: null });
    expect(created!.attempts[0]!['duration_ms']).toEqual(expect.any(Number));
  });

  it('count only 2xx as delivered: a redirect is not followed', async () => {
    const elsewhere = await newReceiver();
    const endpoint = await listen(receiver.url);
    receiver.answer = () => ({ status: 307, headers: { location: elsewhere.url } });

    await say('payout.created', 'payout_redirect');

    const [attempt] = await waitFor('an attempt', async () => {
      const [delivery] = await deliveriesTo(endpoint.id);
      return delivery?.attempts.length ? delivery.attempts : undefined;
    });
    expect(attempt).toMatchObject({ response_status: 307 });
    expect((await deliveriesTo(endpoint.id))[0]!.status).toBe('pending');
    expect(elsewhere.received).toHaveLength(0);
  });

  it('disable an endpoint that fails for three days, tell the others, and can be sent again by hand', async () => {
    const healthy = await newReceiver();
    const endpoint = await listen(receiver.url, ['payout.created', 'payout.canceled']);
    await listen(healthy.url, ['webhook_endpoint.disabled']);
    receiver.answer = () => ({ status: 500 });
    await say('payout.created', 'payout_dead');
    await say('payout.canceled', 'payout_dead');

    for (let attempts = 1; ; attempts++) {
      const { status } = await waitFor(`attempt ${attempts}`, async () => {
        const delivery = (await deliveriesTo(endpoint.id)).find(({ event_type: type }) => type === 'payout.created');
        return delivery && (delivery.attempts.length >= attempts || delivery.status === 'failed')
          ? delivery
          : undefined;
      });
      if (status === 'failed') break;
      app.clock.advance(10 * hourMs);
    }

    const { body: disabled } = await asMarketplace('GET', `/v1/webhook-endpoints/${endpoint.id}`);
    expect(disabled).toMatchObject({ status: 'disabled', disabled_reason: 'no_success_for_three_days' });
    const deliveries = await deliveriesTo(endpoint.id);
    expect(deliveries.map(({ status }) => status)).toEqual(['failed', 'failed']);
    await waitFor('the news at the other', () => Promise.resolve(healthy.received.length === 1));
    expect(healthy.received[0]!.event.data).toMatchObject({ webhook_endpoint: endpoint.id });
    expectProblem(
      await asMarketplace('POST', `/v1/webhook-deliveries/${deliveries[0]!.id}/redeliver`),
      409,
      'webhook_endpoint_not_enabled',
    );

    receiver.answer = () => ({ status: 200 });
    await asMarketplace('POST', `/v1/webhook-endpoints/${endpoint.id}/enable`);
    for (const { id } of deliveries) {
      expect((await asMarketplace('POST', `/v1/webhook-deliveries/${id}/redeliver`)).status).toBe(202);
    }

    await waitFor('both', async () => (await deliveriesTo(endpoint.id)).every(({ status }) => status === 'delivered'));
  });

  it('give up one event that is never taken, and go on with those behind it', async () => {
    const endpoint = await listen(receiver.url);
    receiver.answer = ({ event }) => ({
      status: event.payout === 'payout_poison' && event.type === 'payout.created' ? 500 : 200,
    });
    await say('payout.created', 'payout_poison');
    await say('payout.ready', 'payout_poison');

    for (let attempts = 1; ; attempts++) {
      const { status } = await waitFor(`attempt ${attempts}`, async () => {
        const delivery = (await deliveriesTo(endpoint.id)).find(
          ({ event_type: type, payout }) => type === 'payout.created' && payout === 'payout_poison',
        );
        return delivery && (delivery.attempts.length >= attempts || delivery.status === 'failed')
          ? delivery
          : undefined;
      });
      if (status === 'failed') break;
      // Told only now: what an endpoint took before an event was first tried says nothing of it since.
      if (attempts === 1) {
        await say('payout.created', 'payout_healthy');
        await waitFor('another event', () => Promise.resolve(receiver.types.length >= 2));
      }
      app.clock.advance(10 * hourMs);
    }

    await waitFor('the event behind it', () => Promise.resolve(receiver.types.includes('payout.ready')));
    const { body } = await asMarketplace('GET', `/v1/webhook-endpoints/${endpoint.id}`);
    expect(body.status).toBe('enabled');
  });

  it('keep what a disabled endpoint misses, to be sent by hand', async () => {
    const endpoint = await listen(receiver.url);
    await app.database.query(
      `update webhook_endpoints set status = 'disabled', disabled_reason = 'no_success_for_three_days' where id = $1`,
      [endpoint.id],
    );
    await say('payout.created', 'payout_missed');
    const missed = await waitFor('the missed delivery', async () => (await deliveriesTo(endpoint.id))[0]);
    expect(missed).toMatchObject({ status: 'failed', attempts: [] });

    await asMarketplace('POST', `/v1/webhook-endpoints/${endpoint.id}/enable`);
    await asMarketplace('POST', `/v1/webhook-deliveries/${missed.id}/redeliver`);

    await waitFor('it', () => Promise.resolve(receiver.types.includes('payout.created')));
  });

  it('are sent again with the same id when asked by hand', async () => {
    const endpoint = await listen(receiver.url);
    await say('payout.created', 'payout_again');
    await waitFor('the delivery', async () => (await deliveriesTo(endpoint.id))[0]?.status === 'delivered');

    await asMarketplace('POST', `/v1/webhook-deliveries/${(await deliveriesTo(endpoint.id))[0]!.id}/redeliver`);

    await waitFor('the second delivery', () => Promise.resolve(receiver.received.length === 2));
    expect(receiver.received[0]!.id).toBe(receiver.received[1]!.id);
    expect(receiver.received[0]!.text).toBe(receiver.received[1]!.text);
  });

  it('carry both signatures while a secret is rotated, then only the new one', async () => {
    const endpoint = await listen(receiver.url);
    const { body: rotated } = await asMarketplace('POST', `/v1/webhook-endpoints/${endpoint.id}/rotate-secret`, {
      overlap_seconds: 3600,
    });
    await say('payout.created', 'payout_rotated');
    const during = await waitFor('a delivery', () => Promise.resolve(receiver.received[0]));
    app.clock.advance(2 * hourMs);
    await say('payout.ready', 'payout_rotated');
    const after = await waitFor('another delivery', () => Promise.resolve(receiver.received[1]));

    expect([verifies(during, endpoint.secret), verifies(during, rotated.secret as string)]).toEqual([true, true]);
    expect([verifies(after, endpoint.secret), verifies(after, rotated.secret as string)]).toEqual([false, true]);
    const stored = await app.database.query<{ row: string }>(
      'select row_to_json(e)::text as row from webhook_endpoints e',
    );
    expect(stored.map(({ row }) => row).join()).not.toContain('whsec_');
  });

  it('are taken up by another worker when one died while sending', async () => {
    const endpoint = await listen(receiver.url);
    receiver.answer = () => ({ status: 500 });
    await say('payout.created', 'payout_orphan');
    await waitFor('a first attempt', async () => (await deliveriesTo(endpoint.id))[0]?.attempts.length === 1);
    // What a worker leaves behind that is killed between taking a delivery and writing down the answer.
    await app.database.query(
      `update webhook_deliveries set next_attempt_at = $2, leased_until = $3 where endpoint_id = $1`,
      [endpoint.id, app.clock.now(), new Date(app.clock.now().getTime() + 60_000)],
    );
    receiver.answer = () => ({ status: 200 });

    app.clock.advance(61_000);

    await waitFor('the delivery', async () => (await deliveriesTo(endpoint.id))[0]?.status === 'delivered');
  });

  it('are sent once each and in order when two replicas work side by side', async () => {
    const endpoint = await listen(receiver.url);
    const second = await startTestApp({}, app);
    try {
      const said: string[] = [];
      for (let round = 0; round < 8; round++) {
        for (const payout of ['payout_a', 'payout_b', 'payout_c', 'payout_d'])
          said.push(await say('payout.ready', payout));
      }

      await waitFor('all', async () => {
        const deliveries = await deliveriesTo(endpoint.id);
        return deliveries.length === said.length && deliveries.every(({ status }) => status === 'delivered');
      });

      expect(receiver.received.map(({ id }) => id).sort()).toEqual([...said].sort());
      for (const payout of ['payout_a', 'payout_b', 'payout_c', 'payout_d']) {
        const order = receiver.received
          .filter(({ event }) => event.payout === payout)
          .map(({ id }) => said.indexOf(id));
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
    } finally {
      await second.app.close();
    }
  });

  it('can be tried out with a harmless event', async () => {
    const other = await newReceiver();
    const endpoint = await listen(receiver.url, ['payout.created']);
    await listen(other.url);

    const { status, body } = await asMarketplace('POST', `/v1/webhook-endpoints/${endpoint.id}/test`);

    expect(status).toBe(202);
    expect(body).toMatchObject({ endpoint: endpoint.id, event_type: 'webhook_endpoint.test', status: 'pending' });
    await waitFor('the test event', () => Promise.resolve(receiver.types.includes('webhook_endpoint.test')));
    expect(other.types).not.toContain('webhook_endpoint.test');
  });

  it('stop when the endpoint is deleted', async () => {
    const endpoint = await listen(receiver.url);
    receiver.answer = () => ({ status: 500 });
    await say('payout.created', 'payout_deleted');
    await waitFor('a first attempt', async () => (await deliveriesTo(endpoint.id))[0]?.attempts.length === 1);

    await asMarketplace('DELETE', `/v1/webhook-endpoints/${endpoint.id}`);

    expect((await deliveriesTo(endpoint.id))[0]!.status).toBe('canceled');
    expectProblem(
      await asMarketplace('GET', `/v1/webhook-endpoints/${endpoint.id}`),
      404,
      'webhook_endpoint_not_found',
    );
    expectProblem(await asMarketplace('DELETE', `/v1/webhook-endpoints/${endpoint.id}`), 404);
  });

  it.each([
    ['switches protocols', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['hangs up', ''],
    ['says what is no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nOK'],
  ])('have failed where the server %s', async (_what, answer) => {
    const server = createServer((socket) => socket.once('data', () => socket.end(answer)));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;

    const result = await app.app.get(WebhookSender).post(`http://127.0.0.1:${port}/`, {}, '{}');

    expect(result).toMatchObject({ status: null, error: expect.any(String) });
    await new Promise((done) => server.close(done));
  });

  it.each([
    'http://10.0.0.1/',
    'https://169.254.169.254/latest',
    'https://[::ffff:127.0.0.1]/',
    'https://metadata.google.internal/',
    'http://example.com',
  ])('never go to %s', async (url) => {
    expectProblem(await asMarketplace('POST', '/v1/webhook-endpoints', { url }), 422, 'webhook_url_refused');
  });

  it('are not sent when a name turns out to be a private address', async () => {
    const strict = new WebhookSender(app.config.with({ webhookAllowedHosts: [] }));

    // The machine's own name resolves to an address of its own network.
    const result = await strict.post(`https://${hostname()}:${new URL(receiver.url).port}/`, {}, '{}');

    expect(result.status).toBeNull();
    expect(result.error).toMatch(/private|ENOTFOUND|EAI_AGAIN/);
    expect(receiver.received).toHaveLength(0);
  });

  describe('to a name whose address changes', () => {
    const port = () => Number(new URL(receiver.url).port);
    const strict = () => new WebhookSender(app.config.with({ webhookAllowedHosts: [] }));
    const trusting = () => new WebhookSender(app.config.with({ webhookAllowedHosts: ['hooks.example.com'] }));
    let asked: number;

    /** A name server of the attacker's: another answer each time. */
    function resolveTo(...answers: string[][]): void {
      asked = 0;
      jest.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, done: Lookup) => {
        const addresses = answers[Math.min(asked++, answers.length - 1)]!;
        done(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        );
      }) as unknown as typeof dns.lookup);
    }
    afterEach(() => jest.restoreAllMocks());

    it.each([
      ['a private address', ['127.0.0.1']],
      ['the metadata service', ['169.254.169.254']],
      ['IPv4 in IPv6', ['::ffff:127.0.0.1']],
      ['a private address among public ones', ['93.184.215.14', '10.0.0.1']],
      ['nothing', []],
    ])('are refused when it says %s', async (_what, addresses) => {
      resolveTo(addresses);

      const result = await strict().post(`https://hooks.example.com:${port()}/`, {}, '{}');

      expect(result).toMatchObject({ status: null, error: expect.stringContaining('private') });
      expect(receiver.received).toHaveLength(0);
    });

    it('connect to the very address that was looked at, which is asked for once', async () => {
      // The second answer is what a rebinding name would give to whoever looks twice.
      resolveTo(['127.0.0.1'], ['203.0.113.1']);

      const result = await trusting().post(`http://hooks.example.com:${port()}/`, {}, '{}');

      expect(result).toMatchObject({ status: 200, error: null });
      expect(asked).toBe(1);
      expect(receiver.received[0]!.headers.host).toBe(`hooks.example.com:${port()}`);
    });
  });

  it.each([
    ['decimal', 'https://167772161/'],
    ['octal', 'https://012.0.0.1/'],
    ['hexadecimal', 'https://0x0a000001/'],
    ['short', 'https://10.1/'],
    ['full-width', 'https://１０.０.０.１/'],
    ['mapped', 'https://[::ffff:7f00:1]/'],
    ['NAT64', 'https://[64:ff9b::a9fe:a9fe]/'],
    ['a trailing dot', 'https://localhost./'],
  ])('never go to a private address written %s', async (_how, url) => {
    expectProblem(await asMarketplace('POST', '/v1/webhook-endpoints', { url }), 422, 'webhook_url_refused');
    const strict = new WebhookSender(app.config.with({ webhookAllowedHosts: [] }));
    expect(await strict.post(url, {}, '{}')).toMatchObject({ status: null, error: expect.stringMatching(/private/) });
  });

  it('are verified by the receiver as docs/webhooks.md says', async () => {
    const endpoint = await listen(receiver.url);
    await say('payout.settled', 'payout_documented');
    const { headers, text, event } = await waitFor('the delivery', () => Promise.resolve(receiver.received[0]));
    const page = readFileSync(join(__dirname, '../../docs/webhooks.md'), 'utf8');
    const example = /```js\n([^]+?)```/.exec(page)![1]!;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the documentation's own words
    const load = new Function('require', `${example}; return receive;`) as (
      from: NodeJS.Require,
    ) => (secret: string, headers: object, body: string) => unknown;
    const receive = load(require);

    jest.spyOn(Date, 'now').mockReturnValue(app.clock.now().getTime());
    expect(receive(endpoint.secret, headers, text)).toEqual(event);
    expect(() => receive(endpoint.secret, headers, `${text} `)).toThrow();
    jest.restoreAllMocks();
  });

  it('are listed newest first, page by page, while new ones come in', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) ids.unshift(await say('payout.created', 'payout_pages'));
    const path = '/v1/events?payout=payout_pages&limit=2';
    const first = await asMarketplace('GET', path);
    await say('payout.ready', 'payout_pages');

    const second = await asMarketplace('GET', `${path}&starting_after=${first.body.next_cursor}`);
    const third = await asMarketplace('GET', `${path}&starting_after=${second.body.next_cursor}`);

    const listed = [first, second, third].flatMap(({ body }) =>
      (body.data as { id: string }[]).map((event) => event.id),
    );
    expect(listed).toEqual(ids);
    expect([first, second, third].map(({ body }) => body.has_more as boolean)).toEqual([true, true, false]);
    expect(third.body.next_cursor).toBeNull();
  });
});
