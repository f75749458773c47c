import { CardWorld, dollars } from '../authorizations/world';
import { waitFor } from '../support/wait-for';

describe('an overspend', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('is covered at once, so that the seller’s other card still pays all of it; a refund brings the cover home', async () => {
    const other = await world.readyPayout(dollars(40));
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));

    const { transactions } = await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(120) },
      world.onSeller,
    );

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(100), overspent: dollars(20) });
    expect(await world.statement(payout.id)).toMatchObject({ proof: { balanced: true, overspent: dollars(20) } });
    const covered = await world.ledger();
    expect(covered['seller_receivable']).toBe(BigInt(dollars(20)));
    // One unit of the other payout's, and twenty that stand in for what was spent beyond this one.
    expect(covered['probe_buffer']).toBe(-BigInt(dollars(1) + dollars(20)));
    await world.expectBooksToMatch();
    const purchase = await world.charge(other, dollars(40));
    expect(purchase.approved).toBe(true);
    await world.merchant.authorizations.capture(purchase.id, {}, world.onSeller);
    await world.waitForPayout(other.id, { status: 'closed', paid: dollars(40) });

    await world.merchant.transactions.refund(transactions[0]!.id, { refund_amount: dollars(120) }, world.onSeller);

    await waitFor('all of it to be home', async () => {
      const ledger = await world.ledger();
      const stops = ['issuing_available', 'seller_payments', 'reclaim_in_transit', 'seller_receivable'] as const;
      return [...stops, 'probe_buffer', 'aftercare'].every((account) => (ledger[account] ?? 0n) === 0n);
    });
    await world.expectBooksToMatch();
  });

  it('of a card check beside a fully spent payout is covered by the unit that was moved for it', async () => {
    const payout = await world.readyPayout(dollars(100));
    const probe = await world.charge(payout, dollars(1));
    expect(probe.approved).toBe(true);
    const purchase = await world.charge(payout, dollars(100));
    expect(purchase.approved).toBe(true);
    await world.merchant.authorizations.capture(purchase.id, {}, world.onSeller);

    await world.merchant.authorizations.capture(probe.id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(100), overspent: dollars(1) });
    const ledger = await world.ledger();
    expect(ledger['issuing_available'] ?? 0n).toBe(0n);
    await world.expectBooksToMatch();
  });
});
