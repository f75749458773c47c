import type Stripe from 'stripe';
import { Listener, type Platform, World } from './world';

let world: World;
let platform: Platform;
let seller: string;
let options: { stripeAccount: string };
beforeAll(async () => {
  world = await World.start();
});
beforeEach(async () => {
  platform = world.platform();
  seller = await platform.newSeller({ issuing: 1000_00 });
  options = { stripeAccount: seller };
});
afterEach(async () => {
  expect(await platform.books()).toMatchObject({ balanced: true, problems: [] });
});
afterAll(() => world.close());

const network = () => platform.stripe.testHelpers.issuing;
const rows = (authorization: Stripe.Issuing.Authorization) =>
  authorization.balance_transactions.map(({ amount }) => amount);
const reason = (authorization: Stripe.Issuing.Authorization) => authorization.request_history[0]?.reason;
const singleUse = { lifecycle_controls: { cancel_after: { payment_count: 1 } } };
const cardStatus = async (id: string) => (await platform.stripe.issuing.cards.retrieve(id, {}, options)).status;

describe("Stripe's own declines", () => {
  it.each([
    [
      'card_inactive',
      async (card: string) => platform.stripe.issuing.cards.update(card, { status: 'inactive' }, options),
    ],
    [
      'card_canceled',
      async (card: string) => platform.stripe.issuing.cards.update(card, { status: 'canceled' }, options),
    ],
    ['card_expired', async () => platform.advance(4 * 365 * 24 * 60 * 60)],
    [
      'spending_controls',
      async (card: string) =>
        platform.stripe.issuing.cards.update(
          card,
          { spending_controls: { blocked_categories: ['ac_refrigeration_repair'] } },
          options,
        ),
    ],
    [
      'spending_controls',
      async (card: string) =>
        platform.stripe.issuing.cards.update(
          card,
          { spending_controls: { allowed_merchant_countries: ['FR'] } },
          options,
        ),
    ],
    [
      'spending_controls',
      async (card: string) =>
        platform.stripe.issuing.cards.update(
          card,
          { spending_controls: { spending_limits: [{ amount: 999, interval: 'per_authorization' }] } },
          options,
        ),
    ],
    [
      'cardholder_inactive',
      async (_card: string, holder: string) =>
        platform.stripe.issuing.cardholders.update(holder, { status: 'inactive' }, options),
    ],
    [
      'cardholder_blocked',
      async (_card: string, holder: string) =>
        platform.control('POST', `/accounts/${seller}/requirements`, { cardholder: holder, status: 'blocked' }),
    ],
    [
      'cardholder_verification_required',
      async (_card: string, holder: string) =>
        platform.control('POST', `/accounts/${seller}/requirements`, {
          cardholder: holder,
          past_due: ['individual.verification.document'],
        }),
    ],
    [
      'account_disabled',
      async () =>
        platform.control('POST', `/accounts/${seller}/requirements`, {
          capability: 'card_issuing',
          requirements: ['company.tax_id'],
        }),
    ],
    ['insufficient_funds', async (card: string) => platform.purchase(seller, card, 995_00)],
  ])('%s', async (expected, prepare) => {
    const decider = await Listener.decider(() => ({ approved: true }));
    const generous = { spending_controls: { spending_limits: [{ amount: 5000_00, interval: 'daily' as const }] } };
    const card = await platform.newCard(seller, generous);
    await prepare(card.id, card.cardholder.id);
    await platform.stripe.webhookEndpoints.create({
      url: decider.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });

    const declined = await platform.purchase(seller, card.id, 10_00);

    expect(declined).toMatchObject({ approved: false, status: 'closed', amount: 10_00, balance_transactions: [] });
    expect(reason(declined)).toBe(expected);
    expect(decider.received).toEqual([]);
    await decider.close();
  });

  it('limits 500 a day where nobody set a limit', async () => {
    const card = await platform.newCard(seller);

    const spent = [await platform.purchase(seller, card.id, 400_00), await platform.purchase(seller, card.id, 200_00)];
    await platform.advance(24 * 60 * 60);
    const tomorrow = await platform.purchase(seller, card.id, 200_00);

    expect([...spent, tomorrow].map(({ approved }) => approved)).toEqual([true, false, true]);
  });

  it('lets a limit follow the replacement chain and sum over the cards of a cardholder', async () => {
    const limit = (amount: number) => ({
      spending_controls: { spending_limits: [{ amount, interval: 'all_time' as const }] },
    });
    const first = await platform.newCard(seller, limit(30_00));
    await platform.purchase(seller, first.id, 20_00);
    const second = await platform.newCard(seller, {
      ...limit(30_00),
      cardholder: first.cardholder.id,
      replacement_for: first.id,
      replacement_reason: 'lost',
    });
    expect(reason(await platform.purchase(seller, second.id, 20_00))).toBe('spending_controls');

    const holder = await platform.newCardholder(seller);
    await platform.stripe.issuing.cardholders.update(holder.id, limit(30_00), options);
    const [one, two] = [
      await platform.newCard(seller, { cardholder: holder.id }),
      await platform.newCard(seller, { cardholder: holder.id }),
    ];
    await platform.purchase(seller, one.id, 20_00);
    expect(reason(await platform.purchase(seller, two.id, 20_00))).toBe('spending_controls');
  });

  it('gives a limit back after a reversal only when told to', async () => {
    const limits = { spending_controls: { spending_limits: [{ amount: 30_00, interval: 'all_time' as const }] } };
    const card = await platform.newCard(seller, limits);
    const tryTwice = async () => {
      const first = await platform.purchase(seller, card.id, 20_00);
      await network().authorizations.reverse(first.id, {}, options);
      return (await platform.purchase(seller, card.id, 20_00)).approved;
    };

    expect(await tryTwice()).toBe(false);
    await platform.control('PATCH', '/settings', { reversal_restores_limits: true });
    await platform.stripe.issuing.cards.update(
      card.id,
      { spending_controls: { spending_limits: [{ amount: 50_00, interval: 'all_time' }] } },
      options,
    );
    expect(await tryTwice()).toBe(true);
  });
});

describe('a single-use card', () => {
  it('dies with its one payment, by itself and with an event, and its refund still arrives', async () => {
    const card = await platform.newCard(seller, singleUse);
    const listener = await Listener.start();
    await platform.stripe.webhookEndpoints.create({
      url: listener.url,
      connect: true,
      enabled_events: ['issuing_card.updated'],
    });

    const payment = await platform.purchase(seller, card.id, 20_00);
    const second = await platform.purchase(seller, card.id, 5_00);
    const captured = await network().authorizations.capture(payment.id, {}, options);
    const refund = await network().transactions.refund(captured.transactions[0]?.id ?? '', {}, options);
    await platform.settled();

    expect([await cardStatus(card.id), reason(second)]).toEqual(['canceled', 'card_canceled']);
    expect(refund).toMatchObject({ type: 'refund', amount: 20_00, authorization: payment.id });
    expect(listener.received.map(({ event }) => [event.data.object, event.data.previous_attributes])).toMatchObject([
      [{ id: card.id, status: 'canceled', cancellation_reason: null }, { status: 'active' }],
    ]);
    await listener.close();
  });

  it('takes one probe and one payment; a second probe is refused', async () => {
    const card = await platform.newCard(seller, singleUse);

    const probe = await platform.purchase(seller, card.id, 1_00);
    const again = await platform.purchase(seller, card.id, 0);
    const payment = await platform.purchase(seller, card.id, 50_00);

    expect([probe.approved, again.approved, payment.approved, await cardStatus(card.id)]).toEqual([
      true,
      false,
      true,
      'canceled',
    ]);
  });

  it('lets one of two probes at once through', async () => {
    const listener = await Listener.decider(() => ({ approved: true }));
    await platform.stripe.webhookEndpoints.create({
      url: listener.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });
    const card = await platform.newCard(seller, singleUse);

    const both = await Promise.all([1, 2].map(() => platform.purchase(seller, card.id, 1_00)));

    expect(both.map(({ approved }) => approved).sort()).toEqual([false, true]);
    await listener.close();
  });

  it('counts a probe once it is captured, and a force post at once', async () => {
    const [probed, forced] = [await platform.newCard(seller, singleUse), await platform.newCard(seller, singleUse)];
    const probe = await platform.purchase(seller, probed.id, 1_00);
    expect(await cardStatus(probed.id)).toBe('active');

    await network().authorizations.capture(probe.id, {}, options);
    await network().transactions.createForceCapture({ card: forced.id, amount: 3_00 }, options);

    expect([await cardStatus(probed.id), await cardStatus(forced.id)]).toEqual(['canceled', 'canceled']);
    const late = await network().transactions.createForceCapture({ card: forced.id, amount: 2_00 }, options);
    expect(late).toMatchObject({ amount: -2_00, authorization: null, balance_transaction: expect.any(String) });
  });

  it('reaches a card its count canceled with an increment, unless told otherwise', async () => {
    const card = await platform.newCard(seller, singleUse);
    const { id } = await platform.purchase(seller, card.id, 20_00);

    const allowed = await network().authorizations.increment(id, { increment_amount: 5_00 }, options);
    await platform.control('PATCH', '/settings', { increment_after_lifecycle_cancel: 'decline' });
    const declined = await network().authorizations.increment(id, { increment_amount: 5_00 }, options);

    expect([allowed.amount, rows(allowed)]).toEqual([25_00, [-5_00, -20_00]]);
    expect(declined).toMatchObject({
      amount: 25_00,
      approved: true,
      status: 'pending',
      request_history: [{ approved: false, reason: 'card_canceled' }, {}, {}],
    });
  });
});

describe('settlement', () => {
  const approve = async (amount: number) => {
    const card = await platform.newCard(seller);
    return platform.purchase(seller, card.id, amount);
  };

  it('captures in parts, over the hold, and not after closing', async () => {
    const { id } = await approve(30_00);

    const first = await network().authorizations.capture(
      id,
      { capture_amount: 10_00, close_authorization: false },
      options,
    );
    const second = await network().authorizations.capture(id, { capture_amount: 25_00 }, options);

    expect([first.status, rows(first)]).toEqual(['pending', [10_00, -30_00]]);
    expect([second.status, rows(second)]).toEqual(['closed', [20_00, 10_00, -30_00]]);
    expect(second.transactions.map(({ amount }) => amount)).toEqual([-25_00, -10_00]);
    expect(await platform.issuingBalance(seller)).toBe(965_00);
    await expect(network().authorizations.capture(id, {}, options)).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
    });
  });

  it('drives the balance negative when a capture is larger than everything', async () => {
    const { id } = await approve(100_00);
    await network().authorizations.capture(id, { capture_amount: 1200_00 }, options);

    expect(await platform.issuingBalance(seller)).toBe(-200_00);
  });

  it('reverses in part and in full, with the old amount in the event', async () => {
    const { id } = await approve(30_00);

    const partly = await network().authorizations.reverse(id, { reverse_amount: 10_00 }, options);
    const fully = await network().authorizations.reverse(id, {}, options);

    expect([partly.status, partly.amount]).toEqual(['pending', 20_00]);
    expect([fully.status, fully.amount, rows(fully)]).toEqual(['reversed', 0, [20_00, 10_00, -30_00]]);
    const events = await platform.stripe.events.list({ type: 'issuing_authorization.updated' }, options);
    expect(events.data.map(({ data }) => (data.previous_attributes as { amount: number }).amount)).toEqual([
      20_00, 30_00,
    ]);
    await expect(network().authorizations.capture(id, {}, options)).rejects.toThrow('reversed');
  });

  it('expires by the clock after a week, hotels after a month, and can be captured late', async () => {
    const shop = await approve(10_00);
    const card = await platform.newCard(seller);
    const hotel = await platform.purchase(seller, card.id, 10_00, {
      merchant_data: { category: 'hotels_motels_and_resorts' },
    });
    const status = async (id: string) =>
      (await platform.stripe.issuing.authorizations.retrieve(id, {}, options)).status;

    await platform.advance(8 * 24 * 60 * 60);
    expect([await status(shop.id), await status(hotel.id), await platform.issuingBalance(seller)]).toEqual([
      'expired',
      'pending',
      990_00,
    ]);
    await platform.advance(24 * 24 * 60 * 60);
    expect(await status(hotel.id)).toBe('expired');

    const late = await network().authorizations.capture(shop.id, {}, options);
    expect([late.status, late.transactions[0]?.amount, await platform.issuingBalance(seller)]).toEqual([
      'closed',
      -10_00,
      990_00,
    ]);
  });

  it('refunds in part, never more than was captured, and takes a refund back', async () => {
    const { id } = await approve(30_00);
    const captured = await network().authorizations.capture(id, {}, options);
    const capture = captured.transactions[0]?.id ?? '';

    const refund = await network().transactions.refund(capture, { refund_amount: 10_00 }, options);
    await expect(network().transactions.refund(capture, { refund_amount: 20_01 }, options)).rejects.toMatchObject({
      param: 'refund_amount',
    });
    const taken = await platform.control<Stripe.Issuing.Transaction>(
      'POST',
      `/transactions/${refund.id}/reverse_refund`,
      {},
      seller,
    );
    const unlinked = await network().transactions.createUnlinkedRefund(
      { card: captured.card.id, amount: 7_00 },
      options,
    );

    expect([refund.amount, taken.type, taken.amount]).toEqual([10_00, 'refund', -10_00]);
    expect(unlinked).toMatchObject({ type: 'refund', amount: 7_00, authorization: null });
    expect(await platform.issuingBalance(seller)).toBe(1000_00 - 30_00 + 7_00);
  });

  it('holds a hundred at a fuel pump until the amount is known', async () => {
    const card = await platform.newCard(seller);
    const pump = await platform.purchase(seller, card.id, 1_00, {
      merchant_data: { category: 'automated_fuel_dispensers' },
    });
    const filled = await network().authorizations.finalizeAmount(pump.id, { final_amount: 47_50 }, options);

    expect([pump.amount, pump.merchant_data.category_code, filled.amount, rows(filled)]).toEqual([
      100_00,
      '5542',
      47_50,
      [52_50, -100_00],
    ]);
  });

  it('converts what a foreign merchant asks', async () => {
    const card = await platform.newCard(seller);
    await platform.control('PATCH', '/settings', { exchange_rates: { eur_usd: 1.2, jpy_usd: 0.01 } });

    const paris = await platform.purchase(seller, card.id, 0, {
      merchant_amount: 10_00,
      merchant_currency: 'eur',
      amount: undefined,
    } as never);
    const tokyo = await platform.stripe.testHelpers.issuing.authorizations.create(
      { card: card.id, merchant_amount: 1000, merchant_currency: 'jpy' },
      options,
    );

    expect(paris).toMatchObject({ amount: 12_00, currency: 'usd', merchant_amount: 10_00, merchant_currency: 'eur' });
    expect(tokyo).toMatchObject({ amount: 10_00, merchant_amount: 1000, merchant_currency: 'jpy' });
  });

  it('lets a dispute be won, lost or given up', async () => {
    const open = async () => {
      const { id } = await approve(40_00);
      const captured = await network().authorizations.capture(id, {}, options);
      const evidence = { reason: 'fraudulent' as const, fraudulent: { explanation: 'not me' } };
      return platform.stripe.issuing.disputes.create(
        { transaction: captured.transactions[0]?.id ?? '', evidence },
        options,
      );
    };
    const outcome = (id: string, what: string) =>
      platform.control<Stripe.Issuing.Dispute>('POST', `/disputes/${id}/outcome`, { outcome: what }, seller);
    const [won, lost, forgotten] = [await open(), await open(), await open()];
    for (const { id } of [won, lost]) await platform.stripe.issuing.disputes.submit(id, {}, options);

    for (const amount of [0, 40_01]) {
      await expect(platform.stripe.issuing.disputes.update(forgotten.id, { amount }, options)).rejects.toMatchObject({
        param: 'amount',
      });
    }
    await outcome(won.id, 'provisional_credit');
    expect(await outcome(won.id, 'won')).toMatchObject({
      status: 'won',
      balance_transactions: [{ type: 'issuing_dispute_provisional_credit', amount: 40_00 }],
    });
    await outcome(lost.id, 'provisional_credit');
    expect(await outcome(lost.id, 'lost')).toMatchObject({
      status: 'lost',
      balance_transactions: [{ type: 'issuing_dispute_provisional_credit_reversal', amount: -40_00 }, {}],
    });
    await platform.advance(111 * 24 * 60 * 60);
    expect(await platform.stripe.issuing.disputes.retrieve(forgotten.id, {}, options)).toMatchObject({
      status: 'expired',
    });
    expect(await platform.issuingBalance(seller)).toBe(1000_00 - 120_00 + 40_00);
    await expect(platform.stripe.issuing.disputes.update(won.id, { amount: 1 }, options)).rejects.toThrow(
      'before they are submitted',
    );
    await expect(
      platform.stripe.issuing.disputes.create({ transaction: won.transaction as string }, options),
    ).rejects.toThrow('already disputed');
  });
});

describe('while an increment is being decided', () => {
  /** An increment whose endpoint answers only when it is told to. */
  async function incrementing() {
    let answer = () => {};
    let asked = () => {};
    const question = new Promise<void>((resolve) => (asked = resolve));
    const decider = await Listener.held(() => {
      asked();
      return new Promise<void>((resolve) => (answer = resolve));
    });
    const { id } = await platform.purchase(seller, (await platform.newCard(seller)).id, 20_00);
    await platform.stripe.webhookEndpoints.create({
      url: decider.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });
    const incremented = network().authorizations.increment(id, { increment_amount: 5_00 }, options);
    await question;
    const finish = async () => {
      answer();
      const authorization = await incremented;
      await decider.close();
      return authorization;
    };
    return { id, finish };
  }

  it.each([
    ['captured', 'closed', -20_00, (id: string) => network().authorizations.capture(id, {}, options)],
    ['reversed', 'reversed', 0, (id: string) => network().authorizations.reverse(id, {}, options)],
    ['expired', 'expired', 0, () => platform.advance(8 * 24 * 60 * 60)],
  ])('what is %s meanwhile is held no longer', async (_name, status, moved, end) => {
    const { id, finish } = await incrementing();

    await end(id);
    const authorization = await finish();

    expect(authorization).toMatchObject({ status, request_history: [{ approved: false, reason: 'not_allowed' }, {}] });
    expect(await platform.issuingBalance(seller)).toBe(1000_00 + moved);
  });

  it('a part that is captured leaves the rest to be increased', async () => {
    const { id, finish } = await incrementing();

    await network().authorizations.capture(id, { capture_amount: 15_00, close_authorization: false }, options);

    expect(await finish()).toMatchObject({
      status: 'pending',
      amount: 25_00,
      request_history: [{ approved: true }, {}],
    });
    expect(await platform.issuingBalance(seller)).toBe(975_00);
  });
});

describe('the real-time webhook', () => {
  const json = { 'Content-Type': 'application/json', 'Stripe-Version': '2026-10-28.endive' };

  async function decide(
    answer: { status?: number; headers?: Record<string, string>; body?: string; hang?: boolean },
    more = {},
  ) {
    const listener = await Listener.start(() => answer);
    await platform.stripe.webhookEndpoints.create({
      url: listener.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });
    await platform.control('PATCH', '/settings', { authorization_timeout_ms: 200 });
    const card = await platform.newCard(seller);
    const authorization = await platform.purchase(seller, card.id, 20_00, more);
    await listener.close();
    const [entry] = authorization.request_history;
    return [authorization.approved, entry?.reason, entry?.reason_message, authorization.amount];
  }

  it.each([
    ['a decline', { headers: json, body: '{"approved":false}' }, [false, 'webhook_declined', null, 20_00]],
    ['no answer', { hang: true }, [false, 'webhook_timeout', null, 20_00]],
    [
      'a status other than 200',
      { status: 202, headers: json, body: '{"approved":true}' },
      [false, 'webhook_error', expect.stringContaining('202'), 20_00],
    ],
    [
      'no Stripe-Version',
      { headers: { 'Content-Type': 'application/json' }, body: '{"approved":true}' },
      [false, 'webhook_error', expect.stringContaining('Stripe-Version'), 20_00],
    ],
    ['no JSON', { headers: json, body: 'yes' }, [false, 'webhook_error', expect.stringContaining('JSON'), 20_00]],
    [
      'no approved',
      { headers: json, body: '{}' },
      [false, 'webhook_error', expect.stringContaining('approved'), 20_00],
    ],
    [
      'an amount nobody may choose',
      { headers: json, body: '{"approved":true,"amount":5}' },
      [false, 'webhook_error', expect.stringContaining('controllable'), 20_00],
    ],
  ])('takes %s as it is', async (_name, answer, expected) => {
    expect(await decide(answer)).toEqual(expected);
  });

  it('approves in part only what is controllable, and within bounds', async () => {
    const controllable = { is_amount_controllable: true, amount_details: { cashback_amount: 3_00 } };

    expect(await decide({ headers: json, body: '{"approved":true,"amount":500}' }, controllable)).toEqual([
      true,
      'webhook_approved',
      null,
      5_00,
    ]);
  });

  it('declines a partial approval below the cashback or above the request', async () => {
    const controllable = { is_amount_controllable: true, amount_details: { cashback_amount: 3_00 } };

    const [low, high] = ['{"approved":true,"amount":200}', '{"approved":true,"amount":2001}'];

    expect((await decide({ headers: json, body: low }, controllable)).slice(0, 2)).toEqual([false, 'webhook_error']);
    expect((await decide({ headers: json, body: high }, controllable)).slice(0, 2)).toEqual([false, 'webhook_error']);
  });

  it('follows the default action when the endpoint is silent', async () => {
    await platform.control('PATCH', '/settings', { authorization_default: 'approve' });

    expect(await decide({ hang: true })).toEqual([true, 'webhook_timeout', null, 20_00]);
  });

  it('approves for both of two requests at once only what the balance holds', async () => {
    const listener = await Listener.decider(() => ({ approved: true }));
    await platform.stripe.webhookEndpoints.create({
      url: listener.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });
    const limits = { spending_controls: { spending_limits: [{ amount: 5000_00, interval: 'daily' as const }] } };
    const card = await platform.newCard(seller, limits);

    const both = await Promise.all([
      platform.purchase(seller, card.id, 600_00),
      platform.purchase(seller, card.id, 600_00),
    ]);

    expect(both.map(({ approved }) => approved).sort()).toEqual([false, true]);
    expect(await platform.issuingBalance(seller)).toBe(400_00);
    await listener.close();
  });

  it('lets the deprecated approve call win over the webhook', async () => {
    const listener = await Listener.start(({ event }) => {
      const { id } = event.data.object as Stripe.Issuing.Authorization;
      void platform.stripe.issuing.authorizations.approve(id, { metadata: { by: 'call' } }, options);
      return { hang: true };
    });
    await platform.stripe.webhookEndpoints.create({
      url: listener.url,
      connect: true,
      enabled_events: ['issuing_authorization.request'],
    });
    const card = await platform.newCard(seller);

    const authorization = await platform.purchase(seller, card.id, 20_00);

    expect(authorization).toMatchObject({ approved: true, metadata: { by: 'call' } });
    await listener.close();
  });
});
