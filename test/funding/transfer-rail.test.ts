import { accounts, credit, debit } from '../../src/ledger/ledger-account.types';
import { money } from '../../src/shared/money';
import { FundingFloor, Seller } from './funding-floor';

let floor: FundingFloor;

beforeAll(async () => {
  floor = await FundingFloor.start();
  await floor.platform.fundPlatform(1_000_000_00);
  await floor.platform.fundPlatform(1_000_000_00, 'eur');
});

afterAll(async () => {
  await floor.stop();
});

/** The money of `reference` in the Issuing balance, probe buffer of 1.00 beside it. */
async function funded(seller: Seller, amountMinor: bigint): Promise<string> {
  const reference = await floor.begin(seller, amountMinor);
  await floor.untilHeard(reference, 'FundingTransferSettled');
  return reference;
}

/** Takes money out of the seller's payments balance, as an automatic bank payout would. */
async function drain(seller: Seller, amount: number): Promise<void> {
  await floor.platform.stripe.payouts.create(
    { amount, currency: seller.currency },
    { stripeAccount: seller.stripeAccountId },
  );
}

describe('outward', () => {
  it('moves amount and buffer to the Issuing balance, each line at Stripe explained', async () => {
    const seller = await floor.newSeller('transfer');

    const reference = await funded(seller, 250_00n);

    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 251_00 });
    expect(await floor.balances(seller)).toEqual({
      issuing_available: 251_00,
      marketplace_funds: 251_00,
      payout_owed: -250_00,
      platform_payments: -251_00,
      probe_buffer: -1_00,
    });
    await floor.untilExplained(seller);
    expect(floor.listener.of(reference)).toEqual(['FundingTransferSettled']);
    // The platform's own line is explained too.
    const { data } = await floor.platform.stripe.transfers.list({ transfer_group: reference });
    const line = data[0]!.balance_transaction as string;
    expect(await floor.ledger.findMatched(floor.database.reader, seller.id, [line])).toEqual(new Set([line]));
  });

  it("waits for Stripe's clock, whatever ours says", async () => {
    const seller = await floor.newSeller('transfer', 'DE');
    const reference = await floor.begin(seller, 80_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'funds_in_transit');

    floor.clock.advance(7 * 86_400_000);
    const [early] = await floor.service.getUnsettled(reference);
    await floor.service.check(early!.id);
    floor.clock.advance(-7 * 86_400_000);
    expect((await floor.service.listFor(reference))[0]).toMatchObject({ status: 'in_transit' });
    expect(await floor.balances(seller)).toMatchObject({ funds_in_transit: 81_00 });

    await floor.platform.advance(4 * 86_400);
    await floor.untilHeard(reference, 'FundingTransferSettled');
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 81_00 });
    await floor.untilExplained(seller);
  });

  it('reports a shortage when the platform has too little: nothing moved, and the same promise can be tried again', async () => {
    const seller = await floor.newSeller('transfer', 'GB');

    const reference = await floor.begin(seller, 10_00n);
    await floor.untilHeard(reference, 'FundingTransferShort');

    const [transfer] = await floor.service.listFor(reference);
    expect(transfer).toMatchObject({
      status: 'failed',
      moneyAt: 'platform',
      failure: { code: 'balance_insufficient' },
    });
    expect(await floor.service.getUnsettled(reference)).toEqual([]);
    expect(await floor.balances(seller)).toEqual({ marketplace_funds: 10_00, payout_owed: -10_00 });

    await floor.platform.fundPlatform(50_00, 'gbp');
    await floor.begin(seller, 10_00n, reference);
    await floor.until(reference, (each) => each.moneyAt === 'funds_in_transit');
    await floor.platform.advance(4 * 86_400);
    await floor.untilHeard(reference, 'FundingTransferSettled');
  });

  it('takes the first hop back when the second is refused, and only then reports the failure', async () => {
    const seller = await floor.newSeller('transfer');
    await floor.platform.control('PATCH', '/settings', { balance_transfers_enabled: false });

    const reference = await floor.begin(seller, 40_00n);
    await floor.untilHeard(reference, 'FundingTransferFailed');
    await floor.platform.control('PATCH', '/settings', { balance_transfers_enabled: true });

    const [transfer] = await floor.service.listFor(reference);
    expect(transfer).toMatchObject({
      status: 'returned',
      moneyAt: 'platform',
      isUnsettled: false,
      returnedMinor: 41_00n,
    });
    expect(transfer!.hops.map((hop) => [hop.kind, hop.status])).toEqual([
      ['transfer', 'done'],
      ['balance_transfer', 'failed'],
      ['transfer_reversal', 'done'],
    ]);
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 0 });
    expect(await floor.balances(seller)).toEqual({ marketplace_funds: 40_00, payout_owed: -40_00 });
    await floor.untilExplained(seller);
    await expect(floor.beginReclaim(seller, reference, 40_00n)).rejects.toThrow(/ever reached/);
  });

  it('refuses a second transfer for a promise whose first is on its way', async () => {
    const seller = await floor.newSeller('transfer', 'FR');
    const reference = await floor.begin(seller, 20_00n);

    await expect(floor.begin(seller, 20_00n, reference)).rejects.toThrow(/still on its way/);

    expect(await floor.service.listFor(reference)).toHaveLength(1);
  });
});

describe('back', () => {
  it('brings a part back by the mirror image, and the rest later', async () => {
    const seller = await floor.newSeller('transfer');
    const reference = await funded(seller, 250_00n);

    const first = await floor.beginReclaim(seller, reference, 70_00n, { bufferMinor: 0n });
    await floor.untilHeard(reference, 'ReclaimSettled');

    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 181_00 });
    const [outward, inward] = await floor.service.listFor(reference);
    expect(outward).toMatchObject({ status: 'partially_returned', returnedMinor: 70_00n });
    expect(inward).toMatchObject({ id: first, status: 'settled', moneyAt: 'platform', failure: null });
    expect(await floor.ledger.findPayoutTerms(reference)).toMatchObject({
      owedMinor: 180_00n,
      reclaimingMinor: 0n,
      reclaimedMinor: 70_00n,
      probeBufferMinor: 1_00n,
    });

    await floor.beginReclaim(seller, reference, 180_00n);
    await floor.until(reference, (transfer) => transfer.id !== first && transfer.status === 'settled');
    expect((await floor.service.listFor(reference))[0]).toMatchObject({ status: 'returned', returnedMinor: 251_00n });
    expect(await floor.balances(seller)).toEqual({});
    await floor.untilExplained(seller);
  });

  it('takes no more than is left of each transfer when a promise had several', async () => {
    const seller = await floor.newSeller('transfer');
    const reference = await funded(seller, 30_00n);
    await floor.begin(seller, 20_00n, reference);
    await floor.until(reference, (transfer) => transfer.status === 'settled' && transfer.amountMinor === 20_00n);

    await floor.beginReclaim(seller, reference, 30_00n, { bufferMinor: 2_00n });
    const reclaim = await floor.until(reference, (each) => each.direction === 'in' && each.status === 'settled');

    const reversals = reclaim.hops.filter((hop) => hop.kind === 'transfer_reversal');
    expect(reversals.map((hop) => hop.amountMinor)).toEqual([31_00n, 1_00n]);
    expect((await floor.service.listFor(reference)).map((each) => each.status)).toEqual([
      'returned',
      'partially_returned',
      'settled',
    ]);
    await floor.untilExplained(seller);
  });

  it("waits a business day in the seller's payments balance where Stripe does", async () => {
    const seller = await floor.newSeller('transfer', 'DE');
    const reference = await floor.begin(seller, 90_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'funds_in_transit');
    await floor.platform.advance(4 * 86_400);
    await floor.untilHeard(reference, 'FundingTransferSettled');

    await floor.beginReclaim(seller, reference, 90_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'reclaim_in_transit');
    expect(await floor.balances(seller)).toMatchObject({ reclaim_in_transit: 91_00, payout_reclaiming: -90_00 });
    await floor.platform.advance(4 * 86_400);
    await floor.untilHeard(reference, 'ReclaimSettled');

    expect(await floor.balances(seller)).toEqual({});
    await floor.untilExplained(seller);
  });

  it('brings aftercare home: money that came in after close', async () => {
    const seller = await floor.newSeller('transfer');
    const reference = await funded(seller, 20_00n);
    await floor.database.transaction((tx) =>
      floor.ledger.post(tx, {
        kind: 'refund',
        sourceId: `ipi_${reference}`,
        connectedAccountId: seller.id,
        payoutId: reference,
        occurredAt: floor.clock.now(),
        postings: [
          debit(accounts.payoutOwed(reference, 'usd'), money(5_00n, 'usd')),
          credit(accounts.aftercare(reference, 'usd'), money(5_00n, 'usd')),
        ],
      }),
    );

    await floor.beginReclaim(seller, reference, 0n, { bufferMinor: 0n, aftercareMinor: 5_00n });
    await floor.untilHeard(reference, 'ReclaimSettled');

    expect(await floor.ledger.findPayoutTerms(reference)).toMatchObject({ aftercareMinor: 0n, reclaimedMinor: 0n });
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 16_00 });
  });

  it('reports a reclaim that Stripe refuses at the first hop: everything is where it was', async () => {
    const seller = await floor.newSeller('transfer');
    const reference = await funded(seller, 50_00n);
    await floor.platform.control('PATCH', '/settings', { balance_transfers_enabled: false });

    await floor.beginReclaim(seller, reference, 50_00n);
    await floor.untilHeard(reference, 'ReclaimFailed');
    await floor.platform.control('PATCH', '/settings', { balance_transfers_enabled: true });

    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 51_00 });
    expect(await floor.balances(seller)).toMatchObject({ issuing_available: 51_00, payout_reclaiming: -50_00 });
    expect(await floor.service.getUnsettled(reference)).toEqual([]);
  });

  it('knows where the money stands when the middle balance was drained, and brings it home in pieces', async () => {
    const seller = await floor.newSeller('transfer');
    const reference = await funded(seller, 70_00n);
    await floor.fault({ on: 'request', action: 'rate_limit', path: '/v1/transfers/*/reversals', times: 2 });

    await floor.beginReclaim(seller, reference, 70_00n);
    await floor.until(reference, (transfer) => transfer.moneyAt === 'seller_payments');
    await drain(seller, 60_00);
    await floor.untilHeard(reference, 'ReclaimDelayed');

    const held = await floor.until(reference, (transfer) => transfer.failure !== null);
    expect(held).toMatchObject({
      status: 'in_transit',
      moneyAt: 'seller_payments',
      isUnsettled: true,
      failure: { code: 'seller_payments_drained' },
    });
    expect(await floor.balances(seller)).toMatchObject({ seller_payments: 71_00, payout_reclaiming: -70_00 });

    // What is left of it comes home at the next look; the rest when the balance grows.
    await floor.service.balanceAvailable(seller.stripeAccountId);
    await floor.until(reference, (transfer) => transfer.returnedMinor === 11_00n);
    expect(await floor.balances(seller)).toMatchObject({ seller_payments: 60_00, payout_reclaiming: -59_00 });

    await floor.platform.stripe.transfers.create({
      amount: 75_00,
      currency: 'usd',
      destination: seller.stripeAccountId,
    });
    await floor.service.balanceAvailable(seller.stripeAccountId);
    await floor.untilHeard(reference, 'ReclaimSettled');
    expect(await floor.balances(seller)).toEqual({});
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 15_00, issuing: 0 });
    expect(floor.listener.of(reference).filter((fact) => fact === 'ReclaimDelayed')).toHaveLength(1);
  });

  it('brings back what the transfers brought when more is to come back, and names the excess, which stays in sight', async () => {
    const seller = await floor.newSeller('transfer');
    const reference = await funded(seller, 100_00n);
    const other = await funded(seller, 50_00n);

    await floor.beginReclaim(seller, reference, 100_00n, { bufferMinor: 31_00n });
    await floor.untilHeard(reference, 'ReclaimDelayed');

    const waiting = await floor.until(reference, (transfer) => transfer.failure !== null);
    const excess = {
      status: 'in_transit',
      moneyAt: 'seller_payments',
      isUnsettled: true,
      returnedMinor: 101_00n,
      failure: { code: 'no_transfer_left' },
    };
    expect(waiting).toMatchObject(excess);
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 30_00, issuing: 21_00 });
    expect(await floor.balances(seller)).toMatchObject({ seller_payments: 30_00, issuing_available: 21_00 });
    expect(await floor.ledger.findPayoutTerms(reference)).toMatchObject({
      reclaimingMinor: 0n,
      reclaimedMinor: 100_00n,
    });

    // Looked at again, it takes nothing of the other promise's transfer, and says so once.
    await floor.service.check(waiting.id);
    await floor.service.balanceAvailable(seller.stripeAccountId);
    expect((await floor.service.listFor(reference)).at(-1)).toMatchObject(excess);
    expect((await floor.service.listFor(other)).at(-1)).toMatchObject({ status: 'settled', returnedMinor: 0n });
    expect(floor.listener.of(reference).filter((fact) => fact === 'ReclaimDelayed')).toHaveLength(1);
    await floor.untilExplained(seller);
  });

  it("never takes another promise's money for a reclaim that was drained", async () => {
    const seller = await floor.newSeller('transfer');
    const drained = await funded(seller, 50_00n);
    await floor.fault({ on: 'request', action: 'rate_limit', path: '/v1/transfers/*/reversals', times: 2 });
    await floor.beginReclaim(seller, drained, 50_00n);
    await floor.until(drained, (transfer) => transfer.moneyAt === 'seller_payments');
    await drain(seller, 51_00);
    await floor.untilHeard(drained, 'ReclaimDelayed');

    // Another promise's money is between its two hops while the drained reclaim looks again.
    await floor.fault({ on: 'request', action: 'rate_limit', path: '/v1/balance_transfers', times: 2 });
    const other = await floor.begin(seller, 300_00n);
    await floor.until(other, (transfer) => transfer.moneyAt === 'seller_payments');
    const [reclaim] = await floor.service.getUnsettled(drained);
    await floor.service.check(reclaim!.id);
    await floor.untilHeard(other, 'FundingTransferSettled');

    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 301_00 });
    expect((await floor.service.listFor(drained)).at(-1)).toMatchObject({ status: 'in_transit', returnedMinor: 0n });
  });
});

describe('under fire', () => {
  it('moves each sum once, whatever the network does to the calls', async () => {
    const seller = await floor.newSeller('transfer');
    for (const action of ['drop_before', 'drop_after', 'lock_timeout', 'rate_limit']) {
      for (const path of ['/v1/transfers*', '/v1/balance_transfers']) {
        await floor.fault({ on: 'request', method: 'POST', action, path, probability: 0.3, times: 2 });
      }
    }
    // Replays its 500 under the same key: the object has to be looked for.
    await floor.fault({ on: 'request', method: 'POST', action: 'error_500_after', path: '/v1/transfers', times: 1 });
    await floor.fault({
      on: 'request',
      method: 'POST',
      action: 'error_500_after',
      path: '/v1/balance_transfers',
      times: 1,
    });

    const references = await Promise.all(Array.from({ length: 4 }, (_, n) => floor.begin(seller, BigInt(10_00 + n))));
    for (const reference of references) await floor.untilHeard(reference, 'FundingTransferSettled', 90_000);
    const total = references.reduce((sum, _reference, n) => sum + 11_00 + n, 0);
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: total });

    await Promise.all(references.map((reference, n) => floor.beginReclaim(seller, reference, BigInt(10_00 + n))));
    for (const reference of references) await floor.untilHeard(reference, 'ReclaimSettled', 90_000);
    await floor.platform.control('DELETE', '/faults');

    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 0 });
    expect(await floor.balances(seller)).toEqual({});
    await floor.untilExplained(seller);
    expect(await floor.platform.books()).toMatchObject({ balanced: true });
  }, 200_000);

  it('shows an outcome nobody knows, sends nothing again before it is ruled out, and then goes on', async () => {
    const seller = await floor.newSeller('transfer');
    // Stripe's own fault before it did anything: its 500 is stored, and replayed to the same key.
    await floor.fault({ on: 'request', action: 'error_500_before', method: 'POST', path: '/v1/transfers', times: 1 });

    const reference = await floor.begin(seller, 15_00n);
    const unknown = await floor.until(reference, (transfer) => transfer.status === 'unknown');
    expect(unknown).toMatchObject({ moneyAt: 'platform', isUnsettled: true, hops: [{ status: 'unknown' }] });
    await floor.service.check(unknown.id);
    expect(await floor.balances(seller)).toMatchObject({ payout_owed: -15_00 });

    // Past the key's life it is looked for twice more and proven never made.
    floor.clock.advance(25 * 3_600_000);
    await floor.untilHeard(reference, 'FundingTransferSettled', 60_000);
    floor.clock.advance(-25 * 3_600_000);
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 16_00 });
  }, 120_000);

  it('loses nothing when a worker dies between the answer of Stripe and its record', async () => {
    const seller = await floor.newSeller('transfer');
    const settled = floor.service.callSettled.bind(floor.service);
    let deaths = 0;
    const dying = jest.spyOn(floor.service, 'callSettled').mockImplementation(async (tx, call) => {
      await settled(tx, call);
      deaths += 1;
      if (deaths % 2 === 1) throw new Error('The worker died before it could commit.');
    });

    const reference = await funded(seller, 33_00n);
    await floor.beginReclaim(seller, reference, 33_00n);
    await floor.untilHeard(reference, 'ReclaimSettled', 40_000);
    dying.mockRestore();

    expect(deaths).toBe(8);
    expect(await floor.balances(seller)).toEqual({});
    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 0 });
    expect((await floor.platform.stripe.transfers.list({ transfer_group: reference })).data).toHaveLength(1);
    await floor.untilExplained(seller);
  });

  it('does not care how often and by how many workers it is woken', async () => {
    const seller = await floor.newSeller('transfer');
    const reference = await floor.begin(seller, 60_00n);
    const [transfer] = await floor.service.listFor(reference);

    for (let round = 0; round < 20; round += 1) {
      await Promise.all([1, 2, 3].map(() => floor.service.check(transfer!.id)));
      await floor.service.balanceAvailable(seller.stripeAccountId);
    }
    await floor.untilHeard(reference, 'FundingTransferSettled');
    await Promise.all([1, 2, 3].map(() => floor.service.check(transfer!.id)));

    expect(await floor.stripeBalances(seller)).toEqual({ payments: 0, issuing: 61_00 });
    expect(floor.listener.of(reference)).toEqual(['FundingTransferSettled']);
  });
});
