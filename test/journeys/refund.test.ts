import { CardWorld, dollars, ReadyPayout } from '../authorizations/world';

describe('refunds', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  async function spend(payout: ReadyPayout, amount: number, captured = amount): Promise<string> {
    const { id } = await world.charge(payout, amount);
    const { transactions } = await world.merchant.authorizations.capture(
      id,
      { capture_amount: captured },
      world.onSeller,
    );
    return transactions[0]!.id;
  }

  it('sends a refund after close back to the platform', async () => {
    const payout = await world.readyPayout(dollars(100));
    const captured = await spend(payout, dollars(100));
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(100) });
    const before = await world.ledger();

    await world.merchant.transactions.refund(captured, { refund_amount: dollars(30) }, world.onSeller);

    const rows = await world.waitForCardTransactions(payout.id, 2);
    expect(rows[0]).toMatchObject({
      kind: 'refund',
      refund_match: 'linked',
      amount: dollars(30),
      aftercare: dollars(30),
      paid: 0,
      is_after_close: true,
      refunded_card_transaction: rows[1]!['id'],
    });
    await world.expectBooksToMatch();
    // The payout stays closed; its money is on its way to the marketplace or there already.
    expect(await world.payout(payout.id)).toMatchObject({ status: 'closed', paid: dollars(100) });
    expect((await world.get(`/v1/aftercare-items?payout=${payout.id}`))['data']).toMatchObject([{ kind: 'refund' }]);
    expect(before['aftercare'] ?? 0n).toBe(0n);
  });

  it('puts a refund before close back into the payout, and it comes home with the rest', async () => {
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));
    const { transactions } = await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(60), close_authorization: false },
      world.onSeller,
    );
    await world.waitForPayout(payout.id, { status: 'authorized', paid: dollars(60), held: dollars(40) });

    await world.merchant.transactions.refund(transactions[0]!.id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { paid: 0, owed: dollars(60), held: dollars(40) });
    await world.merchant.authorizations.capture(id, { capture_amount: dollars(40) }, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(40), reclaimed: dollars(60) });
    await world.expectBooksToMatch();
  });

  it('finds the purchase of a refund that names none', async () => {
    const payout = await world.readyPayout(dollars(100));
    await spend(payout, dollars(70));
    await world.waitForPayout(payout.id, { status: 'closed' });

    await world.merchant.transactions.createUnlinkedRefund(
      { card: payout.stripeCardId, amount: dollars(70) },
      world.onSeller,
    );
    await world.merchant.transactions.createUnlinkedRefund(
      { card: payout.stripeCardId, amount: dollars(90) },
      world.onSeller,
    );

    const rows = await world.waitForCardTransactions(payout.id, 3);
    const byAmount = new Map(rows.map((row) => [row['amount'], row]));
    expect(byAmount.get(dollars(70))).toMatchObject({
      refund_match: 'matched',
      refunded_card_transaction: byAmount.get(-dollars(70))!['id'],
    });
    expect(byAmount.get(dollars(90))).toMatchObject({ refund_match: 'unlinked', refunded_card_transaction: null });
    await world.expectBooksToMatch();
  });

  it('books a refund that the merchant takes back', async () => {
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));
    const { transactions } = await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(60), close_authorization: false },
      world.onSeller,
    );
    await world.waitForPayout(payout.id, { paid: dollars(60) });
    const refund = await world.merchant.transactions.refund(transactions[0]!.id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { paid: 0 });

    await world.control('POST', `/transactions/${refund.id}/reverse_refund`, {}, world.stripeAccount);

    await world.waitForPayout(payout.id, { paid: dollars(60), owed: 0, held: dollars(40) });
    const rows = await world.waitForCardTransactions(payout.id, 3);
    expect(rows.map((row) => row['kind'])).toEqual(['refund_reversal', 'refund', 'capture']);
    await world.expectBooksToMatch();
  });

  it('makes good what was overspent before anything else', async () => {
    const payout = await world.readyPayout(dollars(100));
    const captured = await spend(payout, dollars(100), dollars(120));
    await world.waitForPayout(payout.id, { paid: dollars(100), overspent: dollars(20) });

    await world.merchant.transactions.refund(captured, { refund_amount: dollars(15) }, world.onSeller);

    const rows = await world.waitForCardTransactions(payout.id, 2);
    expect(rows[0]).toMatchObject({ kind: 'refund', overspent: -dollars(15), paid: 0, aftercare: 0 });
    expect(await world.payout(payout.id)).toMatchObject({ overspent: dollars(5), paid: dollars(100) });
    await world.expectBooksToMatch();
  });
});
