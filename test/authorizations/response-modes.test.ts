import { randomBytes } from 'node:crypto';
import { startTestApp } from '../support/app';
import { CardWorld, dollars, ReadyPayout } from './world';

type Json = Record<string, unknown>;

describe('AUTHORIZATION_RESPONSE=api', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start(await startTestApp({ authorizationResponse: 'api' }));
  });

  afterAll(async () => {
    await world?.stop();
  });

  afterEach(async () => {
    await world.control('DELETE', '/faults');
    await world.control('PATCH', '/settings', { authorization_default: 'decline' });
  });

  it('approves by a call and leaves the response empty', async () => {
    const payout = await world.readyPayout(dollars(100));

    const authorization = await world.charge(payout, dollars(60));

    // The response says nothing: without the call this would be webhook_error.
    expect(authorization.approved).toBe(true);
    expect(authorization.request_history[0]!.reason).toBe('webhook_approved');
    expect(authorization.metadata).toMatchObject({ disburse_reason: 'approved', disburse_payout: payout.id });
    await world.authorization(authorization.id, (row) => row['network_outcome'] === 'approved');
    expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: dollars(60) });
    await world.expectBooksToMatch();
  });

  it('declines by a call, with the reason, although the default of Stripe is to approve', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.control('PATCH', '/settings', { authorization_default: 'approve' });
    await world.app.database.query('update cards set frozen = true where id = $1', [payout.cardId]);

    const authorization = await world.charge(payout, dollars(60));

    expect(authorization.approved).toBe(false);
    expect(authorization.request_history[0]!.reason).toBe('webhook_declined');
    expect(authorization.metadata).toMatchObject({ disburse_reason: 'card_frozen' });
    expect(await world.payout(payout.id)).toMatchObject({ held: 0 });
    await world.expectBooksToMatch();
  });

  it('approves a part with its amount', async () => {
    const payout = await world.readyPayout(dollars(100));
    // Stripe asks only about what its own limits and the balance of the account allow.
    await world.readyPayout(dollars(100));
    await world.app.stripe.issuing.cards.update(
      payout.stripeCardId,
      { spending_controls: { spending_limits: [{ amount: dollars(150), interval: 'per_authorization' }] } },
      world.onSeller,
    );

    const authorization = await world.charge(payout, dollars(100) + 50, { is_amount_controllable: true });

    expect(authorization).toMatchObject({ approved: true, amount: dollars(100) });
    expect(authorization.request_history[0]!.reason).toBe('webhook_approved');
    await world.waitForPayout(payout.id, { status: 'authorized', held: dollars(100), owed: 0 });
    await world.expectBooksToMatch();
  });

  it('makes the same call for a second delivery, and holds once', async () => {
    const payout = await world.readyPayout(dollars(100));
    const { id, approved } = await world.charge(payout, dollars(60));
    expect(approved).toBe(true);
    const untold = await untoldVerdicts(world);
    const told = await approvalsTold(world);

    const again = await world.request(payout, dollars(60), { authorizationId: id });

    expect(again).toMatchObject({ status: 200, answer: {} });
    expect(Object.keys(again.answer)).toEqual([]);
    // Under another key Stripe refuses to approve what is no longer pending; under the same it repeats its answer.
    expect(await untoldVerdicts(world)).toBe(untold);
    expect(await approvalsTold(world)).toBe(told + 1);
    expect(await world.payout(payout.id)).toMatchObject({ held: dollars(60) });
    await world.expectBooksToMatch();
  });

  it.each(['error_500_before', 'error_500_after'])(
    'says it in the response when the call fails (%s)',
    async (action) => {
      const payout = await world.readyPayout(dollars(100));
      await world.control('POST', '/faults', {
        on: 'request',
        action,
        path: '/v1/issuing/authorizations/*/approve',
        times: 1,
      });
      const untold = await untoldVerdicts(world);

      const authorization = await world.charge(payout, dollars(60));

      expect(await untoldVerdicts(world)).toBe(untold + 1);
      expect(authorization.approved).toBe(true);
      expect(authorization.request_history.map(({ reason }) => reason)).toEqual(['webhook_approved']);
      const receipt = await world.authorization(authorization.id, (row) => row['network_outcome'] === 'approved');
      expect((receipt['requests'] as Json[])[0]).toMatchObject({ approved: true, difference: null });
      await world.waitForPayout(payout.id, { status: 'authorized', held: dollars(60) });
      await world.expectBooksToMatch();
    },
  );

  it('declines in the response when the call to decline fails, although the default of Stripe is to approve', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.control('PATCH', '/settings', { authorization_default: 'approve' });
    await world.control('POST', '/faults', {
      on: 'request',
      action: 'error_500_before',
      path: '/v1/issuing/authorizations/*/decline',
      times: 1,
    });
    await world.app.database.query('update cards set frozen = true where id = $1', [payout.cardId]);

    const authorization = await world.charge(payout, dollars(60));

    expect(authorization.approved).toBe(false);
    expect(authorization.request_history[0]!.reason).toBe('webhook_declined');
    await world.expectBooksToMatch();
  });

  it('declines in the response when the deadline has passed and no time is left for a call', async () => {
    const hasty = await startTestApp({ authorizationDeadlineMs: 300, roles: new Set(['api']) }, world.app);
    const payout = await world.readyPayout(dollars(100));
    const runner = world.app.database.dataSource.createQueryRunner();
    try {
      await runner.connect();
      await runner.startTransaction();
      await runner.query('select 1 from payouts where id = $1 for update', [payout.id]);

      const { status, answer } = await world.request(payout, dollars(60), { url: hasty.url });

      expect({ status, answer }).toMatchObject({
        status: 200,
        answer: { approved: false, metadata: { disburse_reason: 'deadline_exceeded' } },
      });
    } finally {
      await runner.rollbackTransaction();
      await runner.release();
      await hasty.stop();
    }
  });

  it('does not wait for a slow call beyond the deadline, and says the same in the response', async () => {
    const hasty = await startTestApp({ authorizationDeadlineMs: 600, roles: new Set(['api']) }, world.app);
    try {
      const payout = await world.readyPayout(dollars(100));
      await world.control('POST', '/faults', {
        on: 'request',
        action: 'delay',
        path: '/v1/issuing/authorizations/*/approve',
        delay_ms: 120_000,
        times: 1,
      });

      // The test itself ends before that call would.
      const { status, answer } = await world.request(payout, dollars(60), { url: hasty.url });

      expect({ status, answer }).toMatchObject({ status: 200, answer: { approved: true } });
      // It was the call that took too long, not the decision, and our record stays until Stripe says otherwise.
      expect((await world.authorizations(payout.id))[0]).toMatchObject({ approved: true, held_amount: dollars(60) });
      expect(await metric(hasty.url, /^disburse_authorization_verdicts_untold_total (\d+)/m)).toBe(1);
    } finally {
      await hasty.stop();
    }
  });
});

describe('UNKNOWN_CARD_DECISION', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('declines a card that was not made here, by default', async () => {
    const card = foreignCard(world);

    const { answer } = await world.request(card, dollars(20));

    expect(answer).toEqual({ approved: false, metadata: {} });
    expect(await unknownCards(world.app.url, 'decline')).toBe(1);
  });

  it('approves it where the account is shared and the one who runs it says so, and records nothing', async () => {
    const shared = await startTestApp({ unknownCardDecision: 'approve', roles: new Set(['api']) }, world.app);
    try {
      const card = foreignCard(world);
      const before = await rowCounts(world);

      const { answer } = await world.request(card, dollars(20), { url: shared.url });

      expect(answer).toEqual({ approved: true, metadata: {} });
      expect(await unknownCards(shared.url, 'approve')).toBe(1);
      expect(await rowCounts(world)).toEqual(before);
      // Only what is not ours is waved through.
      const payout = await world.readyPayout(dollars(100));
      const ours = await world.request(payout, dollars(500), { url: shared.url });
      expect(ours.answer).toMatchObject({ approved: false });
    } finally {
      await shared.stop();
    }
  });
});

function foreignCard(world: CardWorld): ReadyPayout {
  const stripeCardId = `ic_${randomBytes(9).toString('hex')}`;
  return { id: '', cardId: '', stripeCardId, stripeAccount: world.stripeAccount };
}

async function rowCounts(world: CardWorld): Promise<unknown> {
  return world.app.database.query(
    `select (select count(*) from authorizations) as authorizations, (select count(*) from authorization_requests) as requests,
            (select count(*) from journal_entries where kind = 'hold') as holds`,
  );
}

async function untoldVerdicts(world: CardWorld): Promise<number> {
  return metric(world.app.url, /^disburse_authorization_verdicts_untold_total (\d+)/m);
}

async function approvalsTold(world: CardWorld): Promise<number> {
  return metric(
    world.app.url,
    /^disburse_stripe_request_seconds_count\{request="authorization.approve",status="200"\} (\d+)/m,
  );
}

async function unknownCards(url: string, answer: string): Promise<number> {
  return metric(url, new RegExp(`^disburse_authorization_unknown_cards_total\\{answer="${answer}"\\} (\\d+)`, 'm'));
}

async function metric(url: string, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern.source} is not among the metrics`);
  return Number(found);
}
