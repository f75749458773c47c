import { AnalyticsJobs } from '../../src/analytics/analytics.jobs';
import { call, expectProblem } from '../http/client';
import { startTestApp, TestApp } from '../support/app';
import { Json } from '../support/http';
import { ReadyPayout, Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';

jest.setTimeout(120_000);

describe('analytics', () => {
  let app: TestApp;
  let scenario: Scenario;
  let [first, second]: [Seller?, Seller?] = [];
  let spent: ReadyPayout;
  let unused: ReadyPayout;
  let period: string;

  /** Two sellers; one purchase of 70 of 100, two declines, one payout canceled unused, one card that Stripe refuses to make. */
  beforeAll(async () => {
    app = await startTestApp();
    scenario = new Scenario(app);
    await scenario.fundPlatform(2_000_00);
    first = await scenario.onboardedSeller();
    second = await scenario.onboardedSeller();
    spent = await scenario.readyPayout(first, 100_00, { label: 'buyer-1' });
    unused = await scenario.readyPayout(second, 40_00);
    const declined = await scenario.charge(spent, 500_00);
    expect(declined.approved).toBe(false);
    const { id } = await scenario.purchase(spent, 70_00);
    await scenario.capture(spent, id);
    await scenario.untilStatus(spent, 'closed');
    await scenario.marketplace.post(`/v1/payouts/${unused.id}/cancel`);
    await scenario.untilStatus(unused, 'closed');
    expect((await scenario.charge(unused, 10_00)).approved).toBe(false);
    await scenario.untilTold();
    await waitFor('three decisions', async () => {
      const [{ count } = { count: 0 }] = await app.database.query<{ count: number }>(
        'select count(*)::int as count from authorization_requests',
      );
      return count === 3;
    });
    const now = app.clock.now().getTime();
    // Stripe's days passed meanwhile: the period reaches beyond now.
    const [from, to] = [now - 30 * 86_400_000, now + 60 * 86_400_000].map((at) => new Date(at).toISOString());
    period = `from=${from}&to=${to}`;
  });

  afterAll(() => app?.stop());

  const read = async (query: string): Promise<Json> => {
    const { status, body } = await call(app, 'GET', `/v1/analytics?${period}&${query}`, { key: app.keys.finance });
    expect([status, body.code]).toEqual([200, undefined]);
    return body;
  };
  const groupsOf = ({ data }: Json): Record<string, Json> =>
    Object.fromEntries((data as Json[]).map((group) => [group.key as string, group]));

  it('counts decisions by reason', async () => {
    const answer = await read('group_by=reason');

    expect(answer.total.authorizations).toEqual({
      asked: 3,
      approved: 1,
      declined: 2,
      approval_rate: 0.333333,
      decline_rate: 0.666667,
    });
    const asked = await app.database.query<{ reason: string; asked: number }>(
      'select reason, count(*)::int as asked from authorization_requests group by reason',
    );
    const told = Object.entries(groupsOf(answer))
      .filter(([, group]) => group.authorizations)
      .map(([reason, group]) => ({
        reason,
        asked: group.authorizations.asked as number,
      }));
    expect(told).toEqual(asked.sort((a, b) => (a.reason < b.reason ? -1 : 1)));
    expect(told.length).toBe(3);
  });

  it('counts them by merchant country and category, label and seller', async () => {
    expect(groupsOf(await read('group_by=country'))['US'].authorizations.asked).toBe(3);
    expect(groupsOf(await read('group_by=category'))['book_stores'].authorizations).toMatchObject({ approved: 1 });
    const byLabel = groupsOf(await read('group_by=label'));
    expect(byLabel['buyer-1']).toMatchObject({
      authorizations: { asked: 2, approved: 1, approval_rate: 0.5 },
      money: [{ currency: 'usd', captured: 7000, spent: 7000, unspent: 3000, share_spent: 0.7, share_unspent: 0.3 }],
    });
    expect(byLabel['null']).toMatchObject({ authorizations: { asked: 1 }, money: [{ spent: 0, share_spent: 0 }] });
    const bySeller = groupsOf(await read('group_by=connected_account'));
    expect(bySeller[second!.id]).toMatchObject({
      money: [{ spent: 0, reclaimed: 4000, share_reclaimed: 1 }],
    });
    const one = await read(`group_by=connected_account&connected_account=${first!.id}`);
    expect(Object.keys(groupsOf(one))).toEqual([first!.id]);
  });

  it('measures the time from request to a usable card', async () => {
    const { total } = await read('group_by=day');

    const rows = await app.database.query<{ seconds: number }>(
      `select extract(epoch from min(t.occurred_at) - p.created_at)::float8 as seconds from payouts p
         join payout_timeline t on t.payout_id = p.id and t.kind = 'status.changed' and t.detail->>'to' = 'ready'
        group by p.id order by 1`,
    );
    const [fast, slow] = rows.map(({ seconds }) => seconds);
    expect(total.time_to_ready).toMatchObject({ requested: 2, ready: 2 });
    expect(total.time_to_ready.p50_seconds).toBeCloseTo((fast! + slow!) / 2, 2);
    expect(total.time_to_ready.p95_seconds).toBeCloseTo(fast! + (slow! - fast!) * 0.95, 2);
    expect(slow).toBeGreaterThan(0);
  });

  it('says of the money what the settlement report says, however it is split', async () => {
    const { summary } = await scenario.finance.get(`/v1/reports/settlement?${period}`);
    const settled = summary.totals as Record<string, Json>;
    const usd = settled['usd'] ?? settled;
    for (const by of ['connected_account', 'label', 'day']) {
      const { data, total } = await read(`group_by=${by}`);
      const sum = (field: string) =>
        (data as Json[]).flatMap(({ money }) => money ?? []).reduce((all: number, row: Json) => all + row[field], 0);
      expect({
        by,
        captured: sum('captured'),
        spent: sum('spent'),
        reclaimed: sum('reclaimed'),
        released: sum('released'),
      }).toEqual({
        by,
        captured: usd.captured,
        spent: usd.paid,
        reclaimed: usd.reclaimed,
        released: usd.released,
      });
      const [money] = total.money;
      expect(money.spent + money.unspent).toBe(100_00 + 40_00);
    }
  });

  it('counts cards that could not be made', async () => {
    await app.database.query(
      `insert into cards (id, payout_id, connected_account_id, cardholder_id, exp_month, exp_year, status, amount_minor, currency,
                          amount_match, failure_code, failure_detail, created_at, updated_at)
       select 'card_refused', payout_id, connected_account_id, cardholder_id, exp_month, exp_year, 'failed', amount_minor, currency,
              amount_match, 'cardholder_blocked', 'no', created_at, updated_at from cards where id = $1
       on conflict do nothing`,
      [unused.cardId],
    );

    expect((await read('group_by=day')).total.cards).toEqual({
      requested: 3,
      made: 2,
      failed: 1,
      failure_rate: 0.333333,
    });
    expect(groupsOf(await read('group_by=reason'))['cardholder_blocked'].cards).toMatchObject({ failed: 1 });
  });

  it('is paged, and wants a period of at most a year', async () => {
    const one = await read('group_by=reason&limit=1');
    expect([one.data.length, one.has_more]).toEqual([1, true]);
    const next = await read(`group_by=reason&limit=1&starting_after=${one.next_cursor}`);
    expect(next.data[0].key > one.data[0].key).toBe(true);

    const ask = (query: string) => call(app, 'GET', `/v1/analytics?${query}`, { key: app.keys.auditor });
    expectProblem(await ask('group_by=reason'), 400);
    expectProblem(await ask('from=2026-11-31&to=2026-12-31'), 400);
    expectProblem(await ask('from=2024-01-01&to=2026-01-01'), 422, 'analytics_period_refused');
    expectProblem(await ask('from=2026-01-02&to=2026-01-01T00:00:00Z'), 422, 'analytics_period_refused');
    expectProblem(await ask('from=2026-01-01&to=2026-01-31&group_by=merchant'), 400);
    expect((await ask('from=2026-01-01&to=2026-01-31')).body).toMatchObject({
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-02-01T00:00:00.000Z',
    });
  });

  it('is there for Prometheus, with the funding runway, and asks Stripe nothing', async () => {
    await app.app.get(AnalyticsJobs).observe();
    app.clock.advance(61_000);
    const stripeRequests = (text: string) =>
      Number(/disburse_stripe_request_seconds_count\{request="balance.retrieve",status="200"\} (\d+)/.exec(text)?.[1]);

    const { body: before } = await call(app, 'GET', '/metrics');
    const { body: after } = await call(app, 'GET', '/metrics');

    const value = (name: string) =>
      Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(after as string)?.[1]);
    expect(value('disburse_card_creations_24h{outcome="failed"}')).toBe(1);
    expect(value('disburse_payout_ready_seconds_24h{quantile="0.95"}')).toBeGreaterThan(0);
    const available = value('disburse_platform_available_minor{currency="usd"}');
    const { available: atStripe } = await app.stripe.balance.retrieve();
    expect(available).toBe(atStripe.find(({ currency }) => currency === 'usd')!.amount);
    const [{ moved }] = (await app.database.query<{ moved: string }>(
      'select sum(total) as moved from report_funding',
    )) as [{ moved: string }];
    expect(value('disburse_funding_runway_days{currency="usd"}')).toBeCloseTo(available / (Number(moved) / 7), 6);
    expect(stripeRequests(before as string)).toBe(stripeRequests(after as string));
    expect(after).not.toMatch(new RegExp(`${first!.id}|buyer-1`));
  });
});
