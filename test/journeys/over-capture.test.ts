import { CardTransactionsService } from '../../src/card-transactions/card-transactions.service';
import { CardWorld, dollars } from '../authorizations/world';
import { waitFor } from '../support/wait-for';

describe('capturing what was authorized, and more', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('captures part, and brings the rest back', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.charge(payout, dollars(180));

    await world.merchant.authorizations.capture(id, { capture_amount: dollars(150) }, world.onSeller);

    await world.waitForPayout(payout.id, {
      status: 'closed',
      paid: dollars(150),
      reclaimed: dollars(100),
      held: 0,
      owed: 0,
      overspent: 0,
    });
    const [captured] = await world.cardTransactions(payout.id);
    expect(captured).toMatchObject({
      kind: 'capture',
      type: 'capture',
      amount: -dollars(150),
      paid: dollars(150),
      overspent: 0,
    });
    expect(await world.statement(payout.id)).toMatchObject({ proof: { balanced: true, paid: dollars(150) } });
    await world.expectBooksToMatch();
  });

  it('takes a tip from what is left of the payout', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.charge(payout, dollars(180));

    await world.merchant.authorizations.capture(id, { capture_amount: dollars(200) }, world.onSeller);

    await world.waitForPayout(payout.id, {
      status: 'closed',
      paid: dollars(200),
      reclaimed: dollars(50),
      overspent: 0,
    });
    expect(await world.cardTransactions(payout.id)).toMatchObject([{ kind: 'over_capture', overspent: 0 }]);
    await world.expectBooksToMatch();
  });

  it('books what goes beyond the payout as the seller’s debt, never as another payout’s money', async () => {
    const other = await world.readyPayout(dollars(40));
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(100));

    await world.merchant.authorizations.capture(id, { capture_amount: dollars(120) }, world.onSeller);

    const [captured] = await world.waitForCardTransactions(payout.id, 1);
    expect(captured).toMatchObject({ kind: 'over_capture', paid: dollars(100), overspent: dollars(20) });
    expect(await world.payout(payout.id)).toMatchObject({ paid: dollars(100), overspent: dollars(20), owed: 0 });
    expect(await world.payout(other.id)).toMatchObject({ status: 'ready', owed: dollars(40) });
    expect(await world.eventTypes(payout.id)).toContain('payout.overspent');
    const items = (await world.get(`/v1/aftercare-items?payout=${payout.id}`))['data'];
    expect(items).toMatchObject([{ overspent: dollars(20) }]);
    await world.expectBooksToMatch();
  });

  it('captures in several parts, each once, and settles when the last hold is gone', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.charge(payout, dollars(200));

    await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(60), close_authorization: false },
      world.onSeller,
    );
    await world.waitForPayout(payout.id, {
      status: 'authorized',
      paid: dollars(60),
      held: dollars(140),
      owed: dollars(50),
    });
    await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(90), close_authorization: false },
      world.onSeller,
    );
    await world.waitForPayout(payout.id, { status: 'authorized', paid: dollars(150), held: dollars(50) });
    await world.merchant.authorizations.reverse(id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(150), held: 0, reclaimed: dollars(100) });
    expect(await world.cardTransactions(payout.id)).toHaveLength(2);
    await world.expectBooksToMatch();
  });

  it('settles although the events of the capture are lost', async () => {
    const payout = await world.readyPayout(dollars(80));
    const { id } = await world.charge(payout, dollars(80));
    await world.control('POST', '/faults', { on: 'webhook', action: 'drop', type: 'issuing_transaction.created' });

    await world.merchant.authorizations.capture(id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(80) });
    await world.expectBooksToMatch();
  });

  it('books all of several captures together when the events of every one are lost', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.charge(payout, dollars(200));
    await world.control('POST', '/faults', { on: 'webhook', action: 'drop', type: 'issuing_*', times: 100 });
    await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(60), close_authorization: false },
      world.onSeller,
    );
    await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(80), close_authorization: false },
      world.onSeller,
    );
    const { transactions } = await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(60) },
      world.onSeller,
    );
    await world.control('GET', '/deliveries?wait_seconds=10');
    await world.control('DELETE', '/faults');
    expect(transactions).toHaveLength(3);
    expect(await world.cardTransactions(payout.id)).toEqual([]);

    // One of them comes to light, however.
    await world.app.app.get(CardTransactionsService).sync(transactions[1]!.id, world.stripeAccount);

    expect(await world.cardTransactions(payout.id)).toMatchObject([
      { kind: 'capture', overspent: 0 },
      { kind: 'capture', overspent: 0 },
      { kind: 'capture', overspent: 0 },
    ]);
    const [{ times }] = (await world.app.database.query<{ times: number }>(
      `select count(distinct created_at)::int as times from journal_entries where payout_id = $1 and kind in ('capture', 'hold_released')`,
      [payout.id],
    )) as [{ times: number }];
    // In one transaction: it has one time.
    expect(times).toBe(1);
    await world.waitForPayout(payout.id, {
      status: 'closed',
      paid: dollars(200),
      reclaimed: dollars(50),
      overspent: 0,
    });
    await world.expectBooksToMatch();
  });

  it('books what becomes of the hold while a capture of it is being booked', async () => {
    const payout = await world.readyPayout(dollars(100));
    const { id } = await world.charge(payout, dollars(60));
    const { database } = world.app;
    const exists = async (what: string, ...values: unknown[]) =>
      (await database.query(`select ${what}`, values)).length > 0;
    // The purchase and the end of the card's one use are known; nothing else will ask about the authorization.
    await world.authorization(id, ({ network_outcome }) => network_outcome === 'approved');
    await waitFor('the news of the used card', () =>
      exists(
        `1 from pgboss.job where name like 'on.CardCanceled.Authorizations%' and state = 'completed' and data->>'cardId' = $1`,
        payout.cardId,
      ),
    );

    await database.transaction(async (tx) => {
      await tx.query('select 1 from payouts where id = $1 for update', [payout.id]);
      await world.merchant.authorizations.capture(
        id,
        { capture_amount: dollars(20), close_authorization: false },
        world.onSeller,
      );
      await waitFor('the capture to wait for the payout', () =>
        exists(`1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
      );
      await world.merchant.authorizations.reverse(id, { reverse_amount: dollars(10) }, world.onSeller);
      await world.control('GET', '/deliveries?wait_seconds=10');
      // Told of the reversal while the capture is not booked, it leaves both to those who book the capture.
      await waitFor(
        'the news of the authorization to be handled',
        async () => !(await exists(`1 from stripe_events where object_id = $1 and status = 'pending'`, id)),
      );
    });

    await world.waitForPayout(payout.id, {
      status: 'authorized',
      paid: dollars(20),
      held: dollars(30),
      owed: dollars(50),
    });
    await world.expectBooksToMatch();
  });

  it('extends the hold by increments, and captures it all', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.charge(payout, dollars(100));

    await world.merchant.authorizations.increment(id, { increment_amount: dollars(20) }, world.onSeller);
    await world.merchant.authorizations.increment(id, { increment_amount: dollars(20) }, world.onSeller);
    await world.waitForPayout(payout.id, { held: dollars(140), owed: dollars(110) });
    await world.merchant.authorizations.capture(id, {}, world.onSeller);

    await world.waitForPayout(payout.id, { status: 'closed', paid: dollars(140), reclaimed: dollars(110) });
    const receipt = await world.authorization(id);
    expect(receipt['requests']).toMatchObject([
      { sequence: 0, kind: 'purchase', network_outcome: 'approved', difference: null },
      { sequence: 1, kind: 'increment', network_outcome: 'approved', difference: null },
      { sequence: 2, kind: 'increment', network_outcome: 'approved', difference: null },
    ]);
    await world.expectBooksToMatch();
  });

  it('keeps what the merchant charged in a currency of its own', async () => {
    const payout = await world.readyPayout(dollars(250));
    const { id } = await world.merchant.authorizations.create(
      { card: payout.stripeCardId, merchant_amount: dollars(100), merchant_currency: 'eur' },
      world.onSeller,
    );

    await world.merchant.authorizations.capture(id, {}, world.onSeller);

    const [captured] = await world.waitForCardTransactions(payout.id, 1);
    expect(captured).toMatchObject({
      amount: -110_00,
      currency: 'usd',
      merchant_amount: -100_00,
      merchant_currency: 'eur',
    });
    await world.waitForPayout(payout.id, { status: 'closed', paid: 110_00 });
    await world.expectBooksToMatch();
  });
});
