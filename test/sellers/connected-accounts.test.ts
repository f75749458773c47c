import { randomUUID } from 'node:crypto';
import { Jobs } from '../../src/platform/jobs/jobs.service';
import { WebhookInboxService } from '../../src/webhook-inbox/webhook-inbox.service';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { berlinStudio, codeAndPointers, rocketRides, SellersWorld } from './sellers-world';

describe('a seller', () => {
  let test: TestApp;
  let world: SellersWorld;

  beforeAll(async () => {
    test = await startTestApp();
    world = new SellersWorld(test);
  });

  afterAll(async () => {
    await test.stop();
  });

  const countRows = async () =>
    (await test.database.query<{ count: number }>('select count(*)::int as count from connected_accounts'))[0]!.count;

  it('is made at Stripe as the kind of account that may issue, and becomes active when nothing is due', async () => {
    const created = await world.api('POST', '/v1/connected-accounts', {
      ...rocketRides,
      external_reference: 'seller-1',
    });
    expect(created).toMatchObject({
      status: 201,
      body: {
        status: 'onboarding',
        stripe_account_id: null,
        eligible: false,
        currency: 'usd',
        funding_rail: 'transfer',
      },
    });

    const known = await world.account(
      created.body.id,
      'known at Stripe',
      (account) => account.stripe_account_id !== null,
    );
    expect(known.requirements.currently_due).toContain('representative.first_name');
    expect(known.ineligible_because).toContain('card_issuing_not_active');
    const atStripe = await test.stripe.accounts.retrieve(known.stripe_account_id);
    expect(atStripe).toMatchObject({
      country: 'US',
      controller: {
        stripe_dashboard: { type: 'none' },
        losses: { payments: 'application' },
        requirement_collection: 'application',
      },
      settings: { payouts: { schedule: { interval: 'manual' } } },
      metadata: { disburse_connected_account: created.body.id },
    });

    await world.completeOnboarding(created.body.id);
    const active = await world.account(created.body.id, 'active', (account) => account.status === 'active');
    expect(active).toMatchObject({
      capabilities: { card_issuing: 'active', transfers: 'active' },
      requirements: { currently_due: [], disabled_reason: null },
      eligible: true,
      ineligible_because: [],
    });

    const told = await world.api('GET', '/v1/events?limit=100');
    const updates = told.body.data.filter(
      (event: { type: string; data: { id: string } }) =>
        event.type === 'connected_account.updated' && event.data.id === created.body.id,
    );
    expect(updates.length).toBeGreaterThanOrEqual(2);
    expect(updates[0]!.data).toMatchObject({ status: 'active', eligible: true });
  });

  it('in Germany has euros and may be a person', async () => {
    const seller = await world.activeSeller({}, berlinStudio);

    expect(seller).toMatchObject({ country: 'DE', currency: 'eur', business_type: 'individual', eligible: true });
  });

  it('is made once, however often it is asked for and however Stripe answers', async () => {
    const body = { ...rocketRides, external_reference: `seller-${randomUUID()}` };
    const key = randomUUID();

    await world.withFault(
      { on: 'request', action: 'error_500_after', method: 'POST', path: '/v1/accounts', times: 1 },
      async () => {
        const first = await world.api('POST', '/v1/connected-accounts', body, { key });
        const second = await world.api('POST', '/v1/connected-accounts', body, { key });
        expect(second.body).toEqual(first.body);
        expect(second.headers.get('idempotent-replayed')).toBe('true');
        await world.account(first.body.id, 'known at Stripe', (account) => account.stripe_account_id !== null);

        const made: string[] = [];
        for await (const account of test.stripe.accounts.list({ limit: 100 })) {
          if (account.metadata?.['disburse_connected_account'] === first.body.id) made.push(account.id);
        }
        expect(made).toHaveLength(1);
      },
    );
  });

  it('has one reference: of two requests at once, one is refused', async () => {
    const body = { ...rocketRides, external_reference: `seller-${randomUUID()}` };

    const answers = await Promise.all([1, 2, 3].map(() => world.api('POST', '/v1/connected-accounts', body)));

    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const refused = answers.find(({ status }) => status === 409)!;
    expect(codeAndPointers(refused)).toEqual({
      status: 409,
      code: 'external_reference_taken',
      pointers: ['/external_reference'],
    });
  });

  it('that Stripe refuses to make says why, and its reference may be used again', async () => {
    const externalReference = `seller-${randomUUID()}`;
    // In the European Economic Area, but not where this Stripe has accounts.
    const refused = await world.api('POST', '/v1/connected-accounts', {
      ...berlinStudio,
      country: 'IS',
      external_reference: externalReference,
    });

    const rejected = await world.account(refused.body.id, 'rejected', (account) => account.status === 'rejected');
    expect(rejected.failure?.code).toEqual(expect.any(String));
    expect(rejected.failure?.detail).not.toBe('');
    const again = await world.api('POST', '/v1/connected-accounts', {
      ...rocketRides,
      external_reference: externalReference,
    });
    expect(again.status).toBe(201);
  });

  it('cannot be sent to the onboarding page before Stripe knows it', async () => {
    await world.withFault(
      { on: 'request', action: 'delay', delay_ms: 1_500, method: 'POST', path: '/v1/accounts', times: 1 },
      async () => {
        const created = await world.api('POST', '/v1/connected-accounts', rocketRides);
        const urls = {
          refresh_url: 'https://marketplace.example.com/again',
          return_url: 'https://marketplace.example.com/done',
        };

        const early = await world.api('POST', `/v1/connected-accounts/${created.body.id}/onboarding-links`, urls);
        expect(codeAndPointers(early)).toMatchObject({ status: 409, code: 'stripe_account_not_ready' });

        await world.account(created.body.id, 'known at Stripe', (account) => account.stripe_account_id !== null);
        const link = await world.api('POST', `/v1/connected-accounts/${created.body.id}/onboarding-links`, urls);
        expect(link).toMatchObject({
          status: 201,
          body: { url: expect.stringMatching(/^http/), expires_at: expect.any(String) },
        });
      },
    );
  });

  it('falls and rises with Stripe’s requirements, though each event comes twice and out of order', async () => {
    const seller = await world.activeSeller();
    const require = (requirements: string[]) =>
      world.atStripe('POST', `/accounts/${seller.stripe_account_id}/requirements`, {
        capability: 'card_issuing',
        requirements,
      });

    await world.withFault({ on: 'webhook', action: 'duplicate', type: '*' }, async () => {
      await world.withFault({ on: 'webhook', action: 'reorder', type: 'account.updated', times: 1 }, async () => {
        await require(['company.tax_id']);
        const restricted = await world.account(seller.id, 'restricted', (account) => account.status === 'restricted');
        expect(restricted).toMatchObject({ eligible: false, requirements: { currently_due: ['company.tax_id'] } });

        await require([]);
        await world.account(seller.id, 'active again', (account) => account.status === 'active' && account.eligible);
      });
    });
  });

  it('becomes active although no event ever tells', async () => {
    const seller = await world.onboard();
    // What is still to come of being made: a look of our own, and Stripe's events of it.
    await waitFor('the look after the making', async () => {
      const jobs = await test.database.query<{ state: string }>(
        `select state::text from pgboss.job where name = 'check-connected-account' and data ->> 'connectedAccountId' = $1`,
        [seller.id],
      );
      return jobs.length > 0 && jobs.every(({ state }) => state === 'completed');
    });
    await world.atStripe('GET', '/deliveries?wait_seconds=20');
    await waitFor('the events of the making', async () => {
      const events = await test.database.query(
        `select 1 from stripe_events where stripe_account_id = $1 and handled_at is null`,
        [seller.stripe_account_id],
      );
      return events.length === 0;
    });

    // Neither a webhook nor the sweep that finds lost ones: the account's own check is all there is.
    const sweeps = jest.spyOn(test.app.get(WebhookInboxService), 'sweep').mockResolvedValue(0);
    try {
      await world.withFault({ on: 'webhook', action: 'drop', type: '*', times: 1_000 }, async () => {
        await world.completeOnboarding(seller.id);
        await waitFor('the capability at Stripe', async () => {
          const { capabilities } = await test.stripe.accounts.retrieve(seller.stripe_account_id);
          return capabilities?.card_issuing === 'active';
        });
        expect((await world.api('GET', `/v1/connected-accounts/${seller.id}`)).body.status).toBe('onboarding');

        await test.database.query(
          `update connected_accounts set stripe_checked_at = now() - interval '3 minutes' where id = $1`,
          [seller.id],
        );
        await test.app.get(Jobs).enqueueSingleton('check-connected-accounts');

        await world.account(seller.id, 'active', (account) => account.status === 'active');
      });
    } finally {
      sweeps.mockRestore();
    }
  });

  it('is stopped and let go by the kill switch, once however often it is pressed', async () => {
    const seller = await world.activeSeller();

    const stopped = await world.api('POST', `/v1/connected-accounts/${seller.id}/suspend`);
    expect(stopped).toMatchObject({
      status: 200,
      body: { suspended: true, eligible: false, ineligible_because: ['suspended'], status: 'active' },
    });
    const again = await world.api('POST', `/v1/connected-accounts/${seller.id}/suspend`, undefined, {
      role: 'finance',
    });
    expect(again.body).toEqual(stopped.body);
    const auditor = await world.api('POST', `/v1/connected-accounts/${seller.id}/resume`, undefined, {
      role: 'auditor',
    });
    expect(auditor.status).toBe(403);

    const resumed = await world.api('POST', `/v1/connected-accounts/${seller.id}/resume`);
    expect(resumed.body).toMatchObject({ suspended: false, eligible: true });
  });

  it('shows Stripe’s figures beside the ledger’s, and where they differ', async () => {
    const seller = await world.activeSeller();
    await test.stripe.rawRequest(
      'POST',
      '/v1/test_helpers/issuing/fund_balance',
      { amount: 120_00, currency: 'usd' },
      {
        stripeAccount: seller.stripe_account_id,
      },
    );

    const balance = await world.api('GET', `/v1/connected-accounts/${seller.id}/balance`, undefined, {
      role: 'finance',
    });

    expect(balance).toMatchObject({
      status: 200,
      body: {
        connected_account: seller.id,
        currency: 'usd',
        stripe: { issuing_available: 120_00, payments_available: 0, payments_pending: 0 },
        ledger: { issuing_available: 0, issuing_held: 0, seller_payments: 0 },
        difference: { issuing_available: 120_00, payments: 0 },
      },
    });
  });

  describe('that exists at Stripe', () => {
    const custom = {
      country: 'US',
      email: 'adopted@example.com',
      business_type: 'company' as const,
      controller: {
        stripe_dashboard: { type: 'none' as const },
        fees: { payer: 'application' as const },
        losses: { payments: 'application' as const },
        requirement_collection: 'application' as const,
      },
      capabilities: { card_issuing: { requested: true }, transfers: { requested: true } },
      settings: { payouts: { schedule: { interval: 'manual' as const } } },
    };

    it('is adopted as it stands, once', async () => {
      const account = await test.stripe.accounts.create(custom);
      await world.atStripe('POST', `/accounts/${account.id}/complete`);

      const body = {
        stripe_account_id: account.id,
        legal_name: 'Adopted Inc',
        funding_rail: 'prefunded',
        external_reference: randomUUID(),
      };
      const adopted = await world.api('POST', '/v1/connected-accounts', body);
      expect(adopted).toMatchObject({
        status: 201,
        body: {
          stripe_account_id: account.id,
          legal_name: 'Adopted Inc',
          country: 'US',
          currency: 'usd',
          funding_rail: 'prefunded',
        },
      });
      await world.account(adopted.body.id, 'active', (seller) => seller.status === 'active');

      const twice = await world.api('POST', '/v1/connected-accounts', { stripe_account_id: account.id });
      expect(codeAndPointers(twice)).toMatchObject({
        status: 409,
        code: 'stripe_account_taken',
        pointers: ['/stripe_account_id'],
      });
    });

    it('is refused when Stripe would sweep its money to a bank, when it cannot issue, or when it is nobody', async () => {
      const before = await countRows();
      const daily = await test.stripe.accounts.create({
        ...custom,
        settings: { payouts: { schedule: { interval: 'daily' } } },
      });
      const express = await test.stripe.accounts.create({
        country: 'US',
        controller: { stripe_dashboard: { type: 'express' } },
      });
      const adopt = async (id: string, extra = {}) =>
        codeAndPointers(await world.api('POST', '/v1/connected-accounts', { stripe_account_id: id, ...extra }));

      expect(await adopt(daily.id)).toMatchObject({ status: 422, code: 'automatic_stripe_payouts' });
      expect(await adopt(express.id)).toMatchObject({ status: 422, code: 'stripe_account_controller_unsuitable' });
      expect(await adopt('acct_unknown')).toMatchObject({ status: 422, code: 'stripe_account_unknown' });
      expect(await adopt(daily.id, { country: 'US', email: 'a@example.com' })).toMatchObject({
        status: 422,
        pointers: ['/country', '/email'],
      });
      expect(await countRows()).toBe(before);
      // Nobody's bank payouts were touched.
      expect((await test.stripe.accounts.retrieve(daily.id)).settings?.payouts?.schedule.interval).toBe('daily');
    });
  });

  it('is taken on with null for an optional field, as if the field were not there', async () => {
    const { status } = await world.api('POST', '/v1/connected-accounts', { ...rocketRides, tax_id: null });

    expect(status).toBe(201);
  });

  it.each<[string, object, string]>([
    ['no country', { country: undefined }, '/country'],
    ['null for a country', { country: null }, '/country'],
    ['a country without Issuing', { country: 'JP' }, '/country'],
    ['a small country', { country: 'us' }, '/country'],
    ['another currency', { currency: 'eur' }, '/currency'],
    ['a number for a name', { legal_name: 42 }, '/legal_name'],
    ['a blank name', { legal_name: '  ' }, '/legal_name'],
    ['an enormous name', { legal_name: 'x'.repeat(100_000) }, '/legal_name'],
    ['no e-mail address', { email: 'nobody' }, '/email'],
    ['a PO box', { address: { ...rocketRides.address, line1: 'P.O. Box 7' } }, '/address/line1'],
    ['half an address', { address: { line1: '1 Main St' } }, '/address/city'],
    ['a list for an address', { address: [] }, '/address'],
    ['a script for a website', { business_profile: { url: 'javascript:alert(1)' } }, '/business_profile/url'],
    [
      'terms from the future',
      { terms_acceptance: { ip: '203.0.113.7', date: '2126-01-01T00:00:00Z' } },
      '/terms_acceptance/date',
    ],
    ['terms from a week', { terms_acceptance: { ip: '203.0.113.7', date: '2026-W01' } }, '/terms_acceptance/date'],
    [
      'terms from nowhere',
      { terms_acceptance: { ip: 'localhost', date: '2026-01-01T00:00:00Z' } },
      '/terms_acceptance/ip',
    ],
    ['an unknown rail', { funding_rail: 'cash' }, '/funding_rail'],
    ['an unknown field', { bank: 'DE00' }, '/bank'],
    ['a company’s representative', { representative: { first_name: 'J', last_name: 'R' } }, '/representative'],
  ])('is refused with %s, and nothing is stored', async (_what, change, pointer) => {
    const before = await countRows();

    const answer = await world.api('POST', '/v1/connected-accounts', { ...rocketRides, ...change });

    expect([400, 422]).toContain(answer.status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(codeAndPointers(answer).pointers).toContain(pointer);
    expect(await countRows()).toBe(before);
  });

  it('is not found under an id that nobody has', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/balance'],
      ['POST', '/suspend'],
      ['POST', '/resume'],
    ] as const) {
      const answer = await world.api(method, `/v1/connected-accounts/seller_nobody${path}`);
      expect(codeAndPointers(answer)).toMatchObject({ status: 404, code: 'connected_account_not_found' });
    }
  });

  it('is listed newest first, by status and reference, page by page', async () => {
    const one = await world.onboard({ external_reference: 'listed-1' });
    const two = await world.onboard({ external_reference: 'listed-2' });

    const newest = await world.api('GET', '/v1/connected-accounts?limit=1');
    expect(newest.body).toMatchObject({ data: [{ id: two.id }], has_more: true, next_cursor: two.id });
    const next = await world.api('GET', `/v1/connected-accounts?limit=1&starting_after=${two.id}`);
    expect(next.body.data[0]?.id).toBe(one.id);
    const found = await world.api('GET', '/v1/connected-accounts?external_reference=listed-1', undefined, {
      role: 'auditor',
    });
    expect(found.body).toMatchObject({ data: [{ id: one.id }], has_more: false, next_cursor: null });
    expect((await world.api('GET', '/v1/connected-accounts?status=asleep')).status).toBe(400);
  });
});
