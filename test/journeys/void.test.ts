import { CardWorld, dollars } from '../authorizations/world';

describe('when the merchant lets go', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('gives the seller a second chance on a new card after a full reversal', async () => {
    const payout = await world.readyPayout(dollars(250));
    const first = await world.charge(payout, dollars(180));
    expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: dollars(180) });

    await world.merchant.authorizations.reverse(first.id, {}, world.onSeller);

    const again = await world.waitUntilReady(payout.id, payout.cardId);
    expect(await world.payout(payout.id)).toMatchObject({ held: 0, owed: dollars(250) });
    expect((await world.charge(payout, dollars(10))).approved).toBe(false);
    const second = await world.charge(again, dollars(250));
    expect(second.approved).toBe(true);
    await world.merchant.authorizations.capture(second.id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(250), outcome: 'spent' });
    expect(await world.eventTypes(payout.id)).toEqual(
      expect.arrayContaining([
        'authorization.approved',
        'authorization.reversed',
        'authorization.declined',
        'card_transaction.captured',
      ]),
    );
    await world.expectBooksToMatch();
  });

  it('keeps the use when only part is reversed', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.charge(payout, dollars(180));

    await world.merchant.authorizations.reverse(id, { reverse_amount: dollars(80) }, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'authorized', held: dollars(100), owed: dollars(150) });
    expect((await world.charge(payout, dollars(10))).approved).toBe(false);
    await world.merchant.authorizations.capture(id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(100), reclaimed: dollars(150) });
    await world.expectBooksToMatch();
  });

  it('keeps an expired authorization capturable: no new card, and the late capture is paid', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.charge(payout, dollars(180));

    await world.merchant.authorizations.expire(id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'authorized', held: 0, owed: dollars(250) });
    expect(await world.payout(payout.id)).toMatchObject({ card: payout.cardId });
    await world.control('POST', '/clock/advance', { seconds: 120 });
    await world.merchant.authorizations.capture(id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(180), reclaimed: dollars(70) });
    expect(await world.cardTransactions(payout.id)).toMatchObject([{ kind: 'late_capture' }]);
    expect(await world.eventTypes(payout.id)).toContain('authorization.expired');
    await world.expectBooksToMatch();
  });

  it('ends the payout when the authorization ends uncaptured after the payout’s own end', async () => {
    const expiresAt = new Date(world.app.clock.now().getTime() + 3_000).toISOString();
    const payout = await world.readyPayout(dollars(60), { expires_at: expiresAt });
    const { id } = await world.charge(payout, dollars(40));
    // What no hold needs comes back at the payout's end; the held part waits for the merchant.
    await new Promise((done) => setTimeout(done, 3_200));

    await world.merchant.authorizations.reverse(id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', reclaimed: dollars(60), outcome: 'unspent' });
    await world.expectBooksToMatch();
  });
});
