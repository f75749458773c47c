import { TopupRail } from '../../src/funding-transfers/topup.rail';
import { FundingFloor, Seller } from './funding-floor';

let floor: FundingFloor;

beforeAll(async () => {
  floor = await FundingFloor.start();
  await floor.platform.control('PATCH', '/settings', { topup_delay_seconds: 86_400, payout_delay_seconds: 86_400 });
});

afterAll(async () => {
  await floor.stop();
});

const oneDaySeconds = 86_401;

async function fundIssuing(seller: Seller, amount: number): Promise<void> {
  await floor.platform.stripe.rawRequest(
    'POST',
    '/v1/test_helpers/issuing/fund_balance',
    { amount, currency: seller.currency },
    { stripeAccount: seller.stripeAccountId },
  );
}

describe('the topup rail', () => {
  async function funded(seller: Seller, amountMinor: bigint): Promise<string> {
    const reference = await floor.begin(seller, amountMinor);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'funds_in_transit');
    await floor.platform.advance(oneDaySeconds);
    await floor.untilHeard(reference, 'FundingTransferSettled');
    return reference;
  }

  it('waits for the bank, and the money is spendable when Stripe says so', async () => {
    const seller = await floor.newSeller('topup');

    const reference = await floor.begin(seller, 120_00n);
    const onItsWay = await floor.until(reference, (transfer) => transfer.moneyAt === 'funds_in_transit');
    expect(onItsWay).toMatchObject({ status: 'in_transit', hops: [{ kind: 'topup', status: 'accepted' }] });
    expect(await floor.balances(seller)).toEqual({
      external_bank: -121_00,
      funds_in_transit: 121_00,
      marketplace_funds: 121_00,
      payout_owed: -120_00,
      probe_buffer: -1_00,
    });

    await floor.platform.advance(oneDaySeconds);
    await floor.untilHeard(reference, 'FundingTransferSettled');
    expect(await floor.stripeBalances(seller)).toMatchObject({ issuing: 121_00 });
    expect(await floor.balances(seller)).toMatchObject({ issuing_available: 121_00 });
    await floor.untilExplained(seller);
  });

  it('reports a top-up that the bank refused: nothing stays behind', async () => {
    const seller = await floor.newSeller('topup');
    await floor.platform.control('PATCH', '/settings', { topup_outcome: 'fail' });

    const reference = await floor.begin(seller, 20_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'funds_in_transit');
    await floor.platform.advance(oneDaySeconds);
    await floor.untilHeard(reference, 'FundingTransferFailed');
    await floor.platform.control('PATCH', '/settings', { topup_outcome: 'succeed' });

    expect((await floor.service.listFor(reference))[0]).toMatchObject({ status: 'failed', moneyAt: 'bank' });
    expect(await floor.balances(seller)).toEqual({ marketplace_funds: 20_00, payout_owed: -20_00 });
  });

  it('settles although the event never comes', async () => {
    const seller = await floor.newSeller('topup');
    const reference = await floor.begin(seller, 30_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'funds_in_transit');
    const dropped = (await floor.fault({ on: 'webhook', action: 'drop', type: '*', times: 1_000 })) as { id: string };

    await floor.platform.advance(oneDaySeconds);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await floor.service.getUnsettled(reference)).toHaveLength(1);
    floor.clock.advance(7 * 3_600_000);
    await floor.service.sweep();
    await floor.untilHeard(reference, 'FundingTransferSettled');
    floor.clock.advance(-7 * 3_600_000);
    await floor.platform.control('DELETE', `/faults/${dropped.id}`);
  });

  it('goes back to the bank by a bank payout', async () => {
    const seller = await floor.newSeller('topup');
    const reference = await funded(seller, 50_00n);

    await floor.beginReclaim(seller, reference, 50_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'reclaim_in_transit');
    expect(await floor.stripeBalances(seller)).toMatchObject({ issuing: 0 });
    expect(await floor.balances(seller)).toMatchObject({ reclaim_in_transit: 51_00, payout_reclaiming: -50_00 });

    await floor.platform.advance(oneDaySeconds);
    await floor.untilHeard(reference, 'ReclaimSettled');
    expect(await floor.balances(seller)).toEqual({});
    expect((await floor.service.listFor(reference)).map((each) => [each.status, each.moneyAt])).toEqual([
      ['returned', 'bank'],
      ['settled', 'bank'],
    ]);
    await floor.untilExplained(seller);
  });

  it('posts a failed bank payout back, and the reclaim can be tried again', async () => {
    const seller = await floor.newSeller('topup');
    const reference = await funded(seller, 60_00n);
    await floor.platform.control('PATCH', '/settings', { payout_outcome: 'fail' });

    await floor.beginReclaim(seller, reference, 60_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'reclaim_in_transit');
    await floor.platform.advance(oneDaySeconds);
    await floor.untilHeard(reference, 'ReclaimFailed');
    await floor.platform.control('PATCH', '/settings', { payout_outcome: 'pay' });

    expect(await floor.stripeBalances(seller)).toMatchObject({ issuing: 61_00 });
    expect(await floor.balances(seller)).toMatchObject({ issuing_available: 61_00, payout_reclaiming: -60_00 });
    await floor.untilExplained(seller);
    expect((await floor.service.listFor(reference))[0]).toMatchObject({ status: 'settled', returnedMinor: 0n });
  });
  it('turns a paid bank payout that the bank sends back into aftercare, which can be reclaimed again', async () => {
    const seller = await floor.newSeller('topup');
    const reference = await funded(seller, 40_00n);
    const reclaim = await floor.beginReclaim(seller, reference, 40_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'reclaim_in_transit');
    await floor.platform.advance(oneDaySeconds);
    await floor.untilHeard(reference, 'ReclaimSettled');

    // The simulator's banks never change their mind, so Stripe's later answer is put into our mouth; the money is put back by hand.
    const answer = jest.spyOn(floor.app.get(TopupRail), 'findArrival').mockResolvedValueOnce({
      how: 'bounced',
      at: floor.clock.now(),
      code: 'account_closed',
      detail: 'The bank account has been closed.',
      balanceTransactionId: null,
    });
    await floor.service.check(reclaim);
    answer.mockRestore();
    await floor.untilHeard(reference, 'ReclaimReturned');

    expect(await floor.balances(seller)).toEqual({
      aftercare: -41_00,
      external_bank: -41_00,
      issuing_available: 41_00,
      marketplace_funds: 41_00,
    });
    expect((await floor.service.listFor(reference)).at(-1)).toMatchObject({ status: 'returned', moneyAt: 'issuing' });

    await floor.platform.control('POST', '/faults', {
      on: 'webhook',
      action: 'duplicate',
      type: 'payout.paid',
      times: 1,
    });
    await fundIssuing(seller, 41_00);
    await floor.beginReclaim(seller, reference, 0n, { bufferMinor: 0n, aftercareMinor: 41_00n });
    await floor.until(reference, (transfer) => transfer.moneyAt === 'reclaim_in_transit');
    await floor.platform.advance(oneDaySeconds);
    await floor.until(reference, (transfer) => transfer.id !== reclaim && transfer.status === 'settled');
    expect(await floor.ledger.findPayoutTerms(reference)).toMatchObject({ aftercareMinor: 0n });
  });
});

describe('the prefunded rail', () => {
  async function fundFloat(seller: Seller, amount: number): Promise<void> {
    await fundIssuing(seller, amount);
    await floor.eventually(async () => ((await floor.unexplained(seller)).length === 0 ? true : null));
  }

  it('observes float once, however often it looks', async () => {
    const seller = await floor.newSeller('prefunded');

    await fundFloat(seller, 500_00);
    await Promise.all([1, 2, 3].map(() => floor.service.observeFloat(seller.id)));
    await fundFloat(seller, 100_00);

    expect(await floor.balances(seller)).toEqual({ issuing_available: 600_00, seller_float: -600_00 });
    const heard = floor.listener.heard.filter(
      (event) => (event as { connectedAccountId?: string }).connectedAccountId === seller.id,
    );
    expect(heard.length).toBeGreaterThanOrEqual(1);
  });

  it('never promises more than is free, however many ask at once', async () => {
    const seller = await floor.newSeller('prefunded');
    await fundFloat(seller, 100_00);

    const references = await Promise.all(Array.from({ length: 8 }, () => floor.begin(seller, 29_00n)));
    const outcomes = await Promise.all(
      references.map((reference) => floor.until(reference, (transfer) => !transfer.isUnsettled)),
    );

    expect(outcomes.filter(({ status }) => status === 'settled')).toHaveLength(3);
    expect(outcomes.filter(({ failure }) => failure?.code === 'float_insufficient')).toHaveLength(5);
    expect(await floor.balances(seller)).toMatchObject({ issuing_available: 100_00, seller_float: -10_00 });
    const short = references[outcomes.findIndex(({ status }) => status === 'failed')]!;
    await floor.untilHeard(short, 'FundingTransferShort');
  });

  it('gives a reclaim back to the float, where another promise finds it', async () => {
    const seller = await floor.newSeller('prefunded');
    await fundFloat(seller, 51_00);
    const reference = await floor.begin(seller, 50_00n);
    await floor.untilHeard(reference, 'FundingTransferSettled');
    expect(await floor.balances(seller)).toEqual({
      issuing_available: 51_00,
      payout_owed: -50_00,
      probe_buffer: -1_00,
    });

    await floor.beginReclaim(seller, reference, 50_00n);
    await floor.untilHeard(reference, 'ReclaimSettled');
    expect(await floor.balances(seller)).toEqual({ issuing_available: 51_00, seller_float: -51_00 });
    expect(await floor.ledger.findPayoutTerms(reference)).toMatchObject({ reclaimedMinor: 50_00n, owedMinor: 0n });

    const next = await floor.begin(seller, 40_00n);
    await floor.untilHeard(next, 'FundingTransferSettled');
  });
});
