import { randomBytes } from 'node:crypto';
import { PageQuery } from '../../src/platform/http/page.dto';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { routesOf } from './routes';

interface Row {
  readonly id: string;
  readonly created_at?: string;
  readonly occurred_at?: string;
}

interface PageOf {
  readonly data: readonly Row[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Lists that a round of the marketplace's day adds to, newest first. */
const growing = [
  '/v1/api-keys',
  '/v1/audit-log',
  '/v1/authorizations',
  '/v1/card-transactions',
  '/v1/cardholders',
  '/v1/cards',
  '/v1/connected-accounts',
  '/v1/events',
  '/v1/payout-batches',
  '/v1/payouts',
  '/v1/payouts/:id/card-links',
  '/v1/reconciliation-runs',
];
/** Rows of these come from rare facts, or never come in later; an export has no pages; labels are in alphabetical order (below). */
const elsewhere = [
  '/v1/aftercare-items',
  '/v1/audit-log/export',
  '/v1/dead-letters',
  '/v1/disputes',
  '/v1/payout-batches/:id/rows',
  '/v1/payout-labels',
  '/v1/reconciliation-breaks',
  '/v1/webhook-deliveries',
  '/v1/webhook-endpoints',
];

describe('pages of a list', () => {
  let story: FinanceStory;
  let seller: StorySeller;
  let linked: StoryPayout;
  let rounds = 0;

  beforeAll(async () => {
    story = await FinanceStory.begin();
    seller = await story.seller();
    linked = await story.readyPayout(seller, 10_00);
    for (let i = 0; i < 2; i++) await round();
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await story.end();
  });

  /** Something of everything, all of it at one moment. */
  async function round(): Promise<void> {
    rounds += 1;
    const moment = story.app.clock.now();
    const clock = jest.spyOn(story.app.clock, 'now').mockReturnValue(moment);
    try {
      await Promise.all([
        ...[1, 2].map(async (each) => {
          const payout = await story.readyPayout(seller, 20_00, { label: `buyer-${rounds}-${each}` });
          await story.capture(payout, await story.purchase(payout, 20_00));
          await story.untilPayout(payout.id, ['settled', 'closed']);
        }),
        story.seller(),
        made('admin', '/v1/api-keys', { name: `round ${rounds}`, role: 'auditor' }),
        made('marketplace', `/v1/payouts/${linked.id}/card-links`, {}),
        batch(),
      ]);
    } finally {
      clock.mockRestore();
    }
    await story.reconcile();
  }

  async function made(role: 'admin' | 'marketplace', path: string, body: object): Promise<void> {
    const { status, text } = await story.call(role, 'POST', path, body);
    if (status !== 201) throw new Error(`${path}: ${text}`);
  }

  async function batch(): Promise<void> {
    const row = { connected_account: seller.id, cardholder: seller.holder, amount: 5_00, currency: seller.currency };
    const answer = await fetch(`${story.app.url}/v1/payout-batches`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${story.app.keys.marketplace}`,
        'content-type': 'application/x-ndjson',
        'idempotency-key': `round-${rounds}`,
      },
      body: `${JSON.stringify({ ...row, reference: `row-${rounds}` })}\n`,
    });
    if (answer.status !== 202) throw new Error(await answer.text());
  }

  async function page(path: string, limit: number, cursor?: string | null): Promise<PageOf> {
    const after = cursor ? `&starting_after=${encodeURIComponent(cursor)}` : '';
    const { status, body, text } = await story.call<PageOf>(
      'admin',
      'GET',
      `${path.replace(':id', linked.id)}?limit=${limit}${after}`,
    );
    if (status !== 200) throw new Error(`${path}: ${text}`);
    return body;
  }

  /** From a first page on to the last one. */
  async function rest(path: string, first: PageOf, limit: number): Promise<Row[]> {
    const rows = [...first.data];
    for (let last = first; last.has_more;) {
      expect(last.next_cursor).not.toBeNull();
      last = await page(path, limit, last.next_cursor);
      expect(last.data.length).toBeGreaterThan(0);
      rows.push(...last.data);
    }
    return rows;
  }

  const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => id);
  const all = async (path: string) => rest(path, await page(path, 100), 100);

  it('are looked at for every list there is', () => {
    const lists = routesOf(story.app).filter(
      ({ queryType }) => queryType === PageQuery || queryType?.prototype instanceof PageQuery,
    );
    expect(lists.map(({ path }) => path).sort()).toEqual([...growing, ...elsewhere].sort());
  });

  it('lose no row and show none twice when rows come in between them', async () => {
    const before = new Map<string, string[]>();
    const firsts = new Map<string, PageOf>();
    for (const path of growing) {
      before.set(path, idsOf(await all(path)));
      firsts.set(path, await page(path, 2));
    }

    await round();

    for (const path of growing) {
      const walked = idsOf(await rest(path, firsts.get(path)!, 2));
      const known = new Set(before.get(path));
      expect({ path, twice: walked.length - new Set(walked).size }).toEqual({ path, twice: 0 });
      expect({ path, rows: walked.filter((id) => known.has(id)) }).toEqual({ path, rows: before.get(path) });
      // The round did add rows, and they are in front, where nobody who is past them looks.
      const now = idsOf(await all(path));
      expect({ path, isNew: !known.has(now[0]!) && !walked.includes(now[0]!) }).toEqual({ path, isNew: true });
    }
  });

  it.each(['/v1/payouts', '/v1/cards', '/v1/authorizations', '/v1/events', '/v1/audit-log'])(
    '%s has one order, also among rows of one moment',
    async (path) => {
      const whole = await all(path);
      const moments = whole.map((row) => (row.created_at ?? row.occurred_at)!);
      expect(new Set(moments).size).toBeLessThan(moments.length);
      const known = new Set(idsOf(whole));
      for (const limit of [1, 3]) {
        const walked = await rest(path, await page(path, limit), limit);
        expect(idsOf(walked).filter((id) => known.has(id))).toEqual(idsOf(whole));
      }
    },
  );

  it('/v1/payout-labels keeps its alphabet when labels come in on both sides of a page', async () => {
    const before = (await story.call<{ data: { label: string }[] }>('admin', 'GET', '/v1/payout-labels?limit=100')).body
      .data;
    const labels = before.map(({ label }) => label);
    expect(labels).toEqual([...labels].sort());
    const first = await story.call<{ data: { label: string }[]; next_cursor: string }>(
      'admin',
      'GET',
      '/v1/payout-labels?limit=2',
    );
    const [early, late] = ['a', 'z'].map((start) => `${start}-${randomBytes(4).toString('hex')}`);
    for (const label of [early, late]) await story.call('admin', 'PUT', `/v1/payout-labels/${label}`, {});

    const second = await story.call<{ data: { label: string }[] }>(
      'admin',
      'GET',
      `/v1/payout-labels?limit=100&starting_after=${first.body.next_cursor}`,
    );

    expect([...first.body.data, ...second.body.data].map(({ label }) => label)).toEqual([...labels, late].sort());
  });
});
