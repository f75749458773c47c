import { createHash } from 'node:crypto';
import { SchedulerRegistry } from '@nestjs/schedule';
import { waitFor } from '../support/wait-for';
import { FinanceStory } from './finance-story';

/** What the clock asks for, in the order of the alphabet. */
const cronQueues = [
  'enforce-retention',
  'purge-daily-limits',
  'purge-idempotency-keys',
  'purge-rate-limits',
  'seal-ledger',
  'start-daily-reconciliation',
];

describe('reconciliation', () => {
  let story: FinanceStory;

  beforeAll(async () => {
    story = await FinanceStory.begin();
  });
  afterAll(async () => {
    await story.end();
  });

  it('finds no difference after a whole payout, on the account and on the platform', async () => {
    const seller = await story.seller();
    const payout = await story.readyPayout(seller, 250_00);
    await story.capture(payout, await story.purchase(payout, 180_00));
    await story.untilPayout(payout.id, ['closed']);

    const run = await story.reconcile();

    expect(await story.openBreaks()).toEqual([]);
    expect(run).toMatchObject({ status: 'completed', breaks_open: 0 });
    expect(run.accounts.find((account) => account.connected_account === seller.id)).toMatchObject({
      status: 'completed',
      stripe_issuing: 0,
      ledger_issuing: 0,
      in_flight: 0,
    });
    // Hold, release, capture; payment, out, in, and the same three back; the transfer and its reversal on the platform.
    expect(run.matched).toBeGreaterThanOrEqual(11);
  });

  it('gives the same bytes for the same cut-off, and their hash', async () => {
    const cutoff = new Date(story.app.clock.now().getTime() - 1_000).toISOString();

    const first = await story.reconcile({ cutoff });
    const second = await story.reconcile({ cutoff });
    const report = await story.call('auditor', 'GET', `/v1/reconciliation-runs/${first.id}/report`);

    expect(second.report_sha256).toBe(first.report_sha256);
    expect(createHash('sha256').update(report.text).digest('hex')).toBe(first.report_sha256);
  });

  it('runs once a day by itself, however often the schedules ask, and no schedule fails', async () => {
    const { database, app } = story.app;
    const crons = [...app.get(SchedulerRegistry).getCronJobs().values()];
    expect(crons).toHaveLength(cronQueues.length);
    const fire = async () => {
      for (const cron of crons) await cron.fireOnTick();
      await waitFor('what the schedules asked for', async () => {
        const [row] = await database.query<{ open: number }>(
          `select count(*)::int as open from pgboss.job
            where singleton_key = 'schedule' and state in ('created', 'active', 'retry') and name = any($1)`,
          [cronQueues],
        );
        return row!.open === 0;
      });
    };

    await Promise.all([fire(), fire()]);
    await fire();

    const rows = await database.query<{ name: string; state: string }>(
      `select distinct name, state::text from pgboss.job where singleton_key = 'schedule' and name = any($1) order by 1`,
      [cronQueues],
    );
    expect(rows).toEqual(cronQueues.map((name) => ({ name, state: 'completed' })));
    const runs = await waitFor('the run of the day', async () => {
      const found = await database.query<{ day: string; status: string; account: string | null }>(
        `select scheduled_for::text as day, status, connected_account_id as account from reconciliation_runs
          where scheduled_for is not null`,
      );
      return found.every(({ status }) => status !== 'running') && found;
    });
    expect(runs).toEqual([
      { day: story.app.clock.now().toISOString().slice(0, 10), status: 'completed', account: null },
    ]);
  });

  it('books a capture whose event never came', async () => {
    const seller = await story.seller();
    const payout = await story.readyPayout(seller, 100_00);
    const authorization = await story.purchase(payout, 100_00);
    await story.untilPayout(payout.id, ['authorized']);
    await story.platform.control('POST', '/faults', { on: 'webhook', action: 'drop', account: seller.stripeAccountId });
    await story.capture(payout, authorization);

    const run = await story.reconcile({ connected_account: seller.id });
    await story.platform.control('DELETE', '/faults');

    expect(run.breaks_open).toBe(0);
    expect(run.healed).toBeGreaterThanOrEqual(1);
    const body = await story.untilPayout(payout.id, ['settled', 'closed']);
    expect(body['paid']).toBe(100_00);
    const healed = await story.call<{ data: { key: string; type: string }[] }>(
      'finance',
      'GET',
      `/v1/reconciliation-breaks?status=healed&connected_account=${seller.id}`,
    );
    expect(healed.body.data.map((found) => found.type)).toContain('missing_in_ledger');
  });

  it('names money that nobody can explain, tells the marketplace, and stays quiet once it is explained', async () => {
    const seller = await story.seller();
    await story.app.stripe.rawRequest(
      'POST',
      '/v1/test_helpers/issuing/fund_balance',
      { amount: 77_00, currency: 'usd' },
      { stripeAccount: seller.stripeAccountId },
    );

    const run = await story.reconcile({ connected_account: seller.id });
    const [found] = await story.openBreaks();

    expect(run.breaks_open).toBe(1);
    expect(found).toMatchObject({ type: 'missing_in_ledger', difference: 77_00, evidence: { stripe_minor: 77_00 } });
    const events = await story.call<{ data: { type: string; data: { id?: string } }[] }>(
      'marketplace',
      'GET',
      '/v1/events?limit=100',
    );
    expect(events.body.data.some((event) => event.type === 'reconciliation_break.opened')).toBe(true);

    expect(
      (await story.call('auditor', 'POST', `/v1/reconciliation-breaks/${found!.id}/resolve`, { note: 'x' })).status,
    ).toBe(403);
    expect((await story.call('finance', 'POST', `/v1/reconciliation-breaks/${found!.id}/resolve`, {})).status).toBe(
      400,
    );
    const resolved = await story.call('finance', 'POST', `/v1/reconciliation-breaks/${found!.id}/resolve`, {
      note: 'A gift.',
    });
    expect(resolved.body).toMatchObject({ status: 'resolved', note: 'A gift.' });
    const twice = await story.call('finance', 'POST', `/v1/reconciliation-breaks/${found!.id}/resolve`, {
      note: 'Again.',
    });
    expect([twice.status, twice.body['code']]).toEqual([409, 'reconciliation_break_not_open']);
    expect((await story.reconcile({ connected_account: seller.id })).breaks_open).toBe(0);
  });

  it('corrects the ledger when two people say so', async () => {
    const seller = await story.seller();
    await story.app.stripe.rawRequest(
      'POST',
      '/v1/test_helpers/issuing/fund_balance',
      { amount: 33_00, currency: 'usd' },
      { stripeAccount: seller.stripeAccountId },
    );
    await story.reconcile({ connected_account: seller.id });
    const [found] = await story.openBreaks();
    const path = `/v1/reconciliation-breaks/${found!.id}`;

    expect((await story.call('admin', 'POST', `${path}/approve`)).body['code']).toBe('correction_not_proposed');
    const proposed = await story.call('finance', 'POST', `${path}/resolve`, {
      note: 'Unknown sender.',
      correct_against: 'suspense',
    });
    expect(proposed.body).toMatchObject({ status: 'open', correction: { against: 'suspense', approved_by: null } });
    expect((await story.call('finance', 'POST', `${path}/approve`)).body['code']).toBe('correction_needs_another_key');
    const approved = await story.call('admin', 'POST', `${path}/approve`);
    expect([approved.status, approved.body['status'], approved.body['note']]).toEqual([
      200,
      'resolved',
      'Unknown sender.',
    ]);

    const again = await story.reconcile({ connected_account: seller.id });
    expect(again).toMatchObject({ matched: 1, breaks_open: 0 });
  });

  it('leaves the seller’s own charges and bank payouts alone', async () => {
    const seller = await story.seller();
    await story.app.stripe.paymentIntents.create(
      { amount: 500_00, currency: 'usd', payment_method: 'pm_card_bypassPending', confirm: true },
      { stripeAccount: seller.stripeAccountId },
    );
    await story.app.stripe.payouts.create(
      { amount: 100_00, currency: 'usd' },
      { stripeAccount: seller.stripeAccountId },
    );

    expect((await story.reconcile({ connected_account: seller.id })).breaks_open).toBe(0);
  });

  it('sees a bank payout take money that was passing through, and heals when it is back', async () => {
    const seller = await story.seller();
    const payout = await story.readyPayout(seller, 50_00);
    await story.untilQuiet();
    // Stripe has no time for the last hop home, and the seller's bank is quicker.
    await story.platform.control('POST', '/faults', {
      on: 'request',
      action: 'rate_limit',
      method: 'POST',
      path: '/v1/transfers/*/reversals',
    });
    await story.call('marketplace', 'POST', `/v1/payouts/${payout.id}/cancel`);
    await waitFor('the money to be in the middle', async () => {
      const balance = await story.app.stripe.balance.retrieve({}, { stripeAccount: seller.stripeAccountId });
      return balance.available[0]?.amount === 51_00 || undefined;
    });
    await story.app.stripe.payouts.create(
      { amount: 20_00, currency: 'usd' },
      { stripeAccount: seller.stripeAccountId },
    );

    const drained = await story.reconcile({ connected_account: seller.id });
    const [found] = await story.openBreaks();
    expect(drained.breaks_open).toBe(1);
    expect(found).toMatchObject({ type: 'payments_drained', difference: -20_00 });

    await story.platform.control('DELETE', '/faults');
    await story.app.stripe.paymentIntents.create(
      { amount: 40_00, currency: 'usd', payment_method: 'pm_card_bypassPending', confirm: true },
      { stripeAccount: seller.stripeAccountId },
    );
    await story.untilPayout(payout.id, ['closed']);
    const healed = await story.reconcile({ connected_account: seller.id });
    expect(healed).toMatchObject({ breaks_open: 0, healed: 1 });
  });

  it('finds a card of ours that Stripe would take and we would not know', async () => {
    const seller = await story.seller();
    const payout = await story.readyPayout(seller, 50_00);
    await story.untilQuiet();
    await story.platform.control('POST', '/faults', { on: 'webhook', action: 'drop', account: seller.stripeAccountId });
    await story.app.stripe.issuing.cards.update(
      payout.stripeCardId,
      { status: 'canceled' },
      { stripeAccount: seller.stripeAccountId },
    );
    story.app.clock.advance(5 * 60_000);

    const run = await story.reconcile({ connected_account: seller.id });
    await story.platform.control('DELETE', '/faults');

    const breaks = await story.openBreaks();
    expect(run.breaks_open + run.healed).toBeGreaterThanOrEqual(1);
    expect(breaks.every((found) => found.type === 'status_differs')).toBe(true);
  });

  it.each([
    [{ cutoff: 'tomorrow' }, 400],
    [{ cutoff: '2026-13-45' }, 400],
    [{ cutoff: '2999-01-01' }, 422],
    [{ cutoff: 5 }, 400],
    [{ connected_account: 'seller_nobody' }, 404],
    [{ connected_account: '' }, 400],
    [{ surprise: true }, 400],
  ])('refuses %j with %i', async (body, status) => {
    expect((await story.call('finance', 'POST', '/v1/reconciliation-runs', body)).status).toBe(status);
  });

  it('is not for everybody', async () => {
    expect((await story.call('marketplace', 'POST', '/v1/reconciliation-runs', {})).status).toBe(403);
    expect((await story.call('auditor', 'POST', '/v1/reconciliation-runs', {})).status).toBe(403);
    expect((await story.call('auditor', 'GET', '/v1/reconciliation-runs')).status).toBe(200);
    expect((await story.call('finance', 'GET', '/v1/reconciliation-runs/run_nobody')).body['code']).toBe(
      'reconciliation_run_not_found',
    );
    expect((await story.call('finance', 'GET', '/v1/reconciliation-breaks/break_nobody')).status).toBe(404);
  });
});
