import { randomBytes } from 'node:crypto';
import { PageQuery } from '../../src/platform/http/page.dto';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { Json } from '../support/http';
import { openApiDocument, operationsOf } from '../support/open-api';
import { routesOf } from './routes';

interface Row {
  readonly id?: string;
  readonly label?: string;
  readonly row?: number;
  readonly key?: string;
  readonly created_at?: string;
  readonly occurred_at?: string;
}

interface PageOf {
  readonly data: readonly Row[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

/** Their order is not the newest first: labels and groups have their place in the alphabet, and a batch all its rows from the first. */
const ordersOfTheirOwn = ['/v1/analytics', '/v1/payout-labels', '/v1/payout-batches/{id}/rows'];

/** Every list, from the document: whatever answers pages. A new one is looked at by itself, and fails until a round adds to it. */
function listsOf(document: Json): string[] {
  return operationsOf(document)
    .filter(({ method, operation }) => {
      const content = operation.responses['200']?.content?.['application/json'];
      return method === 'GET' && resolved(document, content?.schema)?.properties?.next_cursor !== undefined;
    })
    .map(({ path }) => path)
    .sort();
}

function resolved(document: Json, schema: Json): Json {
  return schema?.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)] : schema;
}

describe('pages of a list', () => {
  let story: FinanceStory;
  let seller: StorySeller;
  let linked: StoryPayout;
  let firstBatch: string;
  let rounds = 0;
  const lists = listsOf(openApiDocument());

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
        webhook(),
      ]);
    } finally {
      clock.mockRestore();
    }
    await story.reconcile();
    await rareFacts();
  }

  /** What takes weeks of banks, networks and bad luck, as it is written down in the end: an aftercare item is one of them too. */
  async function rareFacts(): Promise<void> {
    const { database } = story.app;
    await database.query(
      `insert into disputes (id, stripe_dispute_id, connected_account_id, payout_id, card_id, card_transaction_id, status, amount_minor,
              provisional_minor, returned_minor, paid_minor, overspent_minor, aftercare_minor, currency, opened_at, created_at, updated_at)
       select 'dispute_' || new_ulid(), 'idp_' || new_ulid(), connected_account_id, payout_id, card_id, id, 'submitted', 500,
              500, 500, 0, -500, 0, currency, now(), now(), now() from card_transactions limit 2`,
    );
    await database.query(
      `insert into reconciliation_breaks (id, connected_account_id, type, key, status, evidence, proposed_action, occurred_at, opened_at,
              last_seen_at, opened_by_run_id)
       select 'break_' || new_ulid(), $1, 'stuck_payout', new_ulid(), 'open', '{}', 'look', now(), now(), now(), max(id)
       from reconciliation_runs, generate_series(1, 2) n group by n`,
      [seller.id],
    );
    await database.query(
      `insert into stripe_events (id, stripe_event_id, type, object, occurred_at, received_at, source, status)
       select 'inbox_' || new_ulid(), 'evt_' || new_ulid(), 'topup.failed', '{}', now(), now(), 'webhook', 'dead'
       from generate_series(1, 2)`,
    );
  }

  /** An endpoint that nobody serves, and what it is told. */
  async function webhook(): Promise<void> {
    const body = { url: 'http://127.0.0.1:1/', event_types: ['payout.settled'] };
    const { status, text, body: endpoint } = await story.call('marketplace', 'POST', '/v1/webhook-endpoints', body);
    if (status !== 201) throw new Error(text);
    await story.call('marketplace', 'POST', `/v1/webhook-endpoints/${endpoint['id'] as string}/test`, {});
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
      body: [1, 2, 3].map((each) => JSON.stringify({ ...row, reference: `row-${rounds}-${each}` })).join('\n'),
    });
    if (answer.status !== 202) throw new Error(await answer.text());
    const { id } = (await answer.json()) as { id: string };
    firstBatch ??= id;
  }

  async function page(path: string, limit: number, cursor?: string | null): Promise<PageOf> {
    const query = new URLSearchParams({ limit: String(limit) });
    if (path === '/v1/analytics') {
      const day = (offset: number) => new Date(story.app.clock.now().getTime() + offset * 86_400_000).toISOString();
      for (const [name, value] of Object.entries({ from: day(-30), to: day(1), group_by: 'label' }))
        query.set(name, value);
    }
    if (cursor) query.set('starting_after', cursor);
    const filled = path.replace('{id}', path.includes('batches') ? firstBatch : linked.id);
    const { status, body, text } = await story.call<PageOf>('admin', 'GET', `${filled}?${query.toString()}`);
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

  const idsOf = (rows: readonly Row[]) => rows.map(({ id, label, key, row }) => id ?? label ?? key ?? String(row));
  const all = async (path: string) => rest(path, await page(path, 100), 100);

  it('are looked at for every list there is', () => {
    const declared = routesOf(story.app)
      .filter(({ queryType }) => queryType === PageQuery || queryType?.prototype instanceof PageQuery)
      .map(({ path }) => path.replace(/:(\w+)/g, '{$1}'));
    // An export takes the filters of a list and has no pages; analytics pages without being a list of rows.
    expect([...lists, '/v1/audit-log/export'].sort()).toEqual([...declared, '/v1/analytics'].sort());
  });

  it('lose no row and show none twice when rows come in between them', async () => {
    const before = new Map<string, string[]>();
    const firsts = new Map<string, PageOf>();
    for (const path of lists) {
      before.set(path, idsOf(await all(path)));
      firsts.set(path, await page(path, 1));
      expect({ path, hasPages: firsts.get(path)!.has_more }).toEqual({ path, hasPages: true });
    }

    await round();

    for (const path of lists) {
      const walked = idsOf(await rest(path, firsts.get(path)!, 2));
      const known = new Set(before.get(path));
      expect({ path, twice: walked.length - new Set(walked).size }).toEqual({ path, twice: 0 });
      expect({ path, rows: walked.filter((id) => known.has(id)) }).toEqual({ path, rows: before.get(path) });
      if (ordersOfTheirOwn.includes(path)) continue;
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
