import { randomBytes } from 'node:crypto';
import { startTestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { declineReasons } from '../../src/authorization-decisions/authorization-reason.types';
import { CardWorld, dollars, sign } from './world';

describe('the decision', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('approves one of twenty simultaneous requests on a card, and holds its amount once', async () => {
    const payout = await world.readyPayout(dollars(250));

    const answers = await Promise.all(Array.from({ length: 20 }, () => world.request(payout, dollars(180))));

    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(answers.filter(({ answer }) => answer['approved'] === true)).toHaveLength(1);
    const refused = answers.filter(({ answer }) => answer['approved'] === false);
    expect(refused.map(({ answer }) => (answer['metadata'] as { disburse_reason: string }).disburse_reason)).toEqual(
      Array(19).fill('already_used'),
    );
    expect(await world.payout(payout.id)).toMatchObject({
      status: 'authorized',
      held: dollars(180),
      owed: dollars(70),
    });
    expect(await world.authorizations(payout.id)).toHaveLength(20);
    const types = await world.eventTypes(payout.id);
    expect(types.filter((type) => type === 'authorization.approved')).toHaveLength(1);
    expect(types.filter((type) => type === 'payout.authorized')).toHaveLength(1);
    expect(types.filter((type) => type === 'authorization.declined')).toHaveLength(19);
  });

  it('approves one of twenty when they reach two replicas at once', async () => {
    const payout = await world.readyPayout(dollars(250));
    const replica = await startTestApp({ roles: new Set(['api']) }, world.app);
    try {
      const urls = [world.app.url, replica.url];

      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, at) => world.request(payout, dollars(20), { url: urls[at % 2]! })),
      );

      expect(answers.filter(({ answer }) => answer['approved'] === true)).toHaveLength(1);
      expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: dollars(20) });
    } finally {
      await replica.app.close();
    }
  });

  it('gives the same request the same answer, however often and at once it is delivered', async () => {
    const payout = await world.readyPayout(dollars(250));
    const event = world.requestEvent(payout, dollars(100));
    const body = JSON.stringify(event);
    const signature = sign(body, world.app.config.stripeAuthorizationWebhookSecrets[0]!);

    const answers = await Promise.all(Array.from({ length: 10 }, () => world.deliver(body, signature)));
    const later = await world.deliver(body, signature);
    const another = JSON.stringify({ ...event, id: `evt_${randomBytes(8).toString('hex')}` });
    const inAnotherDelivery = await world.deliver(
      another,
      sign(another, world.app.config.stripeAuthorizationWebhookSecrets[0]!),
    );

    for (const { answer } of [...answers, later, inAnotherDelivery]) expect(answer).toEqual(answers[0]!.answer);
    expect(answers[0]!.answer['approved']).toBe(true);
    expect(await world.payout(payout.id)).toMatchObject({ held: dollars(100) });
    expect(await world.authorizations(payout.id)).toHaveLength(1);
  });

  it('takes two equal increments for two requests, and one delivered twice for one', async () => {
    const payout = await world.readyPayout(dollars(250));
    const authorizationId = `iauth_${randomBytes(8).toString('hex')}`;
    await world.request(payout, dollars(100), { authorizationId });
    const first = { authorizationId, eventId: 'evt_increment_one', history: 1, heldBefore: dollars(100) };
    const second = { authorizationId, eventId: 'evt_increment_two', history: 2, heldBefore: dollars(120) };

    const answers = [
      await world.request(payout, dollars(20), first),
      await world.request(payout, dollars(20), first),
      await world.request(payout, dollars(20), second),
      await world.request(payout, dollars(20), second),
    ];

    expect(answers.map(({ answer }) => answer['approved'])).toEqual([true, true, true, true]);
    expect(await world.payout(payout.id)).toMatchObject({ held: dollars(140), owed: dollars(110) });
    const [row] = await world.authorizations(payout.id);
    expect(row).toMatchObject({ kind: 'purchase', amount: dollars(140), held_amount: dollars(140) });
    const beyond = await world.request(payout, dollars(111), { authorizationId, history: 3, heldBefore: dollars(140) });
    expect(beyond.answer).toMatchObject({ approved: false, metadata: { disburse_reason: 'increment_exceeds_amount' } });
  });

  it('approves of increments that come at once no more than the payout has left', async () => {
    const payout = await world.readyPayout(dollars(250));
    const authorizationId = `iauth_${randomBytes(8).toString('hex')}`;
    await world.request(payout, dollars(100), { authorizationId });

    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => {
        const more = dollars(30) + at;
        const { answer } = await world.request(payout, more, { authorizationId, history: 1, heldBefore: dollars(100) });
        return { more, approved: answer['approved'] };
      }),
    );

    const approved = answers.filter((each) => each.approved).reduce((sum, { more }) => sum + more, 0);
    const owed = dollars(150) - approved;
    expect(owed).toBeGreaterThanOrEqual(0);
    for (const { more } of answers.filter((each) => !each.approved)) expect(more).toBeGreaterThan(owed);
    expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: dollars(100) + approved, owed });
    const [row] = await world.authorizations(payout.id);
    expect(row).toMatchObject({ amount: dollars(100) + approved, held_amount: dollars(100) + approved });
    const { requests } = await world.get(`/v1/authorizations/${String(row!['id'])}`);
    expect(requests).toHaveLength(9);
  });

  it('keeps a receipt: inputs, reason in plain words, milliseconds; and runs it again without effect', async () => {
    const payout = await world.readyPayout(dollars(50));

    const { headers, answer } = await world.request(payout, dollars(60));

    expect(headers.get('stripe-version')).toBe('2026-10-28.endive');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer).toMatchObject({ approved: false, metadata: { disburse_reason: 'amount_exceeds_remaining' } });
    const [row] = await world.authorizations(payout.id);
    const receipt = await world.get(`/v1/authorizations/${String(row!['id'])}`);
    expect(receipt).toMatchObject({
      approved: false,
      reason: 'amount_exceeds_remaining',
      explanation: expect.stringContaining('above the amount'),
      next_step: expect.any(String),
      latency_ms: expect.any(Number),
      merchant: { name: 'Corner Diner', category: 'eating_places_restaurants' },
    });
    expect((receipt['requests'] as object[])[0]).toMatchObject({
      inputs: {
        request: { amount_minor: dollars(60) },
        facts: { owed_minor: dollars(50), payout: { status: 'ready' } },
      },
      stages: { arrive: expect.any(Number), verify: expect.any(Number), decide: expect.any(Number) },
    });
    expect(JSON.stringify(receipt)).not.toContain('Jenny');
    const [{ rules }] = receipt['requests'] as [{ rules: { rule: string; result: string }[] }];
    expect(rules.map(({ rule }) => rule)).toEqual(declineReasons);
    expect(rules.filter(({ result }) => result !== 'passed')).toEqual([
      { rule: 'amount_exceeds_remaining', result: 'refused' },
    ]);
    const replay = await world.post(`/v1/authorizations/${String(row!['id'])}/replay`);
    expect(replay).toMatchObject({
      differs: false,
      then: { approved: false, reason: 'amount_exceeds_remaining', rules },
      now: { approved: false, reason: 'amount_exceeds_remaining', rules },
    });
    expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0 });
  });

  it('approves part where the terminal takes part', async () => {
    const payout = await world.readyPayout(dollars(50));

    const { answer } = await world.request(payout, dollars(60), { isAmountControllable: true });

    expect(answer).toMatchObject({ approved: true, amount: dollars(50) });
    expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: dollars(50), owed: 0 });
  });

  it('lets one account check pass beside the payment', async () => {
    const payout = await world.readyPayout(dollars(50));

    const probe = await world.request(payout, 100);
    const secondProbe = await world.request(payout, 100);
    const purchase = await world.request(payout, dollars(50));

    expect(probe.answer['approved']).toBe(true);
    expect(secondProbe.answer).toMatchObject({ approved: false, metadata: { disburse_reason: 'probe_limit' } });
    expect(purchase.answer['approved']).toBe(true);
    expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: dollars(50), owed: 0 });
  });

  it('declines a card that is not ours, and one of another account', async () => {
    const payout = await world.readyPayout(dollars(50));

    const foreign = await world.request({ ...payout, stripeCardId: 'ic_somebody_elses' }, dollars(10));
    const elsewhere = await world.request(payout, dollars(10), { account: 'acct_somebody_else' });
    const unsaid = await world.request(payout, dollars(10), { account: null });

    expect(foreign.answer).toEqual({ approved: false, metadata: {} });
    expect(elsewhere.answer).toEqual({ approved: false, metadata: {} });
    expect(unsaid.answer['approved']).toBe(true);
  });

  it('declines a frozen card, a suspended seller, and a payout past its end', async () => {
    const frozen = await world.readyPayout(dollars(50));
    await world.post(`/v1/cards/${frozen.cardId}/freeze`);
    expect((await world.request(frozen, dollars(10))).answer).toMatchObject({
      metadata: { disburse_reason: 'card_frozen' },
    });

    const suspended = await world.readyPayout(dollars(50));
    await world.post(`/v1/connected-accounts/${String(world.seller['id'])}/suspend`);
    expect((await world.request(suspended, dollars(10))).answer).toMatchObject({
      metadata: { disburse_reason: 'account_restricted' },
    });
    await world.post(`/v1/connected-accounts/${String(world.seller['id'])}/resume`);
    expect((await world.request(suspended, dollars(10))).answer).toMatchObject({ approved: true });
  });

  it('refuses what Stripe did not sign, what is old, and what is no authorization request', async () => {
    const payout = await world.readyPayout(dollars(50));
    const body = JSON.stringify(world.requestEvent(payout, dollars(10)));
    const [secret] = world.app.config.stripeAuthorizationWebhookSecrets;
    const now = Math.floor(Date.now() / 1000);
    const other = JSON.stringify({ id: 'evt_1', object: 'event', type: 'account.updated', data: { object: {} } });

    for (const [delivered, signature] of [
      [body, ''],
      [body, 't=1,v1=00'],
      [body, sign(body, 'whsec_wrong')],
      [body, sign(body, secret!, now - 3_600)],
      [`${body} `, sign(body, secret!)],
      [other, sign(other, secret!)],
      ['{', sign('{', secret!)],
    ] as const) {
      const { status, answer } = await world.deliver(delivered, signature);
      expect({ status, approved: answer['approved'] }).toEqual({ status: 400, approved: undefined });
    }
    expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0 });
  });

  it('accepts each of several secrets, so that one can be replaced while requests come', async () => {
    const [current] = world.app.config.stripeAuthorizationWebhookSecrets;
    const rotating = await startTestApp(
      { stripeAuthorizationWebhookSecrets: ['whsec_next', current!], roles: new Set(['api']) },
      world.app,
    );
    try {
      const payout = await world.readyPayout(dollars(50));
      const body = JSON.stringify(world.requestEvent(payout, dollars(60)));

      for (const secret of ['whsec_next', current!]) {
        expect(await world.deliver(body, sign(body, secret), rotating.url)).toMatchObject({ status: 200 });
      }
      // Stripe signs with both while it rolls a secret.
      const both = `${sign(body, 'whsec_gone')},${sign(body, 'whsec_next').split(',')[1]}`;
      expect(await world.deliver(body, both, rotating.url)).toMatchObject({ status: 200 });
      expect(await world.deliver(body, sign(body, 'whsec_gone'), rotating.url)).toMatchObject({ status: 400 });
    } finally {
      await rotating.stop();
    }
  });

  it('declines and counts a live request that reaches a test service, and writes nothing', async () => {
    const payout = await world.readyPayout(dollars(50));
    const body = JSON.stringify({ ...world.requestEvent(payout, dollars(10)), livemode: true });

    const { status, answer } = await world.deliver(
      body,
      sign(body, world.app.config.stripeAuthorizationWebhookSecrets[0]!),
    );

    expect({ status, answer }).toEqual({ status: 200, answer: { approved: false, metadata: {} } });
    const metrics = await (await fetch(`${world.app.url}/metrics`)).text();
    expect(metrics).toMatch(/^disburse_authorization_mode_mismatches_total 1$/m);
    expect(await world.authorizations(payout.id)).toHaveLength(0);
    expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0 });
  });

  it('refuses an enormous body before anything else', async () => {
    const body = JSON.stringify({ padding: 'x'.repeat(1_100_000) });

    const { status } = await world.deliver(body, sign(body, world.app.config.stripeAuthorizationWebhookSecrets[0]!));

    expect(status).toBe(413);
  });

  it('declines in time when the decision cannot be had, writes it down, and sticks to it', async () => {
    const payout = await world.readyPayout(dollars(50));
    const hasty = await startTestApp({ authorizationDeadlineMs: 300, roles: new Set(['api']) }, world.app);
    try {
      const runner = world.app.database.dataSource.createQueryRunner();
      await runner.connect();
      await runner.startTransaction();
      await runner.query('select 1 from payouts where id = $1 for update', [payout.id]);
      const event = world.requestEvent(payout, dollars(10));
      const body = JSON.stringify(event);
      const send = async () => {
        const response = await fetch(`${hasty.url}/webhooks/stripe/authorizations`, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'stripe-signature': sign(body, hasty.config.stripeAuthorizationWebhookSecrets[0]!),
          },
          body,
        });
        return (await response.json()) as Record<string, unknown>;
      };

      // Answered while the payout is still locked: nothing but the deadline ended the wait.
      const late = await send();
      await runner.rollbackTransaction();
      await runner.release();

      expect(late).toMatchObject({ approved: false, metadata: { disburse_reason: 'deadline_exceeded' } });
      await waitFor('the record of the refusal', async () => (await world.authorizations(payout.id)).length === 1);
      expect(await send()).toMatchObject({ approved: false, metadata: { disburse_reason: 'deadline_exceeded' } });
      expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0 });
    } finally {
      await hasty.app.close();
    }
  });

  it('lists decisions by payout, card, account, verdict and time, and refuses what it cannot read', async () => {
    const payout = await world.readyPayout(dollars(50));
    await world.request(payout, dollars(60));
    await world.request(payout, dollars(20));
    const soon = new Date(world.app.clock.now().getTime() + 60_000).toISOString();
    const list = async (query: string) => (await world.get(`/v1/authorizations?${query}`))['data'] as object[];

    expect(await list(`payout=${payout.id}`)).toHaveLength(2);
    expect(await list(`card=${payout.cardId}&approved=true`)).toMatchObject([
      { reason: 'approved', amount: dollars(20) },
    ]);
    expect(
      await list(`payout=${payout.id}&approved=false&connected_account=${String(world.seller['id'])}`),
    ).toHaveLength(1);
    expect(await list(`payout=${payout.id}&created_from=${encodeURIComponent(soon)}`)).toHaveLength(0);
    expect(await list(`payout=${payout.id}&created_to=${encodeURIComponent(soon)}`)).toHaveLength(2);
    const page = await world.get(`/v1/authorizations?payout=${payout.id}&limit=1`);
    expect(page).toMatchObject({ has_more: true });
    expect(await list(`payout=${payout.id}&limit=1&starting_after=${String(page['next_cursor'])}`)).toHaveLength(1);

    for (const path of [
      '/v1/authorizations?created_from=2026-W05-1',
      '/v1/authorizations?approved=perhaps',
      '/v1/authorizations?limit=0',
      '/v1/authorizations?merchant=x',
      '/v1/card-transactions?type=void',
      '/v1/card-transactions?created_to=never',
      '/v1/aftercare-items?limit=1000',
    ]) {
      await expect(world.get(path)).rejects.toThrow(/answered (400|422)/);
    }
    for (const path of ['/v1/authorizations/auth_none', '/v1/card-transactions/cardtx_none']) {
      await expect(world.get(path)).rejects.toThrow(/answered 404/);
    }
    const open = await fetch(`${world.app.url}/v1/authorizations`);
    expect(open.status).toBe(401);
  });
});
