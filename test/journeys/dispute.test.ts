import type Stripe from 'stripe';
import { DisputesService } from '../../src/disputes/disputes.service';
import { WebhookInboxService } from '../../src/webhook-inbox/webhook-inbox.service';
import { CardWorld, dollars, ReadyPayout } from '../authorizations/world';
import { waitFor } from '../support/wait-for';

describe('disputes', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  async function spentPayout(captured = dollars(100)): Promise<{ payout: ReadyPayout; transaction: string }> {
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));
    const { transactions } = await world.merchant.authorizations.capture(
      id,
      { capture_amount: captured },
      world.onSeller,
    );
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(100) });
    return { payout, transaction: transactions[0]!.id };
  }

  /** At Stripe, as the marketplace does it. */
  async function submitted(transaction: string): Promise<Stripe.Issuing.Dispute> {
    const { disputes } = world.app.stripe.issuing;
    const evidence = { reason: 'not_received', not_received: { explanation: 'The order never came.' } } as const;
    const { id } = await disputes.create({ transaction, evidence }, world.onSeller);
    return disputes.submit(id, {}, world.onSeller);
  }

  async function decide({ id }: Stripe.Issuing.Dispute, outcome: string): Promise<void> {
    await world.control('POST', `/disputes/${id}/outcome`, { outcome }, world.stripeAccount);
  }

  async function waitForDispute(payout: ReadyPayout, expected: Record<string, unknown>) {
    return waitFor(`the dispute to say ${JSON.stringify(expected)}`, async () => {
      const [row] = (await world.get(`/v1/disputes?payout=${payout.id}`))['data'] as Record<string, unknown>[];
      return row && Object.entries(expected).every(([key, value]) => row[key] === value) ? row : undefined;
    });
  }

  async function balanceOf(account: string): Promise<bigint> {
    return (await world.ledger())[account] ?? 0n;
  }

  async function waitUntilHome(): Promise<void> {
    await waitFor('all of it to be home', async () => {
      const ledger = await world.ledger();
      const stops = ['issuing_available', 'seller_payments', 'reclaim_in_transit', 'aftercare', 'dispute_provisional'];
      return stops.every((account) => (ledger[account] ?? 0n) === 0n);
    });
  }

  async function expectNoBreaks(): Promise<void> {
    await world.expectBooksToMatch();
    const { id } = await world.post('/v1/reconciliation-runs', {});
    await waitFor('the run to end', async () => {
      const { status } = await world.get(`/v1/reconciliation-runs/${String(id)}`);
      return status === 'completed';
    });
    expect((await world.get('/v1/reconciliation-breaks?status=open'))['data']).toEqual([]);
  }

  it('keep a provisional credit apart until they are won; then it goes where a refund goes', async () => {
    const { payout, transaction } = await spentPayout();
    const dispute = await submitted(transaction);
    await decide(dispute, 'provisional_credit');

    await waitForDispute(payout, { status: 'submitted', provisional: dollars(100), returned: 0 });
    expect(await balanceOf('dispute_provisional')).toBe(-BigInt(dollars(100)));
    // It may be taken back: nothing of it is reclaimed.
    expect(await balanceOf('issuing_available')).toBe(BigInt(dollars(100)));
    await world.expectBooksToMatch();

    await decide(dispute, 'won');

    const row = await waitForDispute(payout, { status: 'won', provisional: 0, returned: dollars(100) });
    expect(row).toMatchObject({ stripe_dispute_id: dispute.id, reason: 'not_received', aftercare: dollars(100) });
    expect(await world.get(`/v1/disputes/${String(row['id'])}`)).toEqual(row);
    const items = (await world.get(`/v1/aftercare-items?payout=${payout.id}`))['data'];
    expect(items).toMatchObject([
      {
        id: row['id'],
        kind: 'dispute',
        stripe_dispute_id: dispute.id,
        card_transaction: row['card_transaction'],
        amount: dollars(100),
        aftercare: dollars(100),
        overspent: 0,
        is_after_close: true,
        settlement: null,
      },
    ]);
    await expect(
      world.post(`/v1/aftercare-items/${String(row['id'])}/settle`, { action: 'collected', note: 'Nothing is owed.' }),
    ).rejects.toThrow('nothing_to_settle');
    await waitUntilHome();
    const types = await world.eventTypes(payout.id);
    expect(types.filter((type) => type.startsWith('dispute.'))).toEqual(['dispute.opened', 'dispute.closed']);
    expect(await world.statement(payout.id)).toMatchObject({ proof: { balanced: true } });
    await expectNoBreaks();
  });

  it('lose the provisional credit when they are lost', async () => {
    const { payout, transaction } = await spentPayout();
    const dispute = await submitted(transaction);
    await decide(dispute, 'provisional_credit');
    await waitForDispute(payout, { provisional: dollars(100) });

    await decide(dispute, 'lost');

    await waitForDispute(payout, { status: 'lost', provisional: 0, returned: 0 });
    expect(await balanceOf('dispute_provisional')).toBe(0n);
    expect(await world.payout(payout.id)).toMatchObject({ status: 'closed', paid: dollars(100) });
    await expectNoBreaks();
  });

  it('won without a provisional credit make good the overspend first', async () => {
    const { payout, transaction } = await spentPayout(dollars(120));
    const dispute = await submitted(transaction);

    await decide(dispute, 'won');

    await waitForDispute(payout, {
      status: 'won',
      returned: dollars(120),
      overspent: -dollars(20),
      aftercare: dollars(100),
    });
    await waitUntilHome();
    expect(await world.payout(payout.id)).toMatchObject({ overspent: 0, paid: dollars(100) });
    await expectNoBreaks();
  });

  it('are booked once, though each event comes twice and in another order', async () => {
    const { payout, transaction } = await spentPayout();
    await world.control('POST', '/faults', { on: 'webhook', action: 'duplicate', type: 'issuing_dispute*', times: 20 });
    await world.control('POST', '/faults', { on: 'webhook', action: 'reorder', type: 'issuing_dispute*', times: 20 });

    const dispute = await submitted(transaction);
    await decide(dispute, 'provisional_credit');
    await decide(dispute, 'won');

    const row = await waitForDispute(payout, { status: 'won', provisional: 0, returned: dollars(100) });
    await world.control('GET', '/deliveries?wait_seconds=10');
    await world.control('DELETE', '/faults');
    const disputes = world.app.app.get(DisputesService);
    await Promise.all(Array.from({ length: 5 }, () => disputes.sync(dispute.id, world.stripeAccount)));
    const entries = await world.app.database.query<{ kind: string }>(
      `select kind from journal_entries where payout_id = $1 and kind like 'dispute%' order by kind`,
      [payout.id],
    );
    expect(entries.map(({ kind }) => kind)).toEqual(['dispute_credit', 'dispute_won']);
    expect((await world.get(`/v1/disputes?payout=${payout.id}`))['data']).toMatchObject([{ id: row['id'] }]);
    const types = await world.eventTypes(payout.id);
    expect(types.filter((type) => type.startsWith('dispute.'))).toEqual(['dispute.opened', 'dispute.closed']);
    await waitUntilHome();
    await expectNoBreaks();
  });

  it('are followed though every one of their events is lost', async () => {
    const { payout, transaction } = await spentPayout();
    await world.control('POST', '/faults', { on: 'webhook', action: 'drop', type: 'issuing_dispute*', times: 50 });
    const dispute = await submitted(transaction);
    await decide(dispute, 'provisional_credit');
    await decide(dispute, 'lost');
    await world.control('GET', '/deliveries?wait_seconds=10');
    await world.control('DELETE', '/faults');
    expect((await world.get(`/v1/disputes?payout=${payout.id}`))['data']).toEqual([]);

    await world.app.app.get(WebhookInboxService).sweep(world.stripeAccount);

    await waitForDispute(payout, { status: 'lost', provisional: 0, returned: 0 });
    await expectNoBreaks();
  });

  it('won while the payout is open go back into it, and come home with the rest', async () => {
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));
    const { transactions } = await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(60), close_authorization: false },
      world.onSeller,
    );
    await world.waitForPayout(payout.id, { status: 'authorized', paid: dollars(60), held: dollars(40) });
    const dispute = await submitted(transactions[0]!.id);
    await decide(dispute, 'provisional_credit');
    await waitForDispute(payout, { provisional: dollars(60) });
    // What may be taken back is nobody's to spend.
    expect(await world.payout(payout.id)).toMatchObject({ paid: dollars(60), owed: 0, held: dollars(40) });

    await decide(dispute, 'won');

    await waitForDispute(payout, { status: 'won', returned: dollars(60), paid: -dollars(60), aftercare: 0 });
    await world.waitForPayout(payout.id, { status: 'authorized', paid: 0, owed: dollars(60), held: dollars(40) });
    await world.merchant.authorizations.capture(id, { capture_amount: dollars(40) }, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(40), reclaimed: dollars(60) });
    expect((await world.get(`/v1/aftercare-items?payout=${payout.id}`))['data']).toEqual([]);
    await expectNoBreaks();
  });

  it('lost without a credit move nothing', async () => {
    const { payout, transaction } = await spentPayout();
    const before = await world.ledger();

    await decide(await submitted(transaction), 'lost');

    expect(await waitForDispute(payout, { status: 'lost' })).toMatchObject({ provisional: 0, returned: 0 });
    expect(await world.ledger()).toEqual(before);
    await world.expectBooksToMatch();
  });
});
