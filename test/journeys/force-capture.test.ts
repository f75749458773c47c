import { CardWorld, dollars } from '../authorizations/world';

describe('captures nobody was asked about', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  const force = (stripeCardId: string, amount: number) =>
    world.merchant.transactions.createForceCapture({ card: stripeCardId, amount }, world.onSeller);

  it('counts as the use of a card that was not used yet', async () => {
    const payout = await world.readyPayout(dollars(250));

    await force(payout.stripeCardId, dollars(60));

    await world.waitForPayout(payout.id, {
      status: 'closed',
      paid: dollars(60),
      reclaimed: dollars(190),
      outcome: 'partially_spent',
    });
    expect(await world.cardTransactions(payout.id)).toMatchObject([{ kind: 'force_capture', authorization: null }]);
    const later = await world.charge(payout, dollars(10));
    expect(later.approved).toBe(false);
    await world.expectBooksToMatch();
  });

  it('is the seller’s debt once the payout was canceled and its money is back', async () => {
    const other = await world.readyPayout(dollars(90));
    const payout = await world.readyPayout(dollars(50));
    await world.post(`/v1/payouts/${payout.id}/cancel`);
    await world.waitForPayout(payout.id, { status: 'closed', reclaimed: dollars(50) });

    await force(payout.stripeCardId, dollars(30));

    const [captured] = await world.waitForCardTransactions(payout.id, 1);
    expect(captured).toMatchObject({ kind: 'force_capture', paid: 0, overspent: dollars(30), is_after_close: true });
    expect(await world.payout(payout.id)).toMatchObject({ status: 'closed', overspent: dollars(30) });
    expect(await world.payout(other.id)).toMatchObject({ status: 'ready', owed: dollars(90) });
    await world.expectBooksToMatch();
  });

  it('books a captured account check as the use', async () => {
    const payout = await world.readyPayout(dollars(50));
    const probe = await world.charge(payout, 100);
    expect(probe.approved).toBe(true);
    expect(await world.payout(payout.id)).toMatchObject({ status: 'ready', held: 0, owed: dollars(50) });

    await world.merchant.authorizations.capture(probe.id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: 100, reclaimed: dollars(49) });
    await world.expectBooksToMatch();
  });

  it('lets an account check go by: the payment still has all of the payout', async () => {
    const payout = await world.readyPayout(dollars(50));
    const probe = await world.charge(payout, 100);
    const purchase = await world.charge(payout, dollars(50));
    expect([probe.approved, purchase.approved]).toEqual([true, true]);

    await world.merchant.authorizations.capture(purchase.id, {}, world.onSeller);
    await world.merchant.authorizations.reverse(probe.id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(50), reclaimed: 0, overspent: 0 });
    await world.expectBooksToMatch();
  });

  it('books a capture after the authorization was declined', async () => {
    const payout = await world.readyPayout(dollars(50));
    const declined = await world.charge(payout, dollars(60));
    expect(declined.approved).toBe(false);

    await force(payout.stripeCardId, dollars(60));

    await world.waitForPayout(payout.id, {
      status: 'closed',
      paid: dollars(50),
      overspent: dollars(10),
      outcome: 'spent',
    });
    await world.expectBooksToMatch();
  });
});

describe('a capture that overtakes the money on its way back', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('is paid from the promise after all, and the rest comes back', async () => {
    const payout = await world.readyPayout(dollars(50));
    await world.control('POST', '/faults', {
      on: 'request',
      action: 'delay',
      path: '/v1/balance_transfers',
      delay_ms: 1500,
      times: 1,
    });
    await world.post(`/v1/payouts/${payout.id}/cancel`);
    await world.waitForPayout(payout.id, { reclaiming: dollars(50) });

    await world.merchant.transactions.createForceCapture(
      { card: payout.stripeCardId, amount: dollars(30) },
      world.onSeller,
    );

    await world.waitForCardTransactions(payout.id, 1);
    await world.waitForPayout(payout.id, { paid: dollars(30), overspent: 0, reclaiming: 0 });
    // Refused for want of money; tried again with what is left.
    world.app.clock.advance(6 * 60_000);
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(30), reclaimed: dollars(20), overspent: 0 });
    expect(await world.statement(payout.id)).toMatchObject({ proof: { balanced: true } });
    await world.expectBooksToMatch();
  });
});
