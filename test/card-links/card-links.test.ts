import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';

interface LinkView {
  readonly id: string;
  readonly url: string;
  readonly status: string;
  readonly views: number;
  readonly passcode?: string;
  readonly last_viewed_with: string | null;
  readonly secret_shown_once?: boolean;
  readonly expires_at: string;
}

const phone = { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)' };

describe('card links', () => {
  let story: FinanceStory;
  let seller: StorySeller;
  let payout: StoryPayout;

  beforeAll(async () => {
    story = await FinanceStory.begin();
    seller = await story.seller();
    payout = await story.readyPayout(seller, 250_00, {
      controls: { allowed_merchant_countries: ['US', 'CA'], blocked_categories: ['betting_casino_gambling'] },
    });
  });
  afterAll(async () => {
    await story.end();
  });

  async function mint(body?: object, headers: Record<string, string> = {}): Promise<LinkView> {
    const answer = await story.call<LinkView>(
      'marketplace',
      'POST',
      `/v1/payouts/${payout.id}/card-links`,
      body,
      headers,
    );
    expect(answer.status).toBe(201);
    return answer.body;
  }
  async function list(): Promise<LinkView[]> {
    return (await story.call<{ data: LinkView[] }>('auditor', 'GET', `/v1/payouts/${payout.id}/card-links`)).body.data;
  }
  const open = (url: string, init: RequestInit = {}) => fetch(url, { headers: phone, ...init });
  const enter = (url: string, passcode: string) =>
    open(url, { method: 'POST', body: new URLSearchParams({ passcode }) });

  it('shows the card, never its number, to whoever has the link', async () => {
    const link = await mint();

    const page = await open(link.url);
    const html = await page.text();

    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html).toContain('$250.00');
    expect(html).toContain('Only at merchants in United States and Canada.');
    expect(html).toContain('Not at these kinds of merchants: betting casino gambling.');
    expect(html).toContain('Ready to use');
    expect(html).not.toMatch(/\d{13,19}/);
    expect(link.url).toMatch(new RegExp(`^${story.app.url}/c/[A-Za-z0-9_-]{43}$`));
  });

  it('sends headers that let nothing in and nothing out', async () => {
    const page = await open((await mint()).url);
    const html = await page.text();
    const policy = page.headers.get('content-security-policy')!;
    const nonce = /style-src 'nonce-([\w-]+)'/.exec(policy)![1]!;

    expect(policy).toContain(`default-src 'none'`);
    expect(policy).toContain(`frame-ancestors 'none'`);
    expect(policy).not.toContain('unsafe-inline');
    expect(html).toContain(`<style nonce="${nonce}">`);
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(page.headers.get('referrer-policy')).toBe('no-referrer');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(html).not.toMatch(/<script|src=|https?:/);
  });

  it('counts looks coarsely, and HEAD not at all', async () => {
    const link = await mint();
    await open(link.url);
    await open(link.url, { method: 'HEAD' });
    await open(link.url, { headers: { 'user-agent': 'Slackbot-LinkExpanding 1.0' } });

    const [newest] = await list();

    expect(newest).toMatchObject({ id: link.id, views: 2, last_viewed_with: 'robot', status: 'active' });
  });

  it('tells URL and passcode once, and stores neither', async () => {
    const headers = { 'idempotency-key': 'link-once' };
    const link = await mint({ require_passcode: true }, headers);
    const again = await mint({ require_passcode: true }, headers);

    expect(again).toMatchObject({ id: link.id, secret_shown_once: true });
    expect(again).not.toHaveProperty('url');
    expect(again).not.toHaveProperty('passcode');
    const token = link.url.split('/').at(-1)!;
    const dump = await story.app.database.query<{ text: string }>(
      `select (select string_agg(c::text, ' ') from card_links c) || coalesce((select string_agg(i::text, ' ') from idempotency_keys i), '')
         || coalesce((select string_agg(o::text, ' ') from outgoing_events o), '') || (select string_agg(t::text, ' ') from payout_timeline t) as text`,
    );
    expect(dump[0]!.text).not.toContain(token);
    expect(dump[0]!.text).not.toContain(`"passcode": "${link.passcode!}"`);
  });

  it('lets the newest link live alone, however many are made at once', async () => {
    const links = await Promise.all([mint(), mint(), mint(), mint()]);

    const pages = await Promise.all(links.map((link) => open(link.url)));

    expect(pages.filter((page) => page.status === 200)).toHaveLength(1);
    expect((await list()).filter((link) => link.status === 'active')).toHaveLength(1);
  });

  it('looks the same revoked, replaced, expired, locked and never made', async () => {
    const replaced = await mint();
    const revoked = await mint();
    await story.call('marketplace', 'DELETE', `/v1/card-links/${revoked.id}`);
    const expired = await mint({ lifetime_seconds: 60 });
    story.app.clock.advance(61_000);
    const never = `${story.app.url}/c/${'x'.repeat(43)}`;
    const odd = `${story.app.url}/c/odd`;

    const pages = await Promise.all(
      [replaced.url, revoked.url, expired.url, never, odd].map(async (url) => {
        const page = await open(url);
        return `${page.status} ${(await page.text()).replace(/nonce="[\w-]+"/, '')}`;
      }),
    );

    expect(new Set(pages).size).toBe(1);
    expect(pages[0]).toMatch(/^404 /);
    const again = await story.call<LinkView>('marketplace', 'DELETE', `/v1/card-links/${revoked.id}`);
    expect([again.status, again.body.status]).toEqual([200, 'revoked']);
  });

  it('opens with the passcode, locks after five wrong ones, and takes no robot’s form for a try', async () => {
    const link = await mint({ require_passcode: true });
    const asked = await open(link.url);
    expect([asked.status, await asked.text()]).toEqual([200, expect.stringContaining('<form method="post"')]);

    for (const robot of ['', 'x', '12345', '1234567', 'test@example.com'])
      expect((await enter(link.url, robot)).status).toBe(200);
    for (let tries = 0; tries < 7; tries += 1)
      await enter(link.url, robot6(link.passcode!)).then((page) => expect(page.status).not.toBe(200));
    expect((await enter(link.url, link.passcode!)).status).toBe(404);
    expect((await list())[0]).toMatchObject({ id: link.id, status: 'locked' });

    const next = await mint({ require_passcode: true });
    for (let tries = 0; tries < 4; tries += 1) expect((await enter(next.url, robot6(next.passcode!))).status).toBe(403);
    const page = await enter(next.url, next.passcode!);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('$250.00')]);
    // The right one gives the tries back.
    for (let tries = 0; tries < 4; tries += 1) expect((await enter(next.url, robot6(next.passcode!))).status).toBe(403);
  });

  it('gives a hundred guesses at once five tries', async () => {
    const link = await mint({ require_passcode: true });

    const pages = await Promise.all(Array.from({ length: 40 }, () => enter(link.url, robot6(link.passcode!))));

    expect(pages.filter((page) => page.status === 403).length).toBeLessThanOrEqual(4);
    expect((await list())[0]).toMatchObject({ status: 'locked' });
  });

  it.each([
    [{ lifetime_seconds: 1 }],
    [{ lifetime_seconds: 1e12 }],
    [{ lifetime_seconds: 'a day' }],
    [{ lifetime_seconds: 90.5 }],
    [{ require_passcode: 'yes' }],
    [{ surprise: 1 }],
  ])('refuses %j', async (body) => {
    const answer = await story.call('marketplace', 'POST', `/v1/payouts/${payout.id}/card-links`, body);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      400,
      expect.stringContaining('application/problem+json'),
    ]);
  });

  it('is made by the marketplace, for payouts that can still be used', async () => {
    expect((await story.call('finance', 'POST', `/v1/payouts/${payout.id}/card-links`, {})).status).toBe(403);
    expect((await story.call('marketplace', 'POST', '/v1/payouts/payout_nobody/card-links', {})).status).toBe(404);
    expect((await story.call('marketplace', 'DELETE', '/v1/card-links/cardlink_nobody')).body['code']).toBe(
      'card_link_not_found',
    );
    const canceled = await story.requestPayout(seller, 20_00);
    await story.call('marketplace', 'POST', `/v1/payouts/${canceled}/cancel`);
    const answer = await story.call('marketplace', 'POST', `/v1/payouts/${canceled}/card-links`, {});
    expect([answer.status, answer.body['code']]).toEqual([409, 'payout_has_ended']);
  });

  it('says what became of the card', async () => {
    const link = await mint();
    const authorization = await story.purchase(payout, 180_00);
    await story.untilPayout(payout.id, ['authorized']);
    expect(await (await open(link.url)).text()).toContain('A merchant has reserved $180.00.');

    await story.capture(payout, authorization);
    await story.untilPayout(payout.id, ['settled', 'closed']);
    expect(await (await open(link.url)).text()).toContain('$180.00 was charged.');
  });
});

/** Six digits, but not these. */
function robot6(passcode: string): string {
  return passcode === '000000' ? '000001' : '000000';
}
