import { AuthorizationsService } from '../../src/authorizations/authorizations.service';
import { CardTransactionsService } from '../../src/card-transactions/card-transactions.service';
import { waitFor } from '../support/wait-for';
import { CardWorld, dollars } from './world';

describe('what the network recorded wins', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  afterEach(async () => {
    await world.control('DELETE', '/faults');
    await world.control('PATCH', '/settings', { authorization_default: 'decline', authorization_timeout_ms: 2000 });
  });

  it('withdraws a hold when our approval came too late for Stripe, and the card works again', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.control('PATCH', '/settings', { authorization_timeout_ms: 400 });
    // Stripe gives up, and our answer, on its way for longer, is an approval nobody hears.
    await world.control('POST', '/faults', { on: 'authorization', action: 'slow', times: 1 });

    const lost = await world.charge(payout, dollars(60));

    expect(lost.approved).toBe(false);
    expect(lost.request_history[0]!.reason).toBe('webhook_timeout');
    await world.authorization(lost.id, (row) => row['network_outcome'] === 'declined' && row['status'] === 'closed');
    await world.waitForPayout(payout.id, { status: 'ready', held: 0, owed: dollars(100) });
    await world.control('PATCH', '/settings', { authorization_timeout_ms: 2000 });
    expect((await world.charge(payout, dollars(60))).approved).toBe(true);
    await world.expectBooksToMatch();
  });

  it('withdraws a hold when Stripe had given up before our approval was written', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.control('PATCH', '/settings', { authorization_timeout_ms: 1 });

    const lost = await world.charge(payout, dollars(60));
    await world.control('PATCH', '/settings', { authorization_timeout_ms: 2000 });

    expect(lost.approved).toBe(false);
    await world.authorization(lost.id, (row) => row['network_outcome'] === 'declined' && row['held_amount'] === 0);
    await world.waitForPayout(payout.id, { status: 'ready', held: 0, owed: dollars(100) });
    expect((await world.charge(payout, dollars(100))).approved).toBe(true);
    await world.expectBooksToMatch();
  });

  it('knows of a use that only the dead card tells of, and never lets a second card spend beside it', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.control('PATCH', '/settings', { authorization_default: 'approve', authorization_timeout_ms: 300 });
    await world.control('POST', '/faults', { on: 'authorization', action: 'absent', times: 1 });
    await world.control('POST', '/faults', {
      on: 'webhook',
      action: 'drop',
      type: 'issuing_authorization.*',
      times: 10,
    });

    const { id, approved } = await world.charge(payout, dollars(60));

    expect(approved).toBe(true);
    await world.waitForPayout(payout.id, { status: 'authorized', held: dollars(60), owed: dollars(40) });
    const { answer } = await world.request(payout, dollars(10));
    expect(answer).toMatchObject({ approved: false, metadata: { disburse_reason: 'already_used' } });
    await world.control('DELETE', '/faults');
    await world.merchant.authorizations.capture(id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(60), reclaimed: dollars(40) });
    await world.expectBooksToMatch();
  });

  it('books a hold that Stripe approved by its default without an answer of ours', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.control('PATCH', '/settings', { authorization_default: 'approve', authorization_timeout_ms: 300 });
    await world.control('POST', '/faults', { on: 'authorization', action: 'absent', times: 1 });

    const { id, approved } = await world.charge(payout, dollars(60));

    expect(approved).toBe(true);
    await world.waitForPayout(payout.id, { status: 'authorized', held: dollars(60), owed: dollars(40) });
    const receipt = await world.authorization(id, (row) => row['network_outcome'] === 'approved');
    expect(receipt).toMatchObject({ approved: true, reason: 'approved', held_amount: dollars(60) });
    expect((receipt['requests'] as object[])[0]).toMatchObject({ difference: 'not_asked', inputs: null });
    expect((await world.charge(payout, dollars(10))).approved).toBe(false);
    await world.merchant.authorizations.capture(id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(60), reclaimed: dollars(40) });
    await world.expectBooksToMatch();
  });

  it('books what the network approved by itself while nobody could be asked', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.control('POST', '/faults', { on: 'authorization', action: 'stand_in', times: 1 });

    const { id, approved } = await world.charge(payout, dollars(60));

    expect(approved).toBe(true);
    const receipt = await world.authorization(id, (row) => row['network_outcome'] === 'approved');
    expect(receipt).toMatchObject({ approved: true, network_reason: 'network_fallback', held_amount: dollars(60) });
    expect((receipt['requests'] as object[])[0]).toMatchObject({ difference: 'not_asked', rules: null });
    await world.waitForPayout(payout.id, { status: 'authorized', held: dollars(60), owed: dollars(40) });
    const metrics = await (await fetch(`${world.app.url}/metrics`)).text();
    expect(metrics).toMatch(/^disburse_authorization_differences_total\{difference="not_asked"\} [1-9]/m);
    await world.expectBooksToMatch();
  });

  it('cannot approve part of what Stripe’s own limit on the card declines before asking', async () => {
    const payout = await world.readyPayout(dollars(100));

    const declined = await world.charge(payout, dollars(101), { is_amount_controllable: true });

    expect(declined).toMatchObject({ approved: false, request_history: [{ reason: 'spending_controls' }] });
    await world.authorization(declined.id, (row) => row['reason'] === 'spending_controls');
    expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0, owed: dollars(100) });
  });

  it('records what Stripe declined by itself, with its reason in plain words', async () => {
    const payout = await world.readyPayout(dollars(100), { controls: { blocked_categories: ['taxicabs_limousines'] } });

    const declined = await world.charge(payout, dollars(20), { merchant_data: { category: 'taxicabs_limousines' } });

    expect(declined.approved).toBe(false);
    const receipt = await world.authorization(declined.id, (row) => row['network_outcome'] !== null);
    expect(receipt).toMatchObject({
      approved: false,
      status: 'closed',
      reason: 'spending_controls',
      network_reason: 'spending_controls',
      explanation: expect.stringContaining('spending controls'),
      held_amount: 0,
    });
    expect((receipt['requests'] as object[])[0]).toMatchObject({ difference: null });
    expect(await world.eventTypes(payout.id)).toContain('authorization.declined');
    expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0 });
    await world.expectBooksToMatch();
  });

  it('follows the fuel pump to the amount the tank took', async () => {
    const payout = await world.readyPayout(dollars(150));
    const { id, approved } = await world.charge(payout, 100, {
      merchant_data: { category: 'automated_fuel_dispensers' },
    });
    expect(approved).toBe(true);
    await world.waitForPayout(payout.id, { status: 'authorized', held: dollars(100) });

    await world.merchant.authorizations.finalizeAmount(id, { final_amount: dollars(45) }, world.onSeller);
    await world.waitForPayout(payout.id, { held: dollars(45), owed: dollars(105) });
    await world.merchant.authorizations.finalizeAmount(id, { final_amount: dollars(120) }, world.onSeller);
    await world.waitForPayout(payout.id, { held: dollars(120), owed: dollars(30) });
    await world.merchant.authorizations.capture(id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(120), reclaimed: dollars(30) });
    await world.expectBooksToMatch();
  });

  it('books holds and captures once, though each event comes twice and in another order', async () => {
    await world.control('POST', '/faults', { on: 'webhook', action: 'duplicate', type: 'issuing_*', times: 20 });
    await world.control('POST', '/faults', { on: 'webhook', action: 'reorder', type: 'issuing_*', times: 20 });
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(70));
    await world.merchant.authorizations.increment(id, { increment_amount: dollars(10) }, world.onSeller);
    await world.merchant.authorizations.capture(id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(80), reclaimed: dollars(20), held: 0 });
    await world.expectBooksToMatch();
    const [captured] = await world.cardTransactions(payout.id);
    const authorizations = world.app.app.get(AuthorizationsService);
    const cardTransactions = world.app.app.get(CardTransactionsService);
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        await authorizations.sync(id, world.stripeAccount);
        await cardTransactions.sync(String(captured!['stripe_transaction_id']), world.stripeAccount);
      }),
    );
    const entries = await world.app.database.query<{ kind: string; count: number }>(
      `select kind, count(*)::int as count from journal_entries where payout_id = $1 and kind in ('hold', 'hold_released', 'capture') group by 1 order by 1`,
      [payout.id],
    );
    expect(entries).toEqual([
      { kind: 'capture', count: 1 },
      { kind: 'hold', count: 2 },
      { kind: 'hold_released', count: 1 },
    ]);
  });

  it('declines when the database is away, and books it when Stripe reports it', async () => {
    const payout = await world.readyPayout(dollars(100));
    await world.app.database.query('alter function decide_authorization(jsonb, timestamptz) rename to decide_later');
    const declined = await world.charge(payout, dollars(20));
    await world.app.database.query('alter function decide_later(jsonb, timestamptz) rename to decide_authorization');

    expect(declined.approved).toBe(false);
    const receipt = await world.authorization(declined.id, (row) => row['network_outcome'] === 'declined');
    expect(receipt).toMatchObject({ approved: false, network_reason: 'webhook_declined' });
    await waitFor('a working decision', async () => (await world.charge(payout, dollars(20))).approved);
    await world.expectBooksToMatch();
  });
});

describe('cards that another program made on the same account', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('are left alone', async () => {
    const payout = await world.readyPayout(dollars(100));
    const ours = await world.app.stripe.issuing.cards.retrieve(payout.stripeCardId, {}, world.onSeller);
    const foreign = await world.app.stripe.issuing.cards.create(
      { cardholder: ours.cardholder.id, currency: 'usd', type: 'virtual', status: 'active' },
      world.onSeller,
    );
    const before = await world.ledger();

    const { id } = await world.charge({ ...payout, stripeCardId: foreign.id }, dollars(10));
    const forced = await world.merchant.transactions.createForceCapture(
      { card: foreign.id, amount: dollars(10) },
      world.onSeller,
    );

    await waitFor('their events to be handled', async () => {
      const [row] = await world.app.database.query<{ count: number }>(
        `select count(*)::int as count from stripe_events where object_id = any($1) and status = 'handled'`,
        [[id, forced.id]],
      );
      return row!.count >= 2;
    });
    expect(await world.ledger()).toEqual(before);
    expect(await world.authorizations(payout.id)).toEqual([]);
    expect(await world.cardTransactions(payout.id)).toEqual([]);
  });
});
