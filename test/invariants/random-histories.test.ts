import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { PayoutProgressService } from '../../src/payouts/payout-progress.service';
import { reportNames } from '../../src/reports/report.types';
import { WebhookInboxService } from '../../src/webhook-inbox/webhook-inbox.service';
import { startTestApp, TestApp } from '../support/app';
import { Json } from '../support/http';
import { expectLedgerToBalance } from '../support/ledger';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { scanDatabase } from './card-number-scan';
import { histories, History, Player, Rail, rails, untilStill } from './history';

// Many more: TEST_HISTORIES=2000. The same again: TEST_HISTORIES_SEED, and what fast-check says of the path.
const count = Number(process.env['TEST_HISTORIES'] ?? 60);
const seed = Number(process.env['TEST_HISTORIES_SEED'] ?? 20_261_121);
const path = process.env['TEST_HISTORIES_PATH'];
const commandsMax = Number(process.env['TEST_HISTORIES_COMMANDS'] ?? 12);
/** Histories that run side by side on the same sellers; most of the time of one is waiting. */
const together = Number(process.env['TEST_HISTORIES_TOGETHER'] ?? 30);
const mayShrink = process.env['TEST_HISTORIES_SHRINK'] === '1';

const quietMs = 120_000;
const bankDaysMax = 12;
const floatMinor = 500_000_00;
// More came back than was ever sent: no transfer is left that could be reversed, and the timeline says so.
const namedWaits = ['reclaim.delayed', 'reclaim.failed', 'overspend.cover_failed'];
const overStatuses = ['settled', 'expired', 'canceled', 'failed'];

jest.setTimeout(120_000 + count * 20_000);

interface Wave {
  readonly histories: readonly History[];
  /** What Stripe does with a purchase that we do not answer. */
  readonly unanswered: 'approve' | 'decline';
  /** Afterwards merchants let go of what they hold, and the marketplace cancels what it can. */
  readonly isEnded: boolean;
}

const waves = (size: number, railsOf: readonly Rail[]): fc.Arbitrary<Wave> =>
  fc.record({
    histories: fc.array(histories(commandsMax, railsOf), { minLength: size, maxLength: size, size: 'max' }),
    unanswered: fc.constantFrom('approve', 'decline'),
    isEnded: fc.boolean(),
  });

describe('random histories of payouts', () => {
  let app: TestApp;
  let scenario: Scenario;
  let played = 0;

  beforeAll(async () => {
    app = await startTestApp();
    scenario = new Scenario(app);
    for (let times = 0; times < 5; times += 1) await scenario.fundPlatform(900_000_00, 'usd');
    await scenario.fundPlatform(900_000_00, 'eur');
    await scenario.stripe.control('PATCH', '/settings', { topup_delay_seconds: 1, payout_delay_seconds: 1 });
  });

  afterAll(async () => {
    const file = process.env['TEST_HISTORIES_TALLY'];
    if (app && file !== undefined) writeFileSync(file, JSON.stringify(await whatHappened(), null, 2));
    await app?.stop();
  });

  /** How often each kind of fact came about: what the histories reached, and what they never do. */
  async function whatHappened(): Promise<Record<string, number>> {
    const rows = await app.database.query<{ what: string; times: number }>(
      `select 'entry ' || kind as what, count(*)::int as times from journal_entries group by 1
       union all select 'card transaction ' || kind, count(*)::int from card_transactions group by 1
       union all select 'dispute ' || status, count(*)::int from disputes group by 1
       union all select 'authorization ' || status, count(*)::int from authorizations group by 1
       union all select 'payout ' || status || ' ' || coalesce(outcome, ''), count(*)::int from payouts group by 1
       union all select 'funding ' || rail || ' ' || direction || ' ' || status, count(*)::int from funding_transfers group by 1
       union all select 'histories', ${played} order by 1`,
    );
    return Object.fromEntries(rows.map(({ what, times }) => [what, times]));
  }

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
  async function untilQuiet(sellers: readonly Seller[]): Promise<void> {
    await untilNoWork(sellers);
    // What no webhook told.
    const inbox = app.app.get(WebhookInboxService);
    for (const account of [null, ...sellers.map(({ stripeAccount }) => stripeAccount)]) await inbox.sweep(account);
    await untilNoWork(sellers);
  }

  async function untilNoWork(sellers: readonly Seller[]): Promise<void> {
    let last: string[] = [];
    let bankDays = 0;
    const isQuiet = async () => {
      await scenario.untilTold();
      last = await openWork();
      if (last.length > 0) return false;
      const waiting = await Promise.all(sellers.map((seller) => isAtTheBank(seller)));
      if (!waiting.includes(true)) return true;
      if (bankDays === bankDaysMax) return true;
      bankDays += 1;
      await scenario.stripe.control('POST', '/clock/advance', { seconds: sellers[0]!.country === 'US' ? 2 : 86_400 });
      return false;
    };
    await untilStill('everything to be quiet', isQuiet, quietMs).catch((error: unknown) => {
      throw new Error(`never quiet: ${last.join('; ')}`, { cause: error });
    });
  }

  /** Where money takes a business day, a day passes at Stripe whenever money waits for one. */
  async function whileDaysPass(sellers: readonly Seller[], play: () => Promise<void>): Promise<void> {
    let isPlaying = true;
    const playing = play().finally(() => (isPlaying = false));
    const calendar = async () => {
      while (isPlaying) {
        for (const seller of sellers) {
          if (seller.country !== 'US' && (await isAtTheBank(seller))) {
            await scenario.stripe.control('POST', '/clock/advance', { seconds: 86_400 });
          }
        }
        await new Promise((done) => setTimeout(done, 500));
      }
    };
    await Promise.all([playing, calendar()]);
  }

  async function isAtTheBank(seller: Seller): Promise<boolean> {
    const [row] = await app.database.query<{ waits: boolean }>(
      `select exists (select 1 from funding_transfers where connected_account_id = $1 and is_unsettled
                         and money_at in ('funds_in_transit', 'reclaim_in_transit')) as waits`,
      [seller.id],
    );
    return row!.waits;
  }

  /** The moment of the next try has come for everything of the sellers that waits for one. */
  async function retryNow(sellers: readonly Seller[]): Promise<number> {
    const rows = await app.database.query(
      `with due as (update payouts set retry_at = now() - interval '1 s'
                     where connected_account_id = any($1) and retry_at > now() returning 1) select * from due`,
      [sellers.map(({ id }) => id)],
    );
    await app.app.get(PayoutProgressService).wakeOverdue();
    return rows.length;
  }

  async function expectAllToHold(sellers: readonly Seller[], players: readonly Player[]): Promise<void> {
    for (const player of players) await expectToBeConserved(player);
    for (const seller of sellers) {
      await expectStripesFactsToBeBooked(seller);
      await expectAccountToBalance(seller);
      await expectReconciled(seller);
    }
  }

  async function expectToBeConserved({ id, amount }: Player): Promise<void> {
    const statement = await scenario.finance.get(`/v1/payouts/${id}/statement`);
    expect(statement).toMatchObject({ proof: { balanced: true, accepted: amount }, chain: { whole: true } });
    const { proof } = statement;
    for (const term of ['owed', 'held', 'reclaiming', 'paid', 'reclaimed', 'released', 'overspent'] as const) {
      expect([id, term, proof[term] >= 0]).toEqual([id, term, true]);
    }
    const [held] = await app.database.query<{ held: string }>(
      'select coalesce(sum(held_minor), 0) as held from authorizations where payout_id = $1',
      [id],
    );
    await expectToBeOverOrToWait(await scenario.payout(id), Number(held!.held));
  }

  /** Stripe's own card transactions and holds, all of them once and no other; one use of one card, whatever was tried. */
  async function expectStripesFactsToBeBooked({ id, stripeAccount }: Seller): Promise<void> {
    const lines = await listAll('/v1/issuing/transactions', stripeAccount);
    const booked = await app.database.query<{ id: string; amount: string }>(
      'select stripe_transaction_id as id, amount_minor as amount from card_transactions where connected_account_id = $1',
      [id],
    );
    expect(booked.map((row) => `${row.id} ${row.amount}`).sort()).toEqual(
      lines.map((line) => `${line.id} ${line.amount}`).sort(),
    );

    const authorizations = await listAll('/v1/issuing/authorizations', stripeAccount);
    const uses = new Map<string, number>();
    for (const { approved, card, request_history: requests, amount } of authorizations) {
      if (approved && (requests.at(-1)?.amount ?? amount) > 100) uses.set(card.id, (uses.get(card.id) ?? 0) + 1);
    }
    expect([...uses].filter(([, times]) => times > 1)).toEqual([]);
    const known = await app.database.query<{ id: string; held: string }>(
      'select stripe_authorization_id as id, held_minor as held from authorizations where connected_account_id = $1 and held_minor <> 0',
      [id],
    );
    const heldAtStripe = authorizations
      .map((each) => ({
        id: String(each.id),
        held: -each.balance_transactions.reduce((net: number, line: Json) => net + line.amount, 0),
      }))
      .filter(({ held }) => held !== 0);
    expect(known.map((row) => `${row.id} ${row.held}`).sort()).toEqual(
      heldAtStripe.map((each) => `${each.id} ${each.held}`).sort(),
    );
  }

  async function listAll(address: string, stripeAccount: string): Promise<Json[]> {
    const found: Json[] = [];
    for (;;) {
      const after = found.length === 0 ? '' : `&starting_after=${found.at(-1).id}`;
      const { data, has_more: hasMore } = await scenario.stripe.get(`${address}?limit=100${after}`, stripeAccount);
      found.push(...data);
      if (!hasMore) return found;
    }
  }

  /** What ended is closed, or waits for a hold before its expiry or for a next try that its timeline names. */
  async function expectToBeOverOrToWait(payout: Json, held: number): Promise<void> {
    if (!overStatuses.includes(payout.status)) {
      expect([payout.id, payout.status, payout.failure]).not.toEqual([payout.id, 'failed', null]);
      return;
    }
    const [row] = await app.database.query<{ retry: Date | null }>(
      'select retry_at as retry from payouts where id = $1',
      [payout.id],
    );
    if (held > 0 || row!.retry !== null) return;
    const { data } = await scenario.marketplace.get(`/v1/payouts/${payout.id}/timeline`);
    const said = data.findLast((entry: Json) => /^(reclaim|overspend)\.|^status/.test(entry.kind));
    // Held up half-way, whatever else was done meanwhile.
    const isHeldUp = data.some(
      ({ kind, detail }: Json) => kind === 'reclaim' && detail.status === 'in_transit' && detail.failure !== null,
    );
    if (!namedWaits.includes(said?.kind ?? '') && !isHeldUp) {
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
               or exists (select from payout_balances b where b.is_funded and b.payout_id = p.payout_id))
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
    if (assets !== liabilities) {
      throw new Error(
        `${seller.id} has ${assets} and owes ${liabilities}: ${JSON.stringify([rows, await unbalanced(seller)])}`,
      );
    }
    const { ledger, stripe } = await scenario.finance.get(`/v1/connected-accounts/${seller.id}/balance`);
    expect({ of: seller.id, ours: ledger.issuing_available }).toEqual({
      of: seller.id,
      ours: stripe.issuing_available,
    });
    expect(of('suspense')).toBe(0);
  }

  /** The payouts whose own entries do not balance on the account, with all they posted there. */
  async function unbalanced(seller: Seller): Promise<Json[]> {
    return app.database.query(
      `select e.payout_id, b.is_funded, array_agg(e.kind || ' ' || split_part(p.account, ':', 1) || ' ' || p.amount_minor order by p.id) as lines
         from journal_entries e join postings p on p.journal_entry_id = e.id left join payout_balances b on b.payout_id = e.payout_id
        where e.connected_account_id = $1
        group by 1, 2
       having sum(p.amount_minor) filter (where split_part(p.account, ':', 1) not in
                ('platform_payments', 'marketplace_funds', 'external_bank', 'losses', 'stripe_fees', 'suspense')
                and (b.is_funded or split_part(p.account, ':', 1) <> 'payout_owed')) <> 0`,
      [seller.id],
    );
  }

  async function expectReconciled(seller: Seller): Promise<void> {
    const started = await scenario.finance.post('/v1/reconciliation-runs', { connected_account: seller.id });
    await waitFor(
      'the run to end',
      async () => {
        const { status } = await scenario.finance.get(`/v1/reconciliation-runs/${started.id}`);
        return status !== 'running';
      },
      60_000,
      100,
    );
    const { data } = await scenario.finance.get(
      `/v1/reconciliation-breaks?status=open&connected_account=${seller.id}&limit=100`,
    );
    // Captures beyond what was there, until the cover arrives: a merchant's doing, and named.
    expect(data.filter(({ type }: Json) => type !== 'negative_balance')).toEqual([]);
    await expectReportsToTie(`?connected_account=${seller.id}`);
    const month = app.clock.now().toISOString().slice(0, 7);
    const statement = await scenario.finance.get(`/v1/connected-accounts/${seller.id}/statements?month=${month}`);
    expect(statement).toMatchObject({ ties: true, opening_balance: 0 });
  }

  async function expectReportsToTie(query = ''): Promise<void> {
    for (const name of reportNames) {
      const { summary } = await scenario.finance.get(`/v1/reports/${name}${query}`);
      expect({ name, ...summary }).toEqual({ name, ...summary, ties: true });
    }
  }

  /** Everything ended and came home, but for float and what stands in for an overspend. */
  async function expectNothingLeft(seller: Seller): Promise<void> {
    const [open] = await app.database.query<{ count: number }>(
      // A reclaim held up half-way keeps the next one of its payout waiting; aftercare waits behind it.
      `select (select count(*) from payouts where connected_account_id = $1 and (status <> 'closed' or retry_at is not null))::int
            + (select count(*) from funding_transfers where connected_account_id = $1 and is_unsettled)::int as count`,
      [seller.id],
    );
    if (open!.count > 0) return;
    const { stripe } = await scenario.finance.get(`/v1/connected-accounts/${seller.id}/balance`);
    const [stays] = await app.database.query<{ sum: string }>(
      `select coalesce(-sum(amount_minor), 0) as sum from postings
        where connected_account_id = $1 and (account like 'seller\\_float:%' or account like 'dispute\\_provisional:%')`,
      [seller.id],
    );
    expect({ of: seller.id, left: stripe.issuing_available }).toEqual({ of: seller.id, left: Number(stays!.sum) });
  }

  async function tell({ histories: told, unanswered, isEnded }: Wave, country: 'US' | 'DE'): Promise<void> {
    await scenario.stripe.control('PATCH', '/settings', { authorization_default: unanswered });
    const sellers = new Map<Rail, Seller>();
    for (const rail of new Set(told.map((history) => history.rail))) {
      const seller = await scenario.onboardedSeller({ country, rail });
      sellers.set(rail, seller);
      if (rail !== 'prefunded') continue;
      const float = { amount: floatMinor, currency: seller.currency };
      await scenario.stripe.post('/v1/test_helpers/issuing/fund_balance', float, seller.stripeAccount);
    }
    const all = [...sellers.values()];
    const stage = { scenario, database: app.database, now: () => app.clock.now() };
    const players = told.map((history) => new Player(stage, sellers.get(history.rail)!, history));
    try {
      await whileDaysPass(all, () => settled(players.map((player) => player.play())));
      await scenario.stripe.control('DELETE', '/faults');
      await untilQuiet(all);
      await expectAllToHold(all, players);
      if (isEnded) {
        await settled(players.map((player) => player.end()));
        for (let tries = 0; tries < 3; tries += 1) {
          await untilQuiet(all);
          if ((await retryNow(all)) === 0) break;
        }
        await untilQuiet(all);
        await expectAllToHold(all, players);
        for (const seller of all) await expectNothingLeft(seller);
      }
      played += told.length;
    } catch (error) {
      throw new Error([messageOf(error), ...players.map(storyOf)].join('\n'), { cause: error });
    }
  }

  it('conserve every cent on every rail, whatever happens in whatever order', async () => {
    const size = Math.min(together, count);
    await fc.assert(
      fc.asyncProperty(waves(size, rails), (wave) => tell(wave, 'US')),
      { numRuns: Math.ceil(count / size), seed, ...(path === undefined ? {} : { path }), endOnFailure: !mayShrink },
    );
  });

  it('conserve every cent where money takes a business day', async () => {
    const size = Math.min(together, Math.ceil(count / 10));
    await fc.assert(
      fc.asyncProperty(waves(size, ['transfer']), (wave) => tell(wave, 'DE')),
      { numRuns: Math.ceil(count / 10 / size), seed, endOnFailure: !mayShrink },
    );
  });

  it('leave the whole ledger in order, reports that tie, and no card number anywhere', async () => {
    expect(played).toBeGreaterThanOrEqual(count);
    await expectLedgerToBalance(app);
    await expectReportsToTie();
    const scanned = await scanDatabase(app.databaseUrl, []);
    expect(scanned.found).toEqual([]);
    expect(scanned.rows).toBeGreaterThan(count * 10);
  });
});

/** Waits for all of them, so that none goes on behind a failure. @throws the first failure */
async function settled(running: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(running);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause ? `${error.message} (${messageOf(error.cause)})` : error.message;
}

function storyOf({ id, log }: Player): string {
  return [`--- ${id}`, ...log].join('\n');
}
