import { createHmac } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../../src/webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../../src/webhook-inbox/stripe-event.types';
import { dispatchAttemptsMax } from '../../src/webhook-inbox/webhook-inbox.policy';
import { WebhookInboxService } from '../../src/webhook-inbox/webhook-inbox.service';
import { type StripeFloor, startStripeFloor } from '../stripe/stripe-floor';
import { waitFor } from '../support/wait-for';

/** What a floor above would do with events. */
@Injectable()
class Listener {
  readonly events: StripeEvent[] = [];
  /** Throwing refuses the event. */
  before: (event: StripeEvent) => void = () => undefined;
  during: (event: StripeEvent) => Promise<void> = () => Promise.resolve();

  @OnStripeEvent(
    'issuing_card.created',
    'issuing_card.updated',
    'issuing_transaction.created',
    'balance.available',
    'capability.updated',
  )
  async handle(event: StripeEvent): Promise<void> {
    this.before(event);
    await this.during(event);
    this.events.push(event);
  }
}

@Injectable()
class SecondListener {
  readonly ids: string[] = [];

  @OnStripeEvent('issuing_card.updated')
  // eslint-disable-next-line @typescript-eslint/require-await -- a listener that has nothing to wait for
  async handle(event: StripeEvent): Promise<void> {
    this.ids.push(event.id);
  }
}

interface StoredRow {
  id: string;
  stripe_event_id: string;
  type: string;
  status: string;
  attempts: number;
  source: string;
  row: string;
}

describe('the inbox', () => {
  let floor: StripeFloor;
  let listener: Listener;
  let second: SecondListener;
  let inbox: WebhookInboxService;
  let seller: string;
  let numbers = 0;

  beforeAll(async () => {
    floor = await startStripeFloor({ listeners: [Listener, SecondListener] });
    listener = floor.app.get(Listener);
    second = floor.app.get(SecondListener);
    inbox = floor.app.get(WebhookInboxService);
    await floor.platform.fundPlatform(1_000_00);
    seller = await floor.platform.newSeller({ issuing: 100_00 });
    await floor.platform.control('GET', '/deliveries?wait_seconds=10');
  });
  afterAll(() => floor.stop());
  afterEach(async () => {
    listener.before = () => undefined;
    listener.during = () => Promise.resolve();
    await floor.platform.control('DELETE', '/faults');
  });

  const newId = (prefix: string) => `${prefix}_test${(numbers += 1)}`;

  function cardEvent(more: object = {}, card: object = {}) {
    return {
      id: newId('evt'),
      object: 'event',
      type: 'issuing_card.updated',
      account: 'acct_unheard',
      api_version: '2026-10-28.endive',
      created: Math.floor(Date.now() / 1_000),
      livemode: false,
      data: {
        object: {
          id: newId('ic'),
          object: 'issuing.card',
          last4: '4242',
          status: 'active',
          number: '4000056655665556',
          cardholder: { id: 'ich_1', name: 'Jenny Rosen', email: 'jenny@example.com' },
          ...card,
        },
      },
      ...more,
    };
  }

  function signed(body: string, secret = floor.config.stripeWebhookSecrets[0]!, secondsAgo = 0): string {
    const timestamp = Math.floor(Date.now() / 1_000) - secondsAgo;
    return `t=${timestamp},v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
  }

  async function post(body: string, signature: string | undefined = signed(body)) {
    const answer = await fetch(`${floor.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(signature ? { 'stripe-signature': signature } : {}) },
      body,
    });
    return { status: answer.status, body: (await answer.json()) as { code?: string } };
  }

  const deliver = (event: object) => post(JSON.stringify(event));

  function stored(stripeEventId: string): Promise<StoredRow | undefined> {
    return floor.database
      .query<StoredRow>(`select e.*, to_jsonb(e)::text as row from stripe_events e where stripe_event_id = $1`, [
        stripeEventId,
      ])
      .then((rows) => rows[0]);
  }

  const storedAs = (stripeEventId: string, status: string) =>
    waitFor(`${stripeEventId} to be ${status}`, async () => {
      const row = await stored(stripeEventId);
      return row?.status === status ? row : undefined;
    });

  const heard = (stripeEventId: string) => listener.events.filter((event) => event.id === stripeEventId);

  function api(method: string, path: string) {
    return fetch(`${floor.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${floor.adminKey}`, 'idempotency-key': newId('key') },
    });
  }

  it('takes what Stripe sends about sellers and the platform, each event once', async () => {
    const card = await floor.platform.newCard(seller);

    const event = await waitFor('the card’s event', () =>
      Promise.resolve(listener.events.find((one) => one.object['id'] === card.id)),
    );

    expect(event).toMatchObject({
      type: 'issuing_card.created',
      stripeAccount: seller,
      object: { status: 'active', last4: card.last4, cardholder: card.cardholder.id },
      isStale: false,
    });
    const transfer = await floor.platform.stripe.transfers.create({
      amount: 1_00,
      currency: 'usd',
      destination: seller,
    });
    await waitFor('the platform’s event', async () => {
      const rows = await floor.database.query(
        `select 1 from stripe_events where type = 'transfer.created' and object_id = $1 and stripe_account_id is null`,
        [transfer.id],
      );
      return rows.length === 1;
    });
    expect(await storedAs(event.id, 'handled')).toMatchObject({ source: 'webhook', attempts: 1 });
  });

  it('handles an event once though it comes three times, twice of them together', async () => {
    const event = cardEvent();

    const answers = [await deliver(event), ...(await Promise.all([deliver(event), deliver(event)]))];
    await storedAs(event.id, 'handled');

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(heard(event.id)).toHaveLength(1);
  });

  it('tells a handler when something as new was handled before', async () => {
    const id = newId('ic');
    const later = cardEvent({ created: 2_000_000_010 }, { id });
    const earlier = cardEvent({ created: 2_000_000_000 }, { id });
    const sameSecond = cardEvent({ created: 2_000_000_010 }, { id });
    const newest = cardEvent({ created: 2_000_000_011 }, { id });

    for (const event of [later, earlier, sameSecond, newest]) {
      await deliver(event);
      await storedAs(event.id, 'handled');
    }

    const staleness = [later, earlier, sameSecond, newest].map((event) => heard(event.id)[0]?.isStale);
    expect(staleness).toEqual([false, true, true, false]);
  });

  it('lets at most one of simultaneous ties count as new', async () => {
    const id = newId('ic');
    const ties = Array.from({ length: 6 }, () => cardEvent({ created: 2_000_000_020 }, { id }));

    await Promise.all(ties.map(deliver));
    for (const event of ties) await storedAs(event.id, 'handled');

    expect(ties.flatMap((event) => heard(event.id)).filter((event) => !event.isStale)).toHaveLength(1);
  });

  it('stores no names and no card numbers', async () => {
    const event = cardEvent();

    await deliver(event);
    const { row } = await storedAs(event.id, 'handled');

    expect(row).toContain('4242');
    expect(row).not.toMatch(/Jenny|example\.com|4000056655665556/);
  });

  it('stores types that nobody listens to, and leaves them', async () => {
    const event = cardEvent({ type: 'issuing_token.created' });

    await deliver(event);

    expect(await stored(event.id)).toMatchObject({ status: 'ignored', attempts: 0 });
  });

  it('survives what PostgreSQL cannot store', async () => {
    const event = cardEvent({}, { status: 'act\0ive\ud800' });

    expect((await deliver(event)).status).toBe(200);

    expect((await storedAs(event.id, 'handled')).status).toBe('handled');
  });

  it('accepts each of several secrets', async () => {
    const body = JSON.stringify(cardEvent());
    const [, connect] = floor.config.stripeWebhookSecrets;

    expect((await post(body, signed(body, connect))).status).toBe(200);
  });

  it.each<[string, (body: string) => Promise<{ status: number; body: { code?: string } }>, number, string]>([
    ['no signature', (body) => post(body, ''), 400, 'stripe_signature_invalid'],
    ['a foreign signature', (body) => post(body, signed(body, 'whsec_foreign')), 400, 'stripe_signature_invalid'],
    ['a replay', (body) => post(body, signed(body, undefined, 301)), 400, 'stripe_signature_invalid'],
    ['a changed body', (body) => post(`${body} `, signed(body)), 400, 'stripe_signature_invalid'],
    ['no JSON', () => post('{"id": evt'), 400, 'stripe_event_malformed'],
    ['no event', () => post('{"object":"charge"}'), 400, 'stripe_event_malformed'],
    ['bytes that are no text', () => post('\u0000'), 400, 'stripe_event_malformed'],
    ['a live event', () => deliver(cardEvent({ livemode: true })), 400, 'stripe_livemode_mismatch'],
    ['an enormous event', () => deliver(cardEvent({ padding: 'x'.repeat(600_000) })), 413, 'stripe_event_too_large'],
  ])('refuses %s and stores nothing', async (_what, send, status, code) => {
    const before = await floor.database.query(`select count(*) from stripe_events`);

    const answer = await send(JSON.stringify(cardEvent()));

    expect(answer).toMatchObject({ status, body: { code } });
    expect(await floor.database.query(`select count(*) from stripe_events`)).toEqual(before);
  });

  it('retries a failing handler without repeating the others, lists it when it is dead, and retries it on request', async () => {
    const event = cardEvent();
    let isBroken = true;
    listener.before = ({ id }) => {
      if (id === event.id && isBroken) throw new Error('no route to jenny@example.com');
    };
    await deliver(event);
    await waitFor('the first attempt', async () => ((await stored(event.id))?.attempts ?? 0) > 0);
    await waitFor('a second attempt', async () => ((await stored(event.id))?.attempts ?? 0) > 1);
    // The rest of the half hour passes.
    await floor.database.query(
      `update stripe_events set attempts = $2, next_attempt_at = now() where stripe_event_id = $1`,
      [event.id, dispatchAttemptsMax - 1],
    );
    const { id } = await storedAs(event.id, 'dead');
    expect(await stored(event.id)).toMatchObject({ status: 'dead', attempts: dispatchAttemptsMax });

    const list = await api('GET', '/v1/dead-letters');
    const page = (await list.json()) as { data: { id: string; last_error: string }[]; has_more: boolean };
    expect(page).toMatchObject({
      data: [{ id, stripe_event_id: event.id, status: 'dead', last_error: 'Listener.handle: no route to [e-mail]' }],
      has_more: false,
    });
    isBroken = false;
    const retry = await api('POST', `/v1/dead-letters/${id}/retry`);
    expect(retry.status).toBe(202);
    await storedAs(event.id, 'handled');

    expect(heard(event.id)).toHaveLength(1);
    expect(second.ids.filter((one) => one === event.id)).toHaveLength(1);
    const again = await api('POST', `/v1/dead-letters/${id}/retry`);
    expect([again.status, ((await again.json()) as { code: string }).code]).toEqual([409, 'dead_letter_not_retryable']);
    expect((await api('POST', '/v1/dead-letters/inbox_none/retry')).status).toBe(404);
    expect((await fetch(`${floor.url}/v1/dead-letters`)).status).toBe(401);
  });

  it('takes up what a worker that died had taken, once its time is over', async () => {
    const event = cardEvent();
    await deliver(event);
    await storedAs(event.id, 'handled');
    const before = heard(event.id).length;

    // What such a worker leaves behind: an attempt begun, nothing marked, and nobody who tells the others.
    await floor.database.query(
      `update stripe_events set status = 'pending', handled_at = null, handled_by = '{}', next_attempt_at = now() + interval '300 milliseconds'
       where stripe_event_id = $1`,
      [event.id],
    );

    expect(await storedAs(event.id, 'handled')).toMatchObject({ attempts: 2 });
    expect(heard(event.id)).toHaveLength(before + 1);
  });

  it('handles what the card network did before account and card updates that came earlier', async () => {
    const order: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((done) => (release = done));
    listener.during = (event) => {
      order.push(event.type);
      return held;
    };
    // As many as one process handles at once are under way; the rest waits.
    const updates = Array.from({ length: 260 }, () => cardEvent());
    await Promise.all(updates.map(deliver));
    await waitFor('every slot to be taken', () => Promise.resolve(order.length >= 32));
    const taken = order.length;
    const money = cardEvent({ type: 'issuing_transaction.created' });
    await deliver(money);

    release();
    await storedAs(money.id, 'handled');

    const place = order.indexOf('issuing_transaction.created');
    expect(place).toBeGreaterThanOrEqual(taken);
    // Behind what was already taken up, and before the rest.
    expect(place).toBeLessThan(200);
    for (const event of updates) await storedAs(event.id, 'handled');
  });

  it('handles the events of one object one after the other', async () => {
    const id = newId('ic');
    const events = [0, 1, 2, 3].map((second) => cardEvent({ created: 2_000_000_100 + second }, { id }));
    let open = 0;
    let openMax = 0;
    listener.during = async (event) => {
      if (event.object['id'] !== id) return;
      open += 1;
      openMax = Math.max(openMax, open);
      await new Promise((done) => setTimeout(done, 20));
      open -= 1;
    };

    await Promise.all(events.map(deliver));
    for (const event of events) await storedAs(event.id, 'handled');

    expect(openMax).toBe(1);
  });

  it('finds by sweeping what never arrived, of sellers and of the platform', async () => {
    await floor.platform.control('POST', '/faults', { on: 'webhook', action: 'drop', times: 1_000 });
    const card = await floor.platform.newCard(seller);
    await floor.platform.fundPlatform(5_00);
    await floor.platform.control('GET', '/deliveries?wait_seconds=10');
    expect(listener.events.filter((event) => event.object['id'] === card.id)).toEqual([]);

    await inbox.startSweeps();
    await inbox.sweep(seller);
    await inbox.sweep(null);

    const event = await waitFor('the card’s event', () =>
      Promise.resolve(listener.events.find((one) => one.object['id'] === card.id)),
    );
    expect(await storedAs(event.id, 'handled')).toMatchObject({ source: 'sweep' });
    expect(event.stripeAccount).toBe(seller);
    expect([await inbox.sweep(seller), await inbox.sweep(null)]).toEqual([0, 0]);
  });

  it('watches an account from the first call that makes it, though none of its events arrives', async () => {
    await floor.platform.control('POST', '/faults', { on: 'webhook', action: 'drop', times: 1_000 });
    await floor.database.transaction((tx) =>
      floor.calls.intend(tx, {
        kind: 'account.create',
        reference: 'seller_watched',
        connectedAccountId: 'seller_watched',
        params: {
          country: 'US',
          controller: {
            stripe_dashboard: { type: 'none' },
            fees: { payer: 'application' },
            losses: { payments: 'application' },
            requirement_collection: 'application',
          },
          capabilities: { card_issuing: { requested: true }, transfers: { requested: true } },
        },
      }),
    );
    const account = await waitFor('the account', async () => {
      const [record] = await floor.calls.listFor('seller_watched');
      return record?.stripeObjectId;
    });

    const rows = await floor.database.query(`select 1 from stripe_event_cursors where stripe_account_id = $1`, [
      account,
    ]);

    expect(rows).toHaveLength(1);
  });

  it.each(['duplicate', 'reorder', 'delay', 'same_second'])(
    'is not confused by webhooks that come (%s)',
    async (action) => {
      await floor.platform.control('POST', '/faults', {
        ...{ on: 'webhook', action, times: 10, delay_ms: 300, type: 'issuing_card*' },
      });
      const card = await floor.platform.newCard(seller);
      await floor.platform.stripe.issuing.cards.update(card.id, { status: 'inactive' }, { stripeAccount: seller });
      await floor.platform.stripe.issuing.cards.update(card.id, { status: 'canceled' }, { stripeAccount: seller });

      const events = await waitFor('three events', () => {
        const mine = listener.events.filter((event) => event.object['id'] === card.id);
        return Promise.resolve(mine.length >= 3 ? mine : undefined);
      });

      await floor.platform.control('GET', '/deliveries?wait_seconds=10');
      expect(new Set(events.map(({ id }) => id)).size).toBe(3);
      expect(listener.events.filter((event) => event.object['id'] === card.id)).toHaveLength(3);
    },
  );
});
