import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { reportNames } from '../../src/reports/report.types';
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

const names = reportNames;

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
    const cutoff = `cutoff=${encodeURIComponent(story.app.clock.now().toISOString())}`;
    const query = `?from=2026-01-01&${cutoff}`;
    const byStatus = async () =>
      (await story.call('finance', 'GET', `/v1/reports/ledger?status=closed&${cutoff}`)).text;
    const closedBefore = await byStatus();
    const month = story.app.clock.now().toISOString().slice(0, 7);
    const statement = async () =>
      (await story.call('auditor', 'GET', `/v1/connected-accounts/${us.id}/statements?month=${month}&${cutoff}`)).text;
    const statementBefore = await statement();
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
    expect(await byStatus()).toBe(closedBefore);
    expect(await statement()).toBe(statementBefore);
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

  it('reads by what has become of the payouts', async () => {
    const waiting = await story.readyPayout(us, 20_00);

    const funding = await report('funding', '?status=ready');
    expect(funding.data.map((row) => row['payout'])).toEqual([waiting.id]);
    expect(funding.summary).toMatchObject({ ties: true });
    const settlement = await report('settlement', `?status=closed&connected_account=${us.id}`);
    expect(settlement.data.map((row) => row['payout'])).toEqual(expect.arrayContaining([used.id, unused.id]));
    expect(settlement.summary).toMatchObject({ ties: true });
    for (const name of reportNames) {
      const closed = await report(name, '?status=closed');
      expect({ name, ...closed.summary }).toEqual({ name, ...closed.summary, ties: true });
      expect(closed.data.map((row) => row['payout'])).not.toContain(waiting.id);
    }
    expect((await report('ledger', '?status=failed')).summary).toMatchObject({ rows: 0, ties: true });
  });

  it('tells the spend of a label, and of what it was for, apart from the rest', async () => {
    const buyer = { label: 'agent-7', purpose: '=office "supplies"' };
    const first = await story.readyPayout(us, 40_00, buyer);
    await story.capture(first, await story.purchase(first, 31_00));
    const second = await story.readyPayout(us, 20_00, { label: buyer.label });
    await story.capture(second, await story.purchase(second, 20_00));
    const other = await story.readyPayout(us, 15_00, { label: 'agent-70' });
    await story.capture(other, await story.purchase(other, 15_00));
    await story.untilPayout(first.id, ['closed']);
    await story.untilPayout(second.id, ['settled', 'closed']);
    await story.untilPayout(other.id, ['settled', 'closed']);

    const settlement = await report('settlement', '?label=agent-7');
    expect(settlement).toMatchObject({ label: 'agent-7', status: null });
    expect(settlement.data).toMatchObject([
      { payout: first.id, ...buyer, captured: 31_00, paid: 31_00, reclaimed: 9_00 },
      { payout: second.id, label: 'agent-7', purpose: null, captured: 20_00, paid: 20_00, reclaimed: 0 },
    ]);
    const sums = { captured: 51_00, refunded: 0, paid: 51_00, overspent: 0, reclaimed: 9_00, released: 0 };
    expect(settlement.summary).toEqual({ rows: 2, totals: { usd: sums }, ledger: { usd: sums }, ties: true });

    const whole = await report('settlement');
    expect(whole.summary.ties).toBe(true);
    expect(whole.data.find((row) => row['payout'] === used.id)).toMatchObject({ label: null, purpose: null });
    expect(whole.data.find((row) => row['payout'] === other.id)).toMatchObject({ label: 'agent-70' });
    for (const name of reportNames) {
      const labelled = await report(name, '?label=agent-7');
      expect({ name, ...labelled.summary }).toMatchObject({ name, ties: true });
      expect(labelled.data.length).toBeGreaterThan(0);
      expect(labelled.data.map((row) => row['payout'])).not.toContain(other.id);
    }
    expect((await report('settlement', '?label=nobody')).summary).toMatchObject({ rows: 0, totals: {}, ties: true });

    const { text } = await story.call('finance', 'GET', '/v1/reports/settlement?label=agent-7&format=csv');
    const rows: Record<string, string>[] = parse(text, { columns: true, record_delimiter: '\r\n' });
    expect(rows.map(({ payout, label, purpose, captured }) => [payout, label, purpose, captured])).toEqual([
      // What a spreadsheet would run is text here too.
      [first.id, 'agent-7', `'=office "supplies"`, '3100'],
      [second.id, 'agent-7', '', '2000'],
    ]);
  });

  describe('the journal', () => {
    interface JournalLine {
      readonly date: string;
      readonly entry_number: string;
      readonly account: string;
      readonly account_name: string;
      readonly debit: string;
      readonly credit: string;
      readonly currency: string;
      readonly description: string;
      readonly reference: string;
      readonly payout: string;
    }
    let lines: JournalLine[];

    beforeAll(async () => {
      const { text } = await story.call('finance', 'GET', '/v1/reports/journal?format=csv');
      // Strict: every record as wide as the header, CR LF between them.
      lines = parse(text, { columns: true, record_delimiter: '\r\n' });
    });

    it('is balanced entry by entry, in major units, each line on one side', () => {
      const sums = new Map<string, bigint>();
      for (const line of lines) {
        expect([line.debit, line.credit].filter((amount) => amount !== '')).toHaveLength(1);
        expect(line.debit + line.credit).toMatch(/^\d+\.\d\d$/);
        expect(line.date).toMatch(/^\d{4}-\d\d-\d\d$/);
        expect(line.currency).toBe('USD');
        const cents = BigInt((line.debit + line.credit).replace('.', ''));
        sums.set(line.entry_number, (sums.get(line.entry_number) ?? 0n) + (line.debit === '' ? -cents : cents));
      }
      expect(sums.size).toBeGreaterThan(20);
      expect([...sums].filter(([, sum]) => sum !== 0n)).toEqual([]);
    });

    it('tells of a capture under the numbers of the chart', () => {
      const capture = lines.filter((line) => line.description.startsWith('Capture ') && line.payout === used.id);

      expect(capture.map((line) => [line.account, line.account_name, line.debit, line.credit]).sort()).toEqual([
        ['1200', 'issuing_available', '', '180.00'],
        ['2200', 'payout_owed', '180.00', ''],
      ]);
      expect(capture[0]!.reference).toBe(`'=cmd|"calc"`);
    });

    it('has every account of the chart that the documentation lists, and no other', async () => {
      const rows = await story.app.database.query<{ number: string; name: string }>(
        `select number, name from (select regexp_matches(pg_get_viewdef('report_journal'), '\\(''(\\d{4})''::text, *''(\\w+)''::text\\)|\\(''(\\d{4})'', ?''(\\w+)''\\)', 'g') as m) as x,
           lateral (select coalesce(m[1], m[3]) as number, coalesce(m[2], m[4]) as name) as chart order by 1`,
      );
      const [chart] = await story.app.database.query<{ definition: string }>(
        `select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'postings_account_in_chart'`,
      );
      const allowed = [...chart!.definition.matchAll(/'(\w+)'::text/g)]
        .map(([, name]) => name)
        .filter((name) => name !== 'text');
      const documented = [
        ...readFileSync(join(__dirname, '../../docs/reports.md'), 'utf8').matchAll(/^\| (\d{4}) +\| `(\w+)`/gm),
      ].map(([, number, name]) => ({ number, name }));

      expect(documented).toEqual(rows);
      expect(rows.map(({ name }) => name).sort()).toEqual(allowed.sort());
    });
  });

  describe("a seller's statement of a month", () => {
    interface StatementView {
      readonly month: string;
      readonly data: Record<string, string | number | null>[];
      readonly opening_balance: number;
      readonly closing_balance: number;
      readonly movements: number;
      readonly ties: boolean;
      readonly ledger: { closing_balance: number };
      readonly accounts: { account: string; opening: number; debit: number; credit: number; closing: number }[];
    }
    const monthOf = (moment: Date) => moment.toISOString().slice(0, 7);

    async function statementOf(month: string, cutoff?: string): Promise<StatementView> {
      const until = cutoff === undefined ? '' : `&cutoff=${cutoff}`;
      const path = `/v1/connected-accounts/${us.id}/statements?month=${month}${until}`;
      const answer = await story.call<StatementView>('finance', 'GET', path);
      expect(answer.status).toBe(200);
      return answer.body;
    }

    it('goes from the opening to the closing balance, row by row, and ties to the ledger', async () => {
      const statement = await statementOf(monthOf(story.app.clock.now()));

      expect(statement).toMatchObject({ opening_balance: 0, ties: true });
      expect(statement.data[0]).toMatchObject({ kind: 'opening_balance', balance: 0 });
      expect(statement.data.at(-1)).toMatchObject({ kind: 'closing_balance', balance: statement.closing_balance });
      let balance = 0;
      for (const row of statement.data.slice(1, -1)) {
        balance += Number(row['promised']) - Number(row['paid']) - Number(row['taken_back']);
        expect(row['balance']).toBe(balance);
      }
      expect(balance).toBe(statement.closing_balance);
      expect(statement.movements).toBe(statement.data.length - 2);
      expect(statement.data.filter((row) => row['payout'] === used.id)).toMatchObject([
        { kind: 'payout_accepted', promised: 250_00, paid: 0, taken_back: 0 },
        { kind: 'capture', promised: 0, paid: 180_00, taken_back: 0 },
        { kind: 'reclaim_done', promised: 0, paid: 0, taken_back: 70_00 },
      ]);
      for (const { account, opening, debit, credit, closing } of statement.accounts) {
        expect([account, opening + debit - credit]).toEqual([account, closing]);
      }
    });

    it("is what its payouts' own statements say is open", async () => {
      const { body } = await story.call<{ data: { id: string }[] }>(
        'finance',
        'GET',
        `/v1/payouts?connected_account=${us.id}&limit=100`,
      );
      let open = 0;
      for (const { id } of body.data) {
        const { body: of } = await story.call<{ proof: Record<string, number> }>(
          'finance',
          'GET',
          `/v1/payouts/${id}/statement`,
        );
        open += of.proof['owed']! + of.proof['held']! + of.proof['reclaiming']!;
      }

      const statement = await statementOf(monthOf(story.app.clock.now()));
      expect(statement.closing_balance).toBe(open);
      expect(statement.ledger.closing_balance).toBe(open);
    });

    it('opens the next month with the balance this one closed with', async () => {
      const now = story.app.clock.now();
      const closing = (await statementOf(monthOf(now))).closing_balance;
      const next = await statementOf(monthOf(new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1))));
      expect(next).toMatchObject({ opening_balance: closing, closing_balance: closing, movements: 0, ties: true });
      expect(next.data.map((row) => row['kind'])).toEqual(['opening_balance', 'closing_balance']);
      // The same as of a moment when less was known.
      const [half] = await story.app.database.query<{ at: string }>(
        `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at from journal_entries
          where connected_account_id = $1 order by id offset 5 limit 1`,
        [us.id],
      );
      const known = (await statementOf(monthOf(now), half!.at)).closing_balance;
      expect(known).not.toBe(closing);
      expect(await statementOf(next.month, half!.at)).toMatchObject({ opening_balance: known, ties: true });
      const before = await statementOf('2020-02');
      expect(before).toMatchObject({ opening_balance: 0, closing_balance: 0, movements: 0, accounts: [], ties: true });
    });

    it('is CSV with the same rows', async () => {
      const month = monthOf(story.app.clock.now());
      const { data } = await statementOf(month);
      const path = `/v1/connected-accounts/${us.id}/statements?month=${month}&format=csv`;
      const answer = await story.call('auditor', 'GET', path);

      const rows: Record<string, string>[] = parse(answer.text, { columns: true, record_delimiter: '\r\n' });
      expect(rows.map((row) => [row['kind'], row['balance']])).toEqual(
        data.map((row) => [row['kind'], String(row['balance'])]),
      );
      expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="${us.id}-${month}.csv"`);
    });

    it.each([
      ['?month=2026-13', 400],
      ['', 400],
      ['?month=2026-11&surprise=1', 400],
    ])('answers %s with %i', async (query, status) => {
      expect((await story.call('finance', 'GET', `/v1/connected-accounts/${us.id}/statements${query}`)).status).toBe(
        status,
      );
    });

    it('is for finance and auditors, of sellers there are', async () => {
      const path = (id: string) => `/v1/connected-accounts/${id}/statements?month=2026-11`;
      expect((await story.call('marketplace', 'GET', path(us.id))).status).toBe(403);
      expect((await story.call('finance', 'GET', path('seller_nobody'))).status).toBe(404);
    });
  });

  it.each([
    ['/v1/reports/nothing', 404],
    ['/v1/reports/ledger?status=lost', 400],
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
