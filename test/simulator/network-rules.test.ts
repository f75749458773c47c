import Stripe from 'stripe';
import { routes } from '../../simulator/routes';
import { Listener, type Platform, World } from './world';

let world: World;
let platform: Platform;
let seller: string;
let options: { stripeAccount: string };
let listeners: Listener[];
beforeAll(async () => {
  world = await World.start();
});
beforeEach(async () => {
  platform = world.platform();
  seller = await platform.newSeller({ issuing: 100_000_00 });
  options = { stripeAccount: seller };
  listeners = [];
});
afterEach(async () => {
  await Promise.all(listeners.map((listener) => listener.close()));
  expect(await platform.books()).toMatchObject({ balanced: true, problems: [] });
});
afterAll(() => world.close());

const network = () => platform.stripe.testHelpers.issuing;
const reason = (authorization: Stripe.Issuing.Authorization) => authorization.request_history[0]?.reason;
const settings = (change: object) => platform.control('PATCH', '/settings', change);

/** The endpoint that decides, for the seller's cards. */
async function decideBy(listener: Listener): Promise<Listener> {
  listeners.push(listener);
  await platform.stripe.webhookEndpoints.create({
    url: listener.url,
    connect: true,
    enabled_events: ['issuing_authorization.request'],
  });
  return listener;
}

/** A card without the limit of 500 a day. */
const newCard = (limits: { amount: number; interval: 'daily' | 'weekly' | 'monthly' | 'yearly' }[] = []) =>
  platform.newCard(seller, {
    spending_controls: { spending_limits: [{ amount: 50_000_00, interval: 'all_time' }, ...limits] },
  });

describe('the helpers of the package', () => {
  it('are all routes here: whatever stripe-node can ask of the test network is answered', async () => {
    const asked: string[] = [];
    const spy = Stripe.createFetchHttpClient((url, init) => {
      asked.push(`${init?.method} ${new URL(url instanceof Request ? url.url : url).pathname}`);
      return Promise.resolve(new Response('{}', { headers: { 'Content-Type': 'application/json' } }));
    });
    const { issuing } = new Stripe('sk_test_spy', { httpClient: spy, telemetry: false }).testHelpers;
    const resources = Object.entries(issuing).filter(([name]) => name !== 'stripe') as [string, object][];
    for (const [, resource] of resources) {
      const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(resource)).filter(
        (one) => one !== 'constructor',
      );
      for (const method of methods) {
        // With an id or without: the package's own function knows how many arguments it takes.
        const call = (resource as Record<string, (...given: unknown[]) => Promise<unknown>>)[method]?.bind(resource);
        await (String((resource as never)[method]).startsWith(`${method}(id`) ? call?.('x_1', {}) : call?.({}));
      }
    }

    const known = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, 'x_1')}`);
    expect(asked.length).toBeGreaterThanOrEqual(18);
    expect(asked.filter((one) => !known.includes(one))).toEqual([]);
  });
});

describe('fraud challenges', () => {
  const risky = { risk_assessment: { fraud_risk: { level: 'highest' as const, score: 80 } } };
  const status = async (id: string) =>
    (await platform.stripe.issuing.authorizations.retrieve(id, {}, options)).fraud_challenges?.[0]?.status;

  it('are sent after a decline for fraud, and a confirmed purchase passes once, verified', async () => {
    await settings({ fraud_challenges: 'sms' });
    const decider = await decideBy(await Listener.decider(() => ({ approved: true })));
    const card = await newCard();

    const declined = await platform.purchase(seller, card.id, 20_00, risky);
    expect([
      declined.approved,
      reason(declined),
      declined.fraud_challenges,
      declined.verified_by_fraud_challenge,
    ]).toEqual([false, 'suspected_fraud', [{ channel: 'sms', status: 'pending', undeliverable_reason: null }], null]);
    expect(decider.received).toEqual([]);
    const answered = await network().authorizations.respond(declined.id, { confirmed: true }, options);
    const other = await platform.purchase(seller, card.id, 20_01, risky);
    const again = await platform.purchase(seller, card.id, 20_00, risky);
    const third = await platform.purchase(seller, card.id, 20_00, risky);

    expect(answered.fraud_challenges?.[0]?.status).toBe('verified');
    expect([other, again, third].map(({ approved }) => approved)).toEqual([false, true, false]);
    expect(again.verified_by_fraud_challenge).toBe(true);
    expect(again.fraud_challenges ?? null).toBeNull();
    expect(decider.received.map(({ event }) => event.data.object)).toMatchObject([
      { id: again.id, verified_by_fraud_challenge: true },
    ]);
    const { data: events } = await platform.stripe.events.list({ type: 'issuing_authorization.updated' }, options);
    expect(events.map(({ data }) => data.previous_attributes)).toEqual([
      { fraud_challenges: [{ channel: 'sms', status: 'pending', undeliverable_reason: null }] },
    ]);
  });

  it('can be denied, lapse, or reach nobody, and are answered once', async () => {
    await settings({ fraud_challenges: 'sms', fraud_challenge_seconds: 60 });
    const card = await newCard();
    const decline = () => platform.purchase(seller, card.id, 20_00, risky);
    const [denied, lapsed] = [await decline(), await decline()];
    await network().authorizations.respond(denied.id, { confirmed: false }, options);
    await platform.advance(61);

    expect([await status(denied.id), await status(lapsed.id)]).toEqual(['rejected', 'expired']);
    for (const { id } of [denied, lapsed]) {
      await expect(network().authorizations.respond(id, { confirmed: true }, options)).rejects.toThrow('no pending');
    }
    expect((await decline()).approved).toBe(false);
    const nameless = await platform.stripe.issuing.cardholders.create(
      {
        name: 'Acme',
        type: 'company',
        billing: { address: { line1: '1 Main St', city: 'SF', state: 'CA', postal_code: '94107', country: 'US' } },
      },
      options,
    );
    const unreachable = await platform.newCard(seller, { cardholder: nameless.id });
    const silent = await platform.purchase(seller, unreachable.id, 20_00, risky);
    expect(silent.fraud_challenges).toEqual([
      { channel: 'sms', status: 'undeliverable', undeliverable_reason: 'no_phone_number' },
    ]);
  });

  it('are asked for by the endpoint that declines, and are off unless the platform turns them on', async () => {
    await decideBy(await Listener.decider(() => ({ approved: false, send_fraud_challenges: ['sms'] })));
    const card = await newCard();

    const off = await platform.purchase(seller, card.id, 20_00);
    const quiet = await platform.purchase(seller, card.id, 20_00, risky);
    await settings({ fraud_challenges: 'sms' });
    const on = await platform.purchase(seller, card.id, 20_00);

    expect([off, quiet].map(({ fraud_challenges: sent }) => sent ?? null)).toEqual([null, null]);
    expect([reason(on), on.fraud_challenges?.[0]?.status]).toEqual(['webhook_declined', 'pending']);
  });

  it('begin at the level of risk that the platform blocks', async () => {
    const card = await newCard();
    const at = async (level: 'elevated' | 'highest', from: string) => {
      await settings({ fraud_risk_blocked_from: from });
      return (await platform.purchase(seller, card.id, 1_00, { risk_assessment: { fraud_risk: { level } } })).approved;
    };

    expect([await at('elevated', 'highest'), await at('elevated', 'elevated')]).toEqual([true, false]);
    expect([await at('highest', 'highest'), await at('highest', 'never')]).toEqual([false, true]);
  });
});

describe("Stripe's rarer reasons", () => {
  it.each([
    'insecure_authorization_method',
    'network_fallback',
    'not_allowed',
    'pin_blocked',
    'stripe_internal_error',
    'suspected_fraud',
  ])('%s, by a control, without asking the endpoint', async (expected) => {
    const decider = await decideBy(await Listener.decider(() => ({ approved: true })));
    await platform.control('POST', '/faults', { on: 'authorization', action: 'decline', reason: expected });
    const card = await newCard();

    const declined = await platform.purchase(seller, card.id, 20_00);
    const next = await platform.purchase(seller, card.id, 20_00);

    expect([declined.approved, reason(declined), next.approved]).toEqual([false, expected, true]);
    expect(decider.received).toHaveLength(1);
  });

  it('verification_failed, when what the buyer typed does not match', async () => {
    const card = await newCard();

    const declined = await platform.purchase(seller, card.id, 20_00, { verification_data: { cvc_check: 'mismatch' } });

    expect([declined.approved, reason(declined)]).toEqual([false, 'verification_failed']);
  });

  it('network_fallback approves while nobody can be asked', async () => {
    const decider = await decideBy(await Listener.decider(() => ({ approved: false })));
    await platform.control('POST', '/faults', { on: 'authorization', action: 'stand_in' });
    const card = await newCard();

    const approved = await platform.purchase(seller, card.id, 20_00);

    expect([approved.approved, reason(approved), decider.received.length]).toEqual([true, 'network_fallback', 0]);
    await expect(
      platform.control('POST', '/faults', { on: 'authorization', action: 'decline', reason: 'card_active' }),
    ).rejects.toThrow('reason must be one of');
  });
});

describe('the deprecated calls', () => {
  const controllable = { is_amount_controllable: true, amount_details: { cashback_amount: 3_00 } };

  /** Asks the endpoint, makes the call while it thinks, and says what both got. */
  async function answerByCall(
    call: (id: string) => Promise<Stripe.Issuing.Authorization>,
    more: object = controllable,
  ): Promise<{ said: unknown; purchase: Stripe.Issuing.Authorization }> {
    await settings({ authorization_timeout_ms: 400 });
    let hear: (said: unknown) => void = () => {};
    const heard = new Promise((resolve) => (hear = resolve));
    await decideBy(
      await Listener.start(({ event }) => {
        const { id } = event.data.object as Stripe.Issuing.Authorization;
        call(id).then(hear, hear);
        return { hang: true };
      }),
    );
    const card = await newCard();
    const purchase = await platform.purchase(seller, card.id, 20_00, more);
    return { said: await heard, purchase };
  }
  const approve = (amount?: number) => (id: string) =>
    platform.stripe.issuing.authorizations.approve(id, amount === undefined ? {} : { amount }, options);

  it('conclude at once, and the endpoint is too late', async () => {
    const { said, purchase } = await answerByCall(approve(5_00));

    expect(said).toMatchObject({ id: purchase.id, approved: true, amount: 5_00, pending_request: null });
    expect(purchase).toMatchObject({ approved: true, amount: 5_00, request_history: [{ reason: 'webhook_approved' }] });
    await expect(approve()(purchase.id)).rejects.toThrow('can no longer be approved');
    await expect(platform.stripe.issuing.authorizations.decline(purchase.id, {}, options)).rejects.toThrow(
      'can no longer be declined',
    );
    const { data } = await platform.stripe.events.list({ type: 'issuing_authorization.created' }, options);
    expect(data).toHaveLength(1);
  });

  it('decline with metadata', async () => {
    const { said, purchase } = await answerByCall((id) =>
      platform.stripe.issuing.authorizations.decline(id, { metadata: { why: 'closed' } }, options),
    );

    expect(said).toMatchObject({ approved: false, status: 'closed', metadata: { why: 'closed' } });
    expect([purchase.approved, reason(purchase)]).toEqual([false, 'webhook_declined']);
  });

  it.each([
    ['an amount nobody may choose', 5_00, {}, 'not controllable'],
    ['no positive amount', 0, controllable, 'positive'],
    ['more than was asked', 20_01, controllable, 'larger'],
    ['less than the cashback', 2_99, controllable, 'cashback'],
  ])('refuse %s, and the request stays open', async (_name, amount, more, message) => {
    const { said, purchase } = await answerByCall(approve(amount), more);

    expect(said).toMatchObject({
      statusCode: 400,
      param: 'amount',
      message: expect.stringContaining(message) as string,
    });
    expect([purchase.approved, reason(purchase)]).toEqual([false, 'webhook_timeout']);
  });

  it('answer an increment too', async () => {
    const card = await newCard();
    const { id } = await platform.purchase(seller, card.id, 20_00);
    await decideBy(
      await Listener.start(() => {
        void approve()(id);
        return { hang: true };
      }),
    );

    const more = await network().authorizations.increment(id, { increment_amount: 5_00 }, options);

    expect(more).toMatchObject({ amount: 25_00, status: 'pending', pending_request: null });
  });
});

describe('spending limits', () => {
  const dayMs = 24 * 60 * 60 * 1000;
  const nowMs = async () => {
    const { clock } = await platform.control<{ clock: { iso: string } }>('GET', '/platform');
    return Date.parse(clock.iso);
  };

  it.each([
    ['daily', (now: Date) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)],
    [
      'weekly',
      (now: Date) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 7 - now.getUTCDay()),
    ],
    ['monthly', (now: Date) => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)],
    ['yearly', (now: Date) => Date.UTC(now.getUTCFullYear() + 1, 0, 1)],
  ] as const)('a %s one begins anew at midnight UTC, not a second sooner', async (interval, nextWindow) => {
    const card = await newCard([{ amount: 30_00, interval }]);
    // From the middle of a window, so that its end is far enough away for a slow machine.
    await platform.advance(Math.ceil((nextWindow(new Date(await nowMs())) + dayMs / 2 - (await nowMs())) / 1000));
    expect((await platform.purchase(seller, card.id, 20_00)).approved).toBe(true);

    const end = nextWindow(new Date(await nowMs()));
    await platform.advance(Math.floor((end - (await nowMs())) / 1000) - 20);
    const before = await platform.purchase(seller, card.id, 20_00);
    await platform.advance(21);
    const after = await platform.purchase(seller, card.id, 20_00);

    expect([before.approved, reason(before), after.approved]).toEqual([false, 'spending_controls', true]);
  });

  it('count only their categories, and reach through the whole replacement chain', async () => {
    const controls = {
      spending_controls: {
        spending_limits: [
          { amount: 30_00, interval: 'all_time' as const, categories: ['bakeries' as const] },
          { amount: 900_00, interval: 'all_time' as const },
        ],
      },
    };
    const bakery = { merchant_data: { category: 'bakeries' as const } };
    const first = await platform.newCard(seller, controls);
    await platform.purchase(seller, first.id, 20_00, bakery);
    let last = first;
    for (const why of ['lost', 'stolen'] as const) {
      last = await platform.newCard(seller, {
        ...controls,
        cardholder: first.cardholder.id,
        replacement_for: last.id,
        replacement_reason: why,
      });
    }

    expect((await platform.purchase(seller, last.id, 20_00, bakery)).approved).toBe(false);
    expect((await platform.purchase(seller, last.id, 20_00)).approved).toBe(true);
    expect((await platform.purchase(seller, last.id, 10_00, bakery)).approved).toBe(true);
  });

  it('see a purchase only after the lag that the platform asks for', async () => {
    await settings({ limit_lag_ms: 30_000 });
    const card = await newCard([{ amount: 30_00, interval: 'yearly' }]);
    const approvals = [
      (await platform.purchase(seller, card.id, 20_00)).approved,
      (await platform.purchase(seller, card.id, 20_00)).approved,
    ];
    await platform.advance(31);
    approvals.push((await platform.purchase(seller, card.id, 20_00)).approved);

    expect(approvals).toEqual([true, true, false]);
  });
});

describe('rules that a control switches', () => {
  it('the default limits', async () => {
    const card = await platform.newCard(seller);
    const approved = async (amount: number) => (await platform.purchase(seller, card.id, amount)).approved;

    expect(await approved(500_01)).toBe(false);
    await settings({ default_daily_limit: 0 });
    expect([await approved(500_01), await approved(10_000_01)]).toEqual([true, false]);
    await settings({ per_authorization_limit: 0 });
    expect(await approved(10_000_01)).toBe(true);
  });

  it('the hold of a pump and the days until a hold expires', async () => {
    await settings({ fuel_hold: 60_00, authorization_expiry_days: 2, authorization_expiry_days_travel: 4 });
    const card = await newCard();
    const pump = await platform.purchase(seller, card.id, 1_00, {
      merchant_data: { category: 'automated_fuel_dispensers' },
    });
    const hotel = await platform.purchase(seller, card.id, 1_00, {
      merchant_data: { category: 'hotels_motels_and_resorts' },
    });
    const status = async ({ id }: { id: string }) =>
      (await platform.stripe.issuing.authorizations.retrieve(id, {}, options)).status;

    expect(pump.amount).toBe(60_00);
    await platform.advance(2 * 24 * 60 * 60);
    expect([await status(pump), await status(hotel)]).toEqual(['expired', 'pending']);
    await platform.advance(2 * 24 * 60 * 60);
    expect(await status(hotel)).toBe('expired');
  });

  it('whether a cardholder owes the terms, and how long the review of an account takes', async () => {
    const holder = {
      name: 'Jenny Rosen',
      type: 'individual' as const,
      billing: { address: { line1: '1 Main St', city: 'SF', state: 'CA', postal_code: '94107', country: 'US' } },
    };
    const owed = await platform.stripe.issuing.cardholders.create(holder, options);
    await settings({ cardholder_requirements: 'none' });
    const free = await platform.stripe.issuing.cardholders.create(holder, options);

    expect(owed.requirements.past_due).not.toEqual([]);
    expect(free.requirements.past_due).toEqual([]);
    await settings({ capability_delay_ms: 600_000 });
    const account = await platform.newSeller();
    const issuing = async () => (await platform.stripe.accounts.retrieve(account)).capabilities?.card_issuing;
    expect(await issuing()).toBe('pending');
    await platform.advance(600);
    expect(await issuing()).toBe('active');
  });

  it('what banks answer, and when', async () => {
    await settings({
      topup_delay_seconds: 60,
      topup_outcome: 'fail',
      payout_delay_seconds: 60,
      payout_outcome: 'fail',
    });
    await platform.fundPlatform(50_00);
    const topup = await platform.stripe.topups.create({ amount: 1_00, currency: 'usd' });
    const payout = await platform.stripe.payouts.create({ amount: 1_00, currency: 'usd' });
    await platform.advance(61);

    expect(await platform.stripe.topups.retrieve(topup.id)).toMatchObject({ status: 'failed' });
    expect(await platform.stripe.payouts.retrieve(payout.id)).toMatchObject({ status: 'failed' });
  });

  it('whether automatic payouts happen at all', async () => {
    await settings({ automatic_payouts: false });
    await platform.fundPlatform(50_00);
    await platform.advance(5 * 24 * 60 * 60);

    expect((await platform.stripe.payouts.list()).data).toEqual([]);
  });

  it('whether previews are open and whether a US account may be funded by helper', async () => {
    await settings({ balance_transfers_need_preview: false, fund_balance_refused_in_us: true });
    const move = {
      amount: 1_00,
      currency: 'usd',
      source_balance: { type: 'issuing' },
      destination_balance: { type: 'payments' },
    };

    expect(await platform.stripe.rawRequest('POST', '/v1/balance_transfers', move, options)).toMatchObject({
      object: 'balance_transfer',
    });
    await expect(
      platform.stripe.rawRequest(
        'POST',
        '/v1/test_helpers/issuing/fund_balance',
        { amount: 1_00, currency: 'usd' },
        options,
      ),
    ).rejects.toMatchObject({ statusCode: 400 });
  });

  it('and refuses one it does not know, or a value it cannot have', async () => {
    await expect(settings({ gravity: 1 })).rejects.toThrow('Unknown setting: gravity');
    await expect(settings({ fuel_hold: '60' })).rejects.toThrow('fuel_hold must be a number');
    await expect(settings({ fraud_challenges: 'email' })).rejects.toThrow('one of off, sms');
    await expect(settings({ limit_lag_ms: -1 })).rejects.toThrow('must not be negative');
    await expect(settings({ fuel_hold: 60.5 })).rejects.toThrow('must be an integer');
    await expect(settings({ exchange_rates: { eur_usd: '1.1' } })).rejects.toThrow('must be positive numbers');
  });
});

describe('fleet cards', () => {
  const fleet = {
    cardholder_prompt_data: { driver_id: '17', odometer: 42_000 },
    purchase_type: 'fuel_purchase' as const,
    reported_breakdown: { fuel: { gross_amount_decimal: Stripe.Decimal.from('4750.5') } },
    service_type: 'self_service' as const,
  };

  it('keep what the pump says on the authorization and on its capture', async () => {
    const card = await newCard();
    const pump = await platform.purchase(seller, card.id, 1_00, {
      merchant_data: { category: 'automated_fuel_dispensers' },
      fleet,
      fuel: { type: 'diesel', unit: 'liter' },
    });
    const done = await network().authorizations.finalizeAmount(
      pump.id,
      { final_amount: 47_50, fuel: { type: 'diesel', unit: 'liter', quantity_decimal: Stripe.Decimal.from('25.25') } },
      options,
    );
    const captured = await network().authorizations.capture(pump.id, { purchase_details: { fleet } }, options);
    const settled = await platform.stripe.issuing.transactions.retrieve(
      captured.transactions[0]?.id ?? '',
      { expand: ['purchase_details'] },
      options,
    );

    const prompts = { driver_id: '17', odometer: 42_000, unspecified_id: null, user_id: null, vehicle_number: null };
    const plain = JSON.parse(
      JSON.stringify([pump.fleet, done.fleet, done.fuel, settled.purchase_details]),
    ) as unknown[];
    const breakdown = { fuel: { gross_amount_decimal: '4750.5' }, non_fuel: null, tax: null };
    const rest = { purchase_type: 'fuel_purchase', reported_breakdown: breakdown, service_type: 'self_service' };
    const onAuthorization = { cardholder_prompt_data: { alphanumeric_id: null, ...prompts }, ...rest };
    expect(plain).toEqual([
      onAuthorization,
      onAuthorization,
      {
        industry_product_code: null,
        quantity_decimal: '25.25',
        type: 'diesel',
        unit: 'liter',
        unit_cost_decimal: null,
      },
      expect.objectContaining({ fleet: { cardholder_prompt_data: prompts, ...rest } }),
    ]);
  });
});
