import { CardIssuanceService } from '../../src/card-issuance/card-issuance.service';
import { CardOrder } from '../../src/card-issuance/card.types';
import { Jobs } from '../../src/platform/jobs/jobs.service';
import { newId } from '../../src/shared/ids';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { CardholderAtStripe, codeAndPointers, SellerAtStripe, SellersWorld } from './sellers-world';

/** Cards without their payouts: a payout's id is only a name to this floor. */
describe('a card', () => {
  let test: TestApp;
  let world: SellersWorld;
  let cards: CardIssuanceService;
  let seller: SellerAtStripe;
  let cardholder: CardholderAtStripe;

  beforeAll(async () => {
    test = await startTestApp();
    world = new SellersWorld(test);
    cards = test.app.get(CardIssuanceService);
    seller = await world.activeSeller();
    cardholder = await world.activeCardholder(seller.id);
  });

  afterAll(async () => {
    await test.stop();
  });

  const order = (changes: Partial<CardOrder> = {}): CardOrder => ({
    payoutId: newId('payout'),
    connectedAccountId: seller.id,
    cardholderId: cardholder.id,
    amountMinor: 250_00n,
    currency: 'usd',
    controls: {},
    expiresAt: new Date('2027-05-20T12:00:00Z'),
    ...changes,
  });
  const issue = (wanted: CardOrder) => test.database.transaction((tx) => cards.issue(tx, wanted));
  const cancel = (id: string) => test.database.transaction((tx) => cards.cancel(tx, id, 'test'));
  const activeCard = async (wanted = order()) =>
    world.card(await issue(wanted), 'active', (card) => card.status === 'active');

  const stripeAccount = () => ({ stripeAccount: seller.stripe_account_id });
  const atStripe = (stripeCardId: string) => test.stripe.issuing.cards.retrieve(stripeCardId, {}, stripeAccount());
  const cardsAtStripeFor = async (cardId: string) => {
    const found = [];
    for await (const card of test.stripe.issuing.cards.list({ limit: 100 }, stripeAccount())) {
      if (card.metadata['disburse_card'] === cardId) found.push(card);
    }
    return found;
  };
  /** What was announced about a card, in the queue of one who listens. */
  const heard = (event: string, cardId: string) =>
    test.database.query<{ data: Record<string, unknown> }>(
      `select data from pgboss.job where name like 'on.' || $1 || '.PayoutsJobs.%' and data ->> 'cardId' = $2`,
      [event, cardId],
    );

  it('is made for one payment of the amount, where its controls allow, and never shows its number', async () => {
    const wanted = order({
      controls: { allowed_categories: ['bakeries'], blocked_merchant_countries: ['FR'], amount_match: 'exact' },
    });

    const card = await activeCard(wanted);

    expect(card).toMatchObject({
      payout: wanted.payoutId,
      last4: expect.stringMatching(/^\d{4}$/),
      exp_month: 5,
      exp_year: 2027,
      frozen: false,
      canceling: false,
      amount: 250_00,
      currency: 'usd',
      controls: { allowed_categories: ['bakeries'], blocked_merchant_countries: ['FR'], amount_match: 'exact' },
      failure: null,
    });
    const made = await atStripe(card.stripe_card_id);
    expect(made).toMatchObject({
      type: 'virtual',
      status: 'active',
      exp_month: 5,
      exp_year: 2027,
      cardholder: { id: cardholder.stripe_cardholder_id },
      lifecycle_controls: { cancel_after: { payment_count: 1 } },
      spending_controls: {
        allowed_categories: ['bakeries'],
        blocked_merchant_countries: ['FR'],
        spending_limits: expect.arrayContaining([
          expect.objectContaining({ amount: 250_00, interval: 'per_authorization' }),
          expect.objectContaining({ amount: 251_00, interval: 'all_time' }),
        ]),
      },
      metadata: { disburse_payout: wanted.payoutId, disburse_reference: card.id },
    });
    expect(await heard('CardIssued', card.id)).toEqual([{ data: { payoutId: wanted.payoutId, cardId: card.id } }]);

    const { number } = await test.stripe.issuing.cards.retrieve(
      card.stripe_card_id,
      { expand: ['number'] },
      stripeAccount(),
    );
    expect(number).toMatch(/^\d{16}$/);
    expect(JSON.stringify(card)).not.toContain(number);
  });

  it('is one for its payout, though it is ordered many times at once', async () => {
    const wanted = order();

    const ids = await Promise.all([1, 2, 3, 4].map(() => issue(wanted)));

    expect(new Set(ids).size).toBe(1);
    await world.card(ids[0]!, 'active', (card) => card.status === 'active');
    expect(await cardsAtStripeFor(ids[0]!)).toHaveLength(1);
    await expect(
      test.database.query(
        `insert into cards select 'card_second', payout_id, connected_account_id, cardholder_id, null, null, null, exp_month, exp_year,
           'requested', false, null, null, amount_minor, currency, amount_match from cards where id = $1`,
        [ids[0]],
      ),
    ).rejects.toThrow();
    await expect(
      test.database.query(
        `insert into cards (id, payout_id, connected_account_id, cardholder_id, exp_month, exp_year, status, amount_minor, currency, amount_match, created_at, updated_at)
         select 'card_second', payout_id, connected_account_id, cardholder_id, exp_month, exp_year, 'requested', amount_minor, currency, amount_match, now(), now()
         from cards where id = $1`,
        [ids[0]],
      ),
    ).rejects.toThrow(/cards_one_live_per_payout/);
  });

  it.each(['error_500_after', 'drop_after', 'drop_before', 'rate_limit', 'lock_timeout'])(
    'is made once when Stripe answers with %s',
    async (action) => {
      await world.withFault(
        { on: 'request', action, method: 'POST', path: '/v1/issuing/cards', times: 1 },
        async () => {
          const card = await activeCard();

          expect(await cardsAtStripeFor(card.id)).toHaveLength(1);
          expect(await heard('CardIssued', card.id)).toHaveLength(1);
        },
      );
    },
  );

  it('canceled while it is being made is canceled as soon as it exists', async () => {
    await world.withFault(
      { on: 'request', action: 'delay', delay_ms: 1_500, method: 'POST', path: '/v1/issuing/cards', times: 1 },
      async () => {
        const id = await issue(order());
        expect(await cancel(id)).toMatchObject({ status: 'requested', frozen: true });

        const dead = await world.card(id, 'canceled', (card) => card.status === 'canceled');

        expect(await atStripe(dead.stripe_card_id)).toMatchObject({ status: 'canceled' });
        expect(await heard('CardIssued', id)).toEqual([]);
        expect(await heard('CardCanceled', id)).toEqual([
          { data: { payoutId: dead.payout, cardId: id, wasRequested: true } },
        ]);
      },
    );
  });

  it('that Stripe refuses to make fails with Stripe’s reason, and its payout may order another', async () => {
    const requirements = (list: string[]) =>
      world.atStripe('POST', `/accounts/${seller.stripe_account_id}/requirements`, {
        capability: 'card_issuing',
        requirements: list,
      });
    const wanted = order();
    await requirements(['company.tax_id']);

    const id = await issue(wanted);
    const failed = await world.card(id, 'failed', (card) => card.status === 'failed');

    expect(failed).toMatchObject({ stripe_card_id: null, failure: { detail: expect.stringContaining('Issuing') } });
    expect(await heard('CardIssuanceFailed', id)).toEqual([
      { data: { payoutId: wanted.payoutId, cardId: id, code: failed.failure?.code, detail: failed.failure?.detail } },
    ]);
    await requirements([]);
    await waitFor('the capability at Stripe', async () => {
      const { capabilities } = await test.stripe.accounts.retrieve(seller.stripe_account_id);
      return capabilities?.card_issuing === 'active';
    });
    expect((await activeCard(wanted)).id).not.toBe(id);
  });

  it('canceled and then refused by Stripe counts as canceled: nobody waits for it', async () => {
    const requirements = (list: string[]) =>
      world.atStripe('POST', `/accounts/${seller.stripe_account_id}/requirements`, {
        capability: 'card_issuing',
        requirements: list,
      });
    await requirements(['company.tax_id']);
    try {
      const id = await test.database.transaction(async (tx) => {
        const made = await cards.issue(tx, order());
        await cards.cancel(tx, made, 'test');
        return made;
      });
      await world.card(id, 'failed', (card) => card.status === 'failed');

      expect(await heard('CardCanceled', id)).toHaveLength(1);
      expect(await heard('CardIssuanceFailed', id)).toEqual([]);
    } finally {
      await requirements([]);
      await waitFor('the capability at Stripe', async () => {
        const { capabilities } = await test.stripe.accounts.retrieve(seller.stripe_account_id);
        return capabilities?.card_issuing === 'active';
      });
    }
  });

  it('is frozen at once here and soon at Stripe, and the last word counts', async () => {
    const card = await activeCard();

    const frozen = await world.api('POST', `/v1/cards/${card.id}/freeze`);
    expect(frozen).toMatchObject({ status: 200, body: { frozen: true, status: 'active' } });
    await world.card(card.id, 'inactive', (view) => view.status === 'inactive');
    expect(await atStripe(card.stripe_card_id)).toMatchObject({ status: 'inactive' });

    await world.api('POST', `/v1/cards/${card.id}/unfreeze`);
    await world.api('POST', `/v1/cards/${card.id}/freeze`);
    await world.api('POST', `/v1/cards/${card.id}/unfreeze`);
    await waitFor('every call to be done', async () => {
      const calls = await test.database.query<{ status: string }>(
        `select status from stripe_calls where reference = $1`,
        [card.id],
      );
      return calls.length === 5 && calls.every(({ status }) => status === 'done');
    });
    expect(await world.card(card.id, 'active', (view) => view.status === 'active')).toMatchObject({ frozen: false });
    expect(await atStripe(card.stripe_card_id)).toMatchObject({ status: 'active' });
  });

  it('canceled at Stripe by somebody else is canceled here, and stays so whatever comes late', async () => {
    const card = await activeCard();
    await world.withFault({ on: 'webhook', action: 'reorder', type: 'issuing_card.updated', times: 1 }, async () => {
      await world.withFault({ on: 'webhook', action: 'duplicate', type: 'issuing_card.updated' }, async () => {
        await test.stripe.issuing.cards.update(card.stripe_card_id, { status: 'inactive' }, stripeAccount());
        await test.stripe.issuing.cards.update(card.stripe_card_id, { status: 'canceled' }, stripeAccount());

        await world.card(card.id, 'canceled', (view) => view.status === 'canceled');
        await world.atStripe('GET', '/deliveries?wait_seconds=5');
      });
    });

    expect(await heard('CardCanceled', card.id)).toEqual([
      { data: { payoutId: card.payout, cardId: card.id, wasRequested: false } },
    ]);
    expect((await world.api('GET', `/v1/cards/${card.id}`)).body.status).toBe('canceled');
  });

  it('whose cancel Stripe never did is canceled by the sweep', async () => {
    // As if the call had been refused and the card lived on: nothing of ours is under way.
    const card = await activeCard();
    await world.atStripe('GET', '/deliveries?wait_seconds=5');
    await test.database.query(
      `update cards set cancel_requested_at = now() - interval '10 minutes', cancel_reason = 'test', frozen = true,
         stripe_checked_at = null where id = $1`,
      [card.id],
    );

    await test.app.get(Jobs).enqueueSingleton('check-overdue-cancels');

    await world.card(card.id, 'canceled', (view) => view.status === 'canceled');
    expect(await atStripe(card.stripe_card_id)).toMatchObject({ status: 'canceled' });
  });

  it('being canceled leaves no room for another until it is dead', async () => {
    const wanted = order();
    const card = await activeCard(wanted);
    await world.withFault(
      { on: 'request', action: 'delay', delay_ms: 1_000, method: 'POST', path: '/v1/issuing/cards/*', times: 1 },
      async () => {
        await cancel(card.id);
        await expect(issue(wanted)).rejects.toMatchObject({ code: 'earlier_card_still_live' });
        expect(codeAndPointers(await world.api('POST', `/v1/cards/${card.id}/unfreeze`))).toMatchObject({
          status: 409,
          code: 'card_not_unfreezable',
        });

        await world.card(card.id, 'canceled', (view) => view.status === 'canceled');
        const next = await activeCard(wanted);
        expect(next.id).not.toBe(card.id);
        expect((await atStripe(next.stripe_card_id)).replacement_for).toBeNull();
      },
    );
  });

  it('is replaced by canceling it first; a dead one asks for another at once', async () => {
    const card = await activeCard();

    const replaced = await world.api('POST', `/v1/cards/${card.id}/replace`);
    expect(replaced).toMatchObject({ status: 200, body: { canceling: true, frozen: true } });
    await world.card(card.id, 'canceled', (view) => view.status === 'canceled');
    expect(await heard('CardCanceled', card.id)).toHaveLength(1);
    expect(await heard('CardReplacementRequested', card.id)).toEqual([]);

    await world.api('POST', `/v1/cards/${card.id}/replace`);
    expect(await heard('CardReplacementRequested', card.id)).toHaveLength(1);
  });

  it('may not be replaced when the one who knows its payout says so', async () => {
    const card = await activeCard();
    const refusal = Object.assign(new Error('No.'), { code: 'no' });
    cards.guardReplacement((_tx, { id }) => (id === card.id ? Promise.reject(refusal) : Promise.resolve()));

    await expect(test.database.transaction((tx) => cards.replace(tx, card.id))).rejects.toBe(refusal);

    expect((await world.api('GET', `/v1/cards/${card.id}`)).body).toMatchObject({ status: 'active', canceling: false });
  });

  it('that is dead can be neither frozen nor unfrozen, and an unknown one is not found', async () => {
    const card = await activeCard();
    await cancel(card.id);
    await world.card(card.id, 'canceled', (view) => view.status === 'canceled');

    expect(codeAndPointers(await world.api('POST', `/v1/cards/${card.id}/freeze`))).toMatchObject({
      status: 409,
      code: 'card_not_freezable',
    });
    expect(codeAndPointers(await world.api('POST', `/v1/cards/${card.id}/unfreeze`))).toMatchObject({
      status: 409,
      code: 'card_not_unfreezable',
    });
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/freeze'],
      ['POST', '/unfreeze'],
      ['POST', '/replace'],
    ] as const) {
      expect(codeAndPointers(await world.api(method, `/v1/cards/card_nobody${path}`))).toMatchObject({
        status: 404,
        code: 'card_not_found',
      });
    }
    expect((await world.api('POST', `/v1/cards/${card.id}/freeze`, undefined, { role: 'auditor' })).status).toBe(403);
  });

  it('is listed by payout, account and status', async () => {
    const card = await activeCard();

    const mine = await world.api(
      'GET',
      `/v1/cards?payout=${card.payout}&connected_account=${seller.id}&status=active`,
      undefined,
      { role: 'finance' },
    );
    expect(mine.body).toMatchObject({ data: [{ id: card.id }], has_more: false });
    expect((await world.api('GET', `/v1/cards?payout=${card.payout}&status=canceled`)).body.data).toEqual([]);
    expect((await world.api('GET', '/v1/cards?status=lost')).status).toBe(400);
  });

  it('is refused before Stripe sees it when its amount, controls or end are impossible', async () => {
    await expect(issue(order({ amountMinor: 10_000_01n }))).rejects.toMatchObject({
      code: 'amount_too_large',
      status: 422,
    });
    await expect(issue(order({ controls: { allowed_categories: ['nonsense'] } }))).rejects.toMatchObject({
      code: 'invalid_controls',
      errors: [expect.objectContaining({ pointer: '/controls/allowed_categories/0' })],
    });
    await expect(issue(order({ expiresAt: new Date('2035-01-01T00:00:00Z') }))).rejects.toMatchObject({
      code: 'card_expiry_too_far',
    });
  });
});
