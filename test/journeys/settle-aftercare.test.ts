import { CardWorld, dollars, ReadyPayout } from '../authorizations/world';
import { waitFor } from '../support/wait-for';

describe('settling what a seller owes', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  /** A payout of a hundred that a merchant captured a hundred and twenty of, covered. */
  async function overspentPayout(): Promise<{ payout: ReadyPayout; item: string }> {
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));
    await world.merchant.authorizations.capture(id, { capture_amount: dollars(120) }, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', overspent: dollars(20) });
    const [item] = (await world.get(`/v1/aftercare-items?payout=${payout.id}`))['data'] as Record<string, unknown>[];
    expect(item).toMatchObject({ overspent: dollars(20), age_days: 0, settlement: null });
    return { payout, item: String(item!['id']) };
  }

  const change = (before: Record<string, bigint>, after: Record<string, bigint>) =>
    Object.fromEntries(
      Object.entries(after)
        .map(([account, amount]) => [account, Number(amount - (before[account] ?? 0n))] as const)
        .filter(([, amount]) => amount !== 0),
    );

  async function expectNoBreaks(): Promise<void> {
    await world.expectBooksToMatch();
    const { id } = await world.post('/v1/reconciliation-runs', {});
    await waitFor('the run to end', async () => {
      const { status } = await world.get(`/v1/reconciliation-runs/${String(id)}`);
      return status === 'completed';
    });
    expect((await world.get('/v1/reconciliation-breaks?status=open'))['data']).toEqual([]);
  }

  it.each([
    { action: 'collected', where: 'external_bank' },
    { action: 'written_off', where: 'losses' },
  ])('as $action ends the debt with its cover, once', async ({ action, where }) => {
    const { payout, item } = await overspentPayout();
    const before = await world.ledger();

    const settled = await world.post(`/v1/aftercare-items/${item}/settle`, { action, note: 'Agreed by telephone.' });

    expect(settled).toMatchObject({
      id: item,
      settlement: { action, amount: dollars(20), note: 'Agreed by telephone.' },
    });
    expect(change(before, await world.ledger())).toEqual({
      probe_buffer: dollars(20),
      seller_receivable: -dollars(20),
      [where]: dollars(20),
      marketplace_funds: -dollars(20),
    });
    expect(await world.payout(payout.id)).toMatchObject({ status: 'closed', overspent: 0, paid: dollars(100) });
    expect((await world.get(`/v1/aftercare-items?payout=${payout.id}`))['data']).toMatchObject([
      { settlement: { action } },
    ]);
    await expect(world.post(`/v1/aftercare-items/${item}/settle`, { action, note: 'Again.' })).rejects.toThrow(
      'aftercare_item_already_settled',
    );
    expect(await world.statement(payout.id)).toMatchObject({ proof: { balanced: true, overspent: 0 } });
    await expectNoBreaks();
  });

  it('is finance’s, not the marketplace’s nor the auditor’s', async () => {
    const { payout, item } = await overspentPayout();
    const settleAs = async (role: 'marketplace' | 'auditor' | 'finance') => {
      const response = await fetch(`${world.app.url}/v1/aftercare-items/${item}/settle`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${world.app.keys[role]}`,
          'content-type': 'application/json',
          'idempotency-key': `settle-${role}`,
        },
        body: JSON.stringify({ action: 'written_off', note: 'Not worth a letter.' }),
      });
      return response.status;
    };

    expect([await settleAs('marketplace'), await settleAs('auditor')]).toEqual([403, 403]);
    expect(await world.payout(payout.id)).toMatchObject({ overspent: dollars(20) });
    expect(await settleAs('finance')).toBe(200);
    expect(await world.payout(payout.id)).toMatchObject({ overspent: 0 });
  });

  it('waits for the cover, and refuses what is not owed', async () => {
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));
    await world.control('POST', '/faults', {
      on: 'request',
      method: 'POST',
      path: '/v1/transfers',
      action: 'rate_limit',
      times: 20,
    });
    await world.merchant.authorizations.capture(id, { capture_amount: dollars(120) }, world.onSeller);
    const [row] = await world.waitForCardTransactions(payout.id, 1);
    const settle = () =>
      world.post(`/v1/aftercare-items/${String(row!['id'])}/settle`, { action: 'collected', note: 'By bank.' });

    await expect(settle()).rejects.toThrow('overspend_not_covered_yet');

    expect((await world.ledger())['external_bank'] ?? 0n).toBe(BigInt(dollars(20)));
    await expect(
      world.post('/v1/aftercare-items/cardtx_nothing/settle', { action: 'collected', note: 'No such thing.' }),
    ).rejects.toThrow('aftercare_item_not_found');
  });

  it('of what a refund made good settles nothing', async () => {
    await world.control('DELETE', '/faults');
    // The cover that the faults held up: until it is there, it is missing where the next card spends.
    await waitFor('the cover held up before', async () => {
      const { probe_buffer: cover = 0n, seller_receivable: debt = 0n } = await world.ledger();
      return -cover >= debt;
    });
    const { payout, item } = await overspentPayout();
    const rows = await world.cardTransactions(payout.id);
    await world.merchant.transactions.refund(
      String(rows[0]!['stripe_transaction_id']),
      { refund_amount: dollars(20) },
      world.onSeller,
    );
    await world.waitForPayout(payout.id, { overspent: 0 });

    await expect(
      world.post(`/v1/aftercare-items/${item}/settle`, { action: 'collected', note: 'Too late.' }),
    ).rejects.toThrow('nothing_to_settle');
    await world.expectBooksToMatch();
  });
});
