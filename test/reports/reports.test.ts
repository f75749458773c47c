import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { waitFor } from '../support/wait-for';

interface ReportView {
  readonly object: string;
  readonly name: string;
  readonly data: Record<string, string | number | boolean | null>[];
  readonly summary: {
    rows: number;
    totals: Record<string, Record<string, number>>;
    ledger: Record<string, Record<string, number>>;
    ties: boolean;
  };
}

const names = ['settlement', 'unspent', 'reclaims', 'authorizations', 'ledger', 'funding'];

describe('reports', () => {
  let story: FinanceStory;
  let us: StorySeller;
  let used: StoryPayout;
  let refunded: StoryPayout;
  let unused: StoryPayout;

  beforeAll(async () => {
    story = await FinanceStory.begin();
    us = await story.seller();
    used = await story.readyPayout(us, 250_00, { reference: '=cmd|"calc"' });
    await story.capture(used, await story.purchase(used, 180_00));
    unused = await story.readyPayout(us, 90_00, {
      expires_at: new Date(story.app.clock.now().getTime() + 6_000).toISOString(),
    });
    refunded = await story.readyPayout(us, 60_00);
    const authorization = await story.purchase(refunded, 60_00);
    await story.capture(refunded, authorization);
    await story.untilPayout(refunded.id, ['settled', 'closed']);
    const [transaction] = (
      await story.app.stripe.issuing.transactions.list(
        { card: refunded.stripeCardId },
        { stripeAccount: us.stripeAccountId },
      )
    ).data;
    await story.app.stripe.testHelpers.issuing.transactions.refund(
      transaction!.id,
      { refund_amount: 25_00 },
      { stripeAccount: us.stripeAccountId },
    );
    await story.untilPayout(used.id, ['closed']);
    await story.untilPayout(unused.id, ['closed']);
    await waitFor('the refund to come back', async () => {
      const funds = await story.app.database.query<{ sum: string }>(
        `select coalesce(sum(amount_minor), 0) as sum from postings where account = 'marketplace_funds:usd'`,
      );
      return funds[0]!.sum === String(180_00 + 60_00 - 25_00) || undefined;
    });
  });
  afterAll(async () => {
    await story.end();
  });

  async function report(name: string, query = ''): Promise<ReportView> {
    const answer = await story.call<ReportView>('finance', 'GET', `/v1/reports/${name}${query}`);
    expect(answer.status).toBe(200);
    return answer.body;
  }

  it.each(names)('%s ties to the ledger', async (name) => {
    const { summary, data } = await report(name);

    expect(summary.rows).toBe(data.length);
    expect(data.length).toBeGreaterThan(0);
    expect(summary).toMatchObject({ ties: true });
  });

  it('settlement says what was charged, refunded, brought back', async () => {
    const { data, summary } = await report('settlement');

    expect(data.find((row) => row['payout'] === used.id)).toMatchObject({
      amount: 250_00,
      captured: 180_00,
      refunded: 0,
      paid: 180_00,
      reclaimed: 70_00,
      released: 0,
      overspent: 0,
      currency: 'usd',
    });
    expect(data.find((row) => row['payout'] === unused.id)).toMatchObject({ captured: 0, reclaimed: 90_00 });
    expect(data.find((row) => row['payout'] === refunded.id)).toMatchObject({ captured: 60_00, refunded: 25_00 });
    expect(summary.totals['usd']).toMatchObject({ captured: 240_00, refunded: 25_00 });
  });

  it('unspent, reclaims and funding agree with each other', async () => {
    const unspent = await report('unspent');
    const reclaims = await report('reclaims');
    const funding = await report('funding');

    expect(unspent.data.find((row) => row['payout'] === unused.id)).toMatchObject({ unspent: 90_00, reclaimed: 90_00 });
    expect(reclaims.summary.totals['usd']!['amount']).toBe(unspent.summary.totals['usd']!['reclaimed']);
    expect(funding.data.filter((row) => row['payout'] === used.id)).toMatchObject([
      { amount: 250_00, probe_buffer: 1_00, total: 251_00 },
    ]);
    // What went out and is not back was spent.
    expect(funding.summary.totals['usd']!['total']! - reclaims.summary.totals['usd']!['total']!).toBe(240_00 - 25_00);
  });

  it('the ledger’s debits are its credits', async () => {
    const { summary } = await report('ledger');

    expect(summary.totals['usd']!['debit']).toBe(summary.totals['usd']!['credit']);
  });

  it('authorizations tell every answer', async () => {
    const { data } = await report('authorizations');

    expect(data.filter((row) => row['payout'] === used.id)).toMatchObject([
      { approved: true, kind: 'purchase', amount: 180_00, approved_amount: 180_00, held: 180_00 },
    ]);
  });

  it('gives the same bytes for the same period and cut-off, whatever happens later', async () => {
    const query = `?from=2026-01-01&cutoff=${encodeURIComponent(story.app.clock.now().toISOString())}`;
    const before = await Promise.all(
      names.map(async (name) => (await story.call('finance', 'GET', `/v1/reports/${name}${query}`)).text),
    );
    const csvBefore = (await story.call('finance', 'GET', `/v1/reports/ledger${query}&format=csv`)).text;

    const payout = await story.readyPayout(us, 30_00);
    await story.capture(payout, await story.purchase(payout, 30_00));
    await story.untilPayout(payout.id, ['closed']);

    const after = await Promise.all(
      names.map(async (name) => (await story.call('auditor', 'GET', `/v1/reports/${name}${query}`)).text),
    );
    expect(after).toEqual(before);
    expect((await story.call('finance', 'GET', `/v1/reports/ledger${query}&format=csv`)).text).toBe(csvBefore);
  });

  it.each(names)('%s is CSV with the same rows', async (name) => {
    const { data } = await report(name);
    const answer = await story.call('finance', 'GET', `/v1/reports/${name}?format=csv`);

    expect(answer.headers.get('content-type')).toContain('text/csv');
    expect(answer.text.endsWith('\r\n')).toBe(true);
    const lines = answer.text.split('\r\n').slice(0, -1);
    expect(lines).toHaveLength(data.length + 1);
    expect(lines[0]!.split(',')).toEqual(Object.keys(data[0]!));
  });

  it('does not hand a formula to a spreadsheet', async () => {
    const { text } = await story.call('finance', 'GET', '/v1/reports/settlement?format=csv');

    expect(text).toContain(`"'=cmd|""calc"""`);
  });

  it('reads by seller and by period', async () => {
    const de = await story.seller('DE');
    const before = new Date(story.app.clock.now().getTime() - 60 * 60_000).toISOString();

    expect((await report('ledger', `?connected_account=${de.id}`)).data).toEqual([]);
    expect((await report('ledger', `?to=${before}`)).summary).toMatchObject({ rows: 0, totals: {}, ties: true });
    expect((await report('settlement', `?connected_account=${us.id}`)).data.length).toBeGreaterThan(2);
  });

  it.each([
    ['/v1/reports/nothing', 404],
    ['/v1/reports/ledger?from=yesterday', 400],
    ['/v1/reports/ledger?from=2026-13-01', 400],
    ['/v1/reports/ledger?format=xml', 400],
    ['/v1/reports/ledger?surprise=1', 400],
    ['/v1/reports/ledger?connected_account=seller_nobody', 404],
    ['/v1/reports/ledger?from=2026-01-01&from=2026-01-02', 400],
  ])('answers %s with %i', async (path, status) => {
    const answer = await story.call('finance', 'GET', path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      status,
      expect.stringContaining('application/problem+json'),
    ]);
  });

  it('is for finance and auditors', async () => {
    expect((await story.call('marketplace', 'GET', '/v1/reports/ledger')).status).toBe(403);
    expect((await story.call('auditor', 'GET', '/v1/reports/ledger')).status).toBe(200);
  });
});
