import { createHmac, randomBytes } from 'node:crypto';
import { webhookEventTypes } from '../../src/stripe/stripe-webhook-setup';
import { startTestApp, TestApp } from '../support/app';
import { Json } from '../support/http';
import { expectLedgerToBalance } from '../support/ledger';
import { ReadyPayout, Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';

jest.setTimeout(90_000);

describe('whatever Stripe tells, and however often', () => {
  let app: TestApp;
  let scenario: Scenario;
  let seller: Seller;

  beforeAll(async () => {
    app = await startTestApp();
    scenario = new Scenario(app);
    // From the first event on, each comes twice.
    await scenario.stripe.control('POST', '/faults', { on: 'webhook', action: 'duplicate', times: 100_000 });
    await scenario.fundPlatform(1_000_00);
    seller = await scenario.onboardedSeller();
  });

  afterAll(() => app?.stop());

  /** Events that Stripe keeps of the platform and the seller, oldest first, as its webhooks carry them. */
  async function eventsAtStripe(): Promise<Json[]> {
    const events: Json[] = [];
    for (const account of [undefined, seller.stripeAccount]) {
      for (let after = ''; ;) {
        const page = await scenario.stripe.get(`/v1/events?limit=100${after && `&starting_after=${after}`}`, account);
        for (const event of page.data) events.push(account ? { ...event, account } : event);
        if (!page.has_more) break;
        after = page.data.at(-1).id;
      }
    }
    const heard = new Set<string>(webhookEventTypes);
    return events
      .filter((event) => heard.has(event.type))
      .sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
  }

  async function deliver(event: Json): Promise<void> {
    const body = JSON.stringify(event);
    const seconds = Math.floor(Date.now() / 1_000);
    const secret = app.config.stripeWebhookSecrets[event.account ? 1 : 0]!;
    const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const { status } = await fetch(`${app.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': `t=${seconds},v1=${signature}` },
      body,
    });
    expect([event.type, status]).toEqual([event.type, 200]);
  }

  /** Until every stored event and every job that is due has been worked off. */
  async function untilDone(): Promise<void> {
    await scenario.untilTold();
    await waitFor('all events and jobs to be done', async () => {
      const [open] = await app.database.query<{ events: string; jobs: string }>(
        `select (select count(*) from stripe_events where status not in ('handled', 'ignored')) as events,
                (select count(*) from pgboss.job where state = 'active' or (state in ('created', 'retry') and start_after <= now())) as jobs`,
      );
      return open!.events === '0' && open!.jobs === '0';
    });
  }

  /** Everything an effect could be seen in. */
  async function effects(): Promise<Record<string, unknown[]>> {
    const { query } = { query: (sql: string) => app.database.query(sql) };
    return {
      entries: await query('select kind, source_id, payout_id, hash from journal_entries order by id'),
      postings: await query('select account, amount_minor from postings order by id'),
      matches: await query('select balance_transaction_id, journal_entry_id from ledger_matches order by 1'),
      payouts: await query('select id, status, outcome, card_id from payouts order by id'),
      cards: await query('select id, status from cards order by id'),
      authorizations: await query('select id, status, approved, held_minor from authorizations order by id'),
      cardTransactions: await query('select id, kind, amount_minor from card_transactions order by id'),
      fundingTransfers: await query('select id, direction, status, amount_minor from funding_transfers order by id'),
      calls: await query('select id, kind, status, attempts from stripe_calls order by id'),
      told: await query('select type, payout_id from outgoing_events order by sequence'),
      transfersAtStripe: (await scenario.stripe.get('/v1/transfers?limit=100')).data.map(
        (transfer: Json) => `${transfer.id} ${transfer.amount} ${transfer.amount_reversed}`,
      ),
      cardsAtStripe: (await scenario.stripe.get('/v1/issuing/cards?limit=100', seller.stripeAccount)).data.map(
        (card: Json) => `${card.id} ${card.status}`,
      ),
    };
  }

  async function entryCounts(payoutId: string): Promise<Record<string, number>> {
    const rows = await app.database.query<{ kind: string; count: number }>(
      'select kind, count(*)::int as count from journal_entries where payout_id = $1 group by kind',
      [payoutId],
    );
    return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
  }

  /** Our Issuing balance is Stripe's, and nothing is left on it. */
  async function expectAtRest(payout: ReadyPayout): Promise<void> {
    await waitFor('the seller’s Issuing balance to be empty, here and at Stripe', async () => {
      const { ledger, stripe } = await scenario.finance.get(`/v1/connected-accounts/${seller.id}/balance`);
      return ledger.issuing_available === 0 && stripe.issuing_available === 0;
    });
    const statement = await scenario.finance.get(`/v1/payouts/${payout.id}/statement`);
    expect(statement).toMatchObject({ proof: { balanced: true }, chain: { whole: true } });
    await expectLedgerToBalance(app);
  }

  it('has each effect once when every event comes twice, and all of them again in reverse as new ones', async () => {
    const payout = await scenario.readyPayout(seller, 100_00);
    const { id } = await scenario.purchase(payout, 80_00);
    await scenario.capture(payout, id);
    await scenario.untilStatus(payout, 'closed');
    await scenario.refund(payout, 30_00);
    await waitFor('the refund', async () => (await entryCounts(payout.id))['refund'] === 1);
    await untilDone();
    await expectAtRest(payout);
    await untilDone();
    const before = await effects();

    const events = await eventsAtStripe();
    for (const event of events.toReversed()) {
      await deliver(event);
      // To the inbox this one is unheard of: only the object it is about can tell that its effect is there.
      await deliver({ ...event, id: `evt_${randomBytes(12).toString('hex')}` });
    }
    await untilDone();

    expect(new Set(events.map((event) => event.type)).size).toBeGreaterThan(8);
    expect(await effects()).toEqual(before);
    expect(await entryCounts(payout.id)).toMatchObject({
      capture: 1,
      refund: 1,
      hold: 1,
      hold_released: 1,
      funding_transfer: 1,
    });
    await expectAtRest(payout);
  });

  it('has each effect once when all of a card’s events come late, the last one first, and each twice', async () => {
    const payout = await scenario.readyPayout(seller, 100_00);
    await untilDone();
    const known = new Set((await eventsAtStripe()).map((event) => event.id));
    await scenario.stripe.control('DELETE', '/faults');
    await scenario.stripe.control('POST', '/faults', {
      on: 'webhook',
      action: 'drop',
      type: 'issuing_*',
      times: 100_000,
    });
    const { id } = await scenario.purchase(payout, 80_00);
    await scenario.capture(payout, id);
    await scenario.refund(payout, 30_00);
    await scenario.untilTold();
    await scenario.stripe.control('DELETE', '/faults');

    const unheard = (await eventsAtStripe()).filter((event) => !known.has(event.id));
    for (const event of unheard.toReversed()) {
      await Promise.all([
        deliver(event),
        deliver({ ...event, id: `evt_${randomBytes(12).toString('hex')}` }),
        deliver(event),
      ]);
    }

    const closed = await scenario.untilStatus(payout, 'closed');
    await expectAtRest(payout);
    await untilDone();
    expect(unheard.length).toBeGreaterThan(3);
    expect(await entryCounts(payout.id)).toMatchObject({ capture: 1, refund: 1, hold: 1, hold_released: 1 });
    const told = await app.database.query<{ type: string }>(
      `select type from outgoing_events where payout_id = $1 and type like 'card_transaction.%' order by type`,
      [payout.id],
    );
    expect(told.map(({ type }) => type)).toEqual(['card_transaction.captured', 'card_transaction.refunded']);
    // 80.00 left with the merchant, 30.00 came back; whether into the payout or after it depends on what was heard first.
    expect([80_00, 50_00]).toContain(closed.paid);
    expect(closed.overspent).toBe(0);
  });
});
