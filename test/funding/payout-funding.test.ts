import { CardWorld, dollars } from '../authorizations/world';
import { waitFor } from '../support/wait-for';

/** The money's way as the marketplace sees it: a payout, its status, its timeline. */
describe('a payout and its funding', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  async function fundingTransfers(payoutId: string) {
    return world.app.database.query<{ direction: string; status: string; money_at: string }>(
      'select direction, status, money_at from funding_transfers where reference = $1 order by id',
      [payoutId],
    );
  }

  it('ends failed when the second hop is refused: the money is back, and nobody else’s was touched', async () => {
    const other = await world.readyPayout(dollars(100));
    await world.control('PATCH', '/settings', { balance_transfers_enabled: false });

    const { id } = await world.requestPayout(dollars(60));
    const payout = await world.waitForPayout(String(id), { status: 'closed', outcome: 'failed' });
    await world.control('PATCH', '/settings', { balance_transfers_enabled: true });

    expect(payout).toMatchObject({ owed: 0, reclaiming: 0, reclaimed: 0, released: dollars(60) });
    expect(await fundingTransfers(String(id))).toEqual([
      { direction: 'out', status: 'returned', money_at: 'platform' },
    ]);
    expect(await world.issuingAvailableAtStripe()).toBe(BigInt(dollars(101)));
    expect(await world.payout(other.id)).toMatchObject({ status: 'ready', owed: dollars(100) });
    await world.expectBooksToMatch();
  });

  it('waits for the platform’s funds and goes on when they come', async () => {
    const { id } = await world.requestPayout(dollars(9_000), { reference: 'order-of-a-rich-day' });
    await world.waitUntilReady(String(id));
    const balance = await world.app.stripe.balance.retrieve();
    const left = balance.available.find(({ currency }) => currency === 'usd')!.amount;
    await world.app.stripe.payouts.create({ amount: left, currency: 'usd' });

    const { id: short } = await world.requestPayout(dollars(80));
    await world.waitForPayout(String(short), { status: 'pending', waiting_on: 'platform_funds' });
    await world.app.stripe.paymentIntents.create({
      amount: dollars(100_000),
      currency: 'usd',
      payment_method: 'pm_card_bypassPending',
      confirm: true,
    });
    world.app.clock.advance(120_000);

    await world.waitUntilReady(String(short));
    expect((await fundingTransfers(String(short))).map(({ status }) => status)).toEqual(['failed', 'settled']);
    await world.expectBooksToMatch();
  });

  it('brings everything back when it is canceled while its money is on the way', async () => {
    await world.control('POST', '/faults', {
      on: 'request',
      action: 'rate_limit',
      path: '/v1/balance_transfers',
      times: 2,
    });
    const { id } = await world.requestPayout(dollars(70));
    await waitFor('the first hop', async () => {
      const [transfer] = await fundingTransfers(String(id));
      return transfer?.money_at === 'seller_payments' ? true : undefined;
    });

    await world.post(`/v1/payouts/${String(id)}/cancel`);

    await world.waitForPayout(String(id), { status: 'closed', outcome: 'canceled', reclaimed: dollars(70) });
    expect(await fundingTransfers(String(id))).toEqual([
      { direction: 'out', status: 'returned', money_at: 'platform' },
      { direction: 'in', status: 'settled', money_at: 'platform' },
    ]);
    await world.expectBooksToMatch();
  });
});
