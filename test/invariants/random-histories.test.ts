import fc from 'fast-check';
import { PayoutsService } from '../../src/payouts/payouts.service';
import { WebhookInboxService } from '../../src/webhook-inbox/webhook-inbox.service';
import { startTestApp, TestApp } from '../support/app';
import { Json } from '../support/http';
import { expectLedgerToBalance } from '../support/ledger';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { histories, History, Player, untilStill } from './history';

// Many more: TEST_HISTORIES=300. The same again: TEST_HISTORIES_SEED, and what fast-check says of the path.
const runs = Number(process.env['TEST_HISTORIES'] ?? 2);
const seed = Number(process.env['TEST_HISTORIES_SEED'] ?? 20_261_121);
const path = process.env['TEST_HISTORIES_PATH'];
const country = process.env['TEST_HISTORIES_COUNTRY'] === 'DE' ? 'DE' : 'US';
const commandsMax = Number(process.env['TEST_HISTORIES_COMMANDS'] ?? 10);
/** Sellers whose histories run side by side; most of the time of one is waiting. */
const together = Number(process.env['TEST_HISTORIES_TOGETHER'] ?? 2);
const mayShrink = process.env['TEST_HISTORIES_SHRINK'] === '1';

const quietMs = 90_000;
const bankDaysMax = 12;
// More came back than was ever sent: no transfer is left that could be reversed, and the timeline says so.
const namedWaits = ['reclaim.delayed', 'reclaim.failed', 'overspend.cover_failed'];
const overStatuses = ['settled', 'expired', 'canceled', 'failed'];

jest.setTimeout(60_000 + runs * 120_000);

describe('random histories of payouts', () => {
  let app: TestApp;
  let scenario: Scenario;

  beforeAll(async () => {
    app = await startTestApp();
    scenario = new Scenario(app);
    await scenario.fundPlatform(500_000_00, 'usd');
    await scenario.fundPlatform(500_000_00, 'eur');
  });

  afterAll(() => app?.stop());

  /** What is still to be done, by name. Expiries that are not due are not. */
  async function openWork(): Promise<string[]> {
    const rows = await app.database.query<{ what: string }>(
      `select type || ' ' || status as what from stripe_events where status not in ('handled', 'ignored')
       union all
       select name || ' ' || state || ' ' || coalesce(left(output::text, 300), '') from pgboss.job
        where state = 'active' and name not like '%sweep%'
           or state in ('created', 'retry') and name not like '%sweep%' and name not like '%check%'
              and start_after <= now() + case when name = 'expire-payout' then interval '15 s' else interval '1 min' end`,
    );
    return rows.map(({ what }) => what);
  }

  /** Until Stripe has told everything, missed events are fetched, and nothing is left to do; bank days pass. */
  async function untilQuiet(seller: Seller): Promise<void> {
    await untilNoWork(seller);
    // What no webhook told.
    const inbox = app.app.get(WebhookInboxService);
    for (const account of [null, seller.stripeAccount]) await inbox.sweep(account);
    await untilNoWork(seller);
  }

  async function untilNoWork(seller: Seller): Promise<void> {
    let last: string[] = [];
    let bankDays = 0;
    const isQuiet = async () => {
      await scenario.untilTold();
      last = await openWork();
      if (last.length > 0) return false;
      if (seller.country === 'US' || bankDays === bankDaysMax || !(await isAtTheBank(seller))) return true;
      bankDays += 1;
      await scenario.stripe.control('POST', '/clock/advance', { seconds: 86_400 });
      return false;
    };
    await untilStill('everything to be quiet', isQuiet, quietMs).catch((error: unknown) => {
      throw new Error(`never quiet: ${last.join('; ')}`, { cause: error });
    });
  }

  async function isAtTheBank(seller: Seller): Promise<boolean> {
    const { ledger } = await scenario.finance.get(`/v1/connected-accounts/${seller.id}/balance`);
    return (ledger.funds_in_transit ?? 0) !== 0 || (ledger.reclaim_in_transit ?? 0) !== 0;
  }

  /** The moment of the next try has come for everything of the seller that waits for one. */
  async function retryNow(seller: Seller): Promise<number> {
    const rows = await app.database.query(
      `with due as (update payouts set retry_at = now() - interval '1 s'
                     where connected_account_id = $1 and retry_at > now() returning 1) select * from due`,
      [seller.id],
    );
    await app.app.get(PayoutsService).wakeOverdue();
    return rows.length;
  }

  async function expectAllToHold(player: Player): Promise<void> {
    const { seller } = player;
    await expectEachPayoutToBeConserved(player);
    await expectAccountToBalance(seller);
    await expectReconciled(seller);
  }

  async function expectEachPayoutToBeConserved(player: Player): Promise<void> {
    for (const { id, amount } of player.played) {
      const payout = await scenario.payout(id);
      const statement = await scenario.finance.get(`/v1/payouts/${id}/statement`);
      expect(statement).toMatchObject({ proof: { balanced: true, accepted: amount }, chain: { whole: true } });
      const { proof } = statement;
      for (const term of ['owed', 'held', 'reclaiming', 'paid', 'reclaimed', 'released', 'overspent']) {
        expect([term, proof[term] >= 0]).toEqual([term, true]);
      }

      // Stripe's own card transactions, all of them once and no other.
      const cards = (await player.cardsOf(id)).map((card: Json) => card.stripe_card_id).filter(Boolean);
      const lines: Json[] = [];
      const authorizations: Json[] = [];
      for (const card of cards) {
        const query = `?card=${card}&limit=100`;
        const { stripeAccount } = player.seller;
        lines.push(...(await scenario.stripe.get(`/v1/issuing/transactions${query}`, stripeAccount)).data);
        const made = (await scenario.stripe.get(`/v1/issuing/authorizations${query}`, stripeAccount)).data;
        // One use of one card, whatever was tried.
        const uses = made.filter((each: Json) => each.approved && firstAmount(each) > 100);
        expect([card, uses.length <= 1]).toEqual([card, true]);
        authorizations.push(...made);
      }
      const booked = await app.database.query<{ id: string; amount: string }>(
        'select stripe_transaction_id as id, amount_minor as amount from card_transactions where payout_id = $1',
        [id],
      );
      expect(booked.map((row) => `${row.id} ${row.amount}`).sort()).toEqual(
        lines.map((line) => `${line.id} ${line.amount}`).sort(),
      );
      const held = await app.database.query<{ held: string }>(
        'select coalesce(sum(held_minor), 0) as held from authorizations where payout_id = $1',
        [id],
      );
      const heldAtStripe = authorizations.reduce(
        (sum, each) => sum - each.balance_transactions.reduce((net: number, line: Json) => net + line.amount, 0),
        0,
      );
      expect([id, 'held', Number(held[0]!.held)]).toEqual([id, 'held', heldAtStripe]);
      await expectToBeOverOrToWait(payout, heldAtStripe);
    }
  }

  function firstAmount(authorization: Json): number {
    const [first] = authorization.request_history;
    return first ? first.amount : authorization.amount;
  }

  /** What ended is closed, or waits for a hold before its expiry or for a next try that its timeline names. */
  async function expectToBeOverOrToWait(payout: Json, held: number): Promise<void> {
    if (!overStatuses.includes(payout.status)) {
      expect([payout.id, payout.status, payout.failure]).not.toEqual([payout.id, 'failed', null]);
      return;
    }
    const waitsForHold = held > 0;
    const [row] = await app.database.query<{ retry: Date | null }>(
      'select retry_at as retry from payouts where id = $1',
      [payout.id],
    );
    if (waitsForHold || row!.retry !== null) return;
    const { data } = await scenario.marketplace.get(`/v1/payouts/${payout.id}/timeline`);
    const said = data.findLast((entry: Json) => /^(reclaim|overspend)\.|^status/.test(entry.kind));
    if (!namedWaits.includes(said?.kind)) {
      throw new Error(`${payout.id} is ${payout.status} and waits for nothing: ${JSON.stringify([payout, data])}`);
    }
  }

  /** The invariant of a connected account, from the postings, and our Issuing balance against Stripe's. */
  async function expectAccountToBalance(seller: Seller): Promise<void> {
    const rows = await app.database.query<{ name: string; amount: string }>(
      `select split_part(p.account, ':', 1) as name, sum(p.amount_minor) as amount
         from postings p
        where p.connected_account_id = $1
          and (split_part(p.account, ':', 1) <> 'payout_owed'
               or exists (select from payout_balances b where b.is_funded and p.account like 'payout_owed:' || b.payout_id || ':%'))
        group by 1`,
      [seller.id],
    );
    const of = (...names: string[]) =>
      names.reduce((sum, name) => sum + Number(rows.find((row) => row.name === name)?.amount ?? 0), 0);
    const assets = of(
      'issuing_available',
      'issuing_held',
      'funds_in_transit',
      'reclaim_in_transit',
      'seller_payments',
      'seller_receivable',
    );
    const liabilities =
      0 -
      of(
        'payout_owed',
        'payout_held',
        'payout_reclaiming',
        'probe_buffer',
        'aftercare',
        'dispute_provisional',
        'seller_float',
      );
    expect({ of: seller.id, assets, rows }).toEqual({ of: seller.id, assets: liabilities, rows });
    const { ledger, stripe } = await scenario.finance.get(`/v1/connected-accounts/${seller.id}/balance`);
    expect({ of: seller.id, ours: ledger.issuing_available }).toEqual({
      of: seller.id,
      ours: stripe.issuing_available,
    });
    expect(of('suspense')).toBe(0);
  }

  async function expectReconciled(seller: Seller): Promise<void> {
    const started = await scenario.finance.post('/v1/reconciliation-runs', { connected_account: seller.id });
    await waitFor('the run to end', async () => {
      const { status } = await scenario.finance.get(`/v1/reconciliation-runs/${started.id}`);
      return status !== 'running';
    });
    const { data } = await scenario.finance.get(
      `/v1/reconciliation-breaks?status=open&connected_account=${seller.id}&limit=100`,
    );
    const unexplained = [];
    for (const found of data) {
      // Captures beyond what was there, until the cover arrives: a merchant's doing, and named.
      const isOverdrawn = found.type === 'negative_balance';
      if (!isOverdrawn) unexplained.push(found);
    }
    expect(unexplained).toEqual([]);
    for (const name of ['settlement', 'unspent', 'reclaims', 'authorizations', 'funding', 'ledger']) {
      const { summary } = await scenario.finance.get(`/v1/reports/${name}?connected_account=${seller.id}`);
      expect({ name, ...summary }).toEqual({ name, ...summary, ties: true });
    }
  }

  /** Everything ended and came home, but for what stands in for an overspend. */
  async function expectNothingLeft(player: Player): Promise<void> {
    const payouts = await Promise.all(player.played.map(({ id }) => scenario.payout(id)));
    const [waiting] = await app.database.query<{ count: number }>(
      // A reclaim held up half-way keeps the next one of its payout waiting.
      `select (select count(*) from payouts where connected_account_id = $1 and retry_at is not null)::int
            + (select count(*) from funding_transfers where connected_account_id = $1 and is_unsettled)::int as count`,
      [player.seller.id],
    );
    if (payouts.some(({ status }) => status !== 'closed') || waiting!.count > 0) return;
    const { stripe } = await scenario.finance.get(`/v1/connected-accounts/${player.seller.id}/balance`);
    expect({ left: stripe.issuing_available }).toEqual({ left: 0 });
  }

  async function tell(history: History): Promise<void> {
    const seller = await scenario.onboardedSeller({ country });
    const player = new Player(
      scenario,
      seller,
      () => untilQuiet(seller),
      () => app.clock.now(),
    );
    try {
      await player.play(history);
      await scenario.stripe.control('DELETE', '/faults');
      await untilQuiet(seller);
      await expectAllToHold(player);
      if (!history.isEnded) return;
      await player.end();
      for (let tries = 0; tries < 3; tries += 1) {
        await untilQuiet(seller);
        if ((await retryNow(seller)) === 0) break;
      }
      await untilQuiet(seller);
      await expectAllToHold(player);
      await expectNothingLeft(player);
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      const facts = await Promise.all(player.played.map(({ id }) => scenario.payout(id).catch(() => id)));
      const lines = await scenario.stripe.get('/v1/balance_transactions?limit=100', seller.stripeAccount);
      const moves = lines.data.map((line: Json) => `${line.type} ${line.balance_type} ${line.amount} ${line.source}`);
      throw new Error([said, ...player.log, JSON.stringify(facts), ...moves.toReversed()].join('\n'), { cause: error });
    }
  }

  it('conserve every cent, whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(histories(commandsMax), { minLength: 1, maxLength: together, size: 'max' }),
        async (all) => {
          const outcomes = await Promise.allSettled(all.map((history) => tell(history)));
          const failures = outcomes
            .filter((outcome) => outcome.status === 'rejected')
            .map(({ reason }) => String(reason));
          if (failures.length > 0) throw new Error(failures.join('\n\n'));
        },
      ),
      { numRuns: runs, seed, ...(path === undefined ? {} : { path }), endOnFailure: !mayShrink },
    );
    await expectLedgerToBalance(app);
  });
});
