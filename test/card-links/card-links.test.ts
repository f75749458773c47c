import { CardLinksService } from '../../src/card-links/card-links.service';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { startTestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { Visitor } from './card-page-visitor';

interface LinkView {
  readonly id: string;
  readonly url: string;
  readonly status: string;
  readonly views: number;
  readonly reveals: number;
  readonly passcode?: string;
  readonly last_viewed_with: string | null;
  readonly secret_shown_once?: boolean;
  readonly expires_at: string;
  readonly activity: { action: string; client: string; address: string | null }[];
}

const iphone = {
  'user-agent':
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1',
};

jest.setTimeout(90_000);

describe('card links', () => {
  let story: FinanceStory;
  let seller: StorySeller;
  let payout: StoryPayout;

  beforeAll(async () => {
    story = await FinanceStory.begin({
      cardLinkRequestsPerMinute: 100_000,
      cardPageRequestsPerMinute: 100_000,
      cardLinkAddresses: 'network',
    });
    seller = await story.seller();
    payout = await story.readyPayout(seller, 250_00, {
      controls: { allowed_merchant_countries: ['US', 'CA'], blocked_categories: ['betting_casino_gambling'] },
      expires_at: new Date(story.app.clock.now().getTime() + 300 * 86_400_000).toISOString(),
    });
  });
  afterAll(async () => {
    await story.end();
  });

  async function mint(body?: object, headers: Record<string, string> = {}, of = payout.id): Promise<LinkView> {
    const answer = await story.call<LinkView>('marketplace', 'POST', `/v1/payouts/${of}/card-links`, body, headers);
    expect(answer.status).toBe(201);
    return answer.body;
  }
  async function list(): Promise<LinkView[]> {
    return (await story.call<{ data: LinkView[] }>('auditor', 'GET', `/v1/payouts/${payout.id}/card-links`)).body.data;
  }
  const detail = async (id: string) => (await story.call<LinkView>('auditor', 'GET', `/v1/card-links/${id}`)).body;
  const visitor = (link: LinkView, headers = iphone) => new Visitor(link.url, headers);
  /** Somebody had time to read the page. */
  const read = () => story.app.clock.advance(1_500);
  const eventsOf = async (type: string, linkId: string) =>
    story.app.database.query<{ data: { age_hours?: number } }>(
      `select data from outgoing_events where type = $1 and data ->> 'id' = $2 order by sequence`,
      [type, linkId],
    );
  /** Everything a look at a link could have touched. */
  const everything = async () => {
    const rows = await story.app.database.query<{ text: string }>(
      `select (select string_agg(c::text, ' ' order by id) from card_links c) || coalesce((select string_agg(v::text, ' ' order by id) from card_link_views v), '')
         || (select count(*) from outgoing_events where type like 'card_link%') || (select count(*) from payout_timeline where kind like 'card_link%') as text`,
    );
    return rows[0]!.text;
  };

  it('shows what the card is for, never its number, and changes nothing by being looked at', async () => {
    const link = await mint();
    const before = await everything();

    const page = await visitor(link).load();
    for (const method of ['OPTIONS', 'HEAD', 'GET'])
      for (const headers of [{ 'user-agent': 'Slackbot-LinkExpanding 1.0' }, { 'sec-purpose': 'prefetch;prerender' }]) {
        await fetch(link.url, { method, headers });
        await fetch(`${link.url}/status`, { method, headers });
      }

    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.html).toContain('$250.00');
    expect(page.html).toContain('Only at merchants in: United States and Canada.');
    expect(page.html).toContain('Ready to use');
    expect(page.html).not.toMatch(/\d{13,19}/);
    expect(link.url).toMatch(new RegExp(`^${story.app.url}/c/[A-Za-z0-9_-]{43}$`));
    expect(await everything()).toBe(before);
  });

  it('sends headers that let nothing in and nothing out but Stripe', async () => {
    const who = visitor(await mint());
    const page = await who.load();
    const policy = Object.fromEntries(
      page.headers
        .get('content-security-policy')!
        .split('; ')
        .map((rule): [string, string] => [rule.split(' ')[0]!, rule.split(' ').slice(1).join(' ')]),
    );
    const nonce = /'nonce-([\w-]+)'/.exec(policy['style-src']!)![1]!;

    expect(policy).toEqual({
      'default-src': `'none'`,
      'style-src': `'nonce-${nonce}'`,
      'script-src': `'nonce-${nonce}' ${story.app.simulator.url}`,
      'connect-src': `'self' ${story.app.simulator.url}`,
      'frame-src': story.app.simulator.url,
      'form-action': `'self'`,
      'base-uri': `'none'`,
      'frame-ancestors': `'none'`,
    });
    for (const tag of page.html.match(/<(script|style)\b[^>]*>/g)!)
      expect(tag).toMatch(new RegExp(`nonce="${nonce}"|type="application/json"`));
    expect(page.html).not.toMatch(/ on\w+="|style="|javascript:/);
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex, nofollow, noarchive',
      'cross-origin-opener-policy': 'same-origin',
      'strict-transport-security': expect.stringContaining('max-age='),
    });
    expect(who.setCookies).toEqual([
      expect.stringMatching(/^__Host-disburse-browser=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/),
    ]);
  });

  it('tells URL and passcode once, and stores neither', async () => {
    const headers = { 'idempotency-key': 'link-once' };
    const link = await mint({ require_passcode: true }, headers);
    const again = await mint({ require_passcode: true }, headers);

    expect(again).toMatchObject({ id: link.id, secret_shown_once: true });
    expect(again).not.toHaveProperty('url');
    expect(again).not.toHaveProperty('passcode');
    const token = link.url.split('/').at(-1)!;
    const dump = await story.app.database.query<{ text: string; hash: string }>(
      `select (select string_agg(c::text, ' ') from card_links c) || coalesce((select string_agg(i::text, ' ') from idempotency_keys i), '')
         || coalesce((select string_agg(o::text, ' ') from outgoing_events o), '') || (select string_agg(t::text, ' ') from payout_timeline t) as text,
       (select passcode_hash from card_links where id = '${link.id}') as hash`,
    );
    expect(dump[0]!.text).not.toContain(token);
    expect(dump[0]!.text).not.toContain(`"passcode": "${link.passcode!}"`);
    expect(dump[0]!.hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('lets the newest link live alone, however many are made at once', async () => {
    const links = await Promise.all([mint(), mint(), mint(), mint()]);

    const pages = await Promise.all(links.map((link) => visitor(link).load()));

    expect(pages.filter((page) => page.status === 200)).toHaveLength(1);
    expect((await list()).filter((link) => link.status === 'active')).toHaveLength(1);
  });

  it('looks the same revoked, replaced, expired, locked and never made, unless it was shown here before', async () => {
    const mine: Visitor[] = [];
    const shownHere = async (link: LinkView) => {
      const who = visitor(link);
      await who.load();
      if (link.passcode) {
        expect((await who.enter(link.passcode)).status).toBe(303);
        await who.load();
      }
      read();
      expect((await who.reveal()).status).toBe(200);
      mine.push(who);
    };
    const replaced = await mint();
    await shownHere(replaced);
    const revoked = await mint();
    await shownHere(revoked);
    await story.call('marketplace', 'DELETE', `/v1/card-links/${revoked.id}`);
    const locked = await mint({ require_passcode: true });
    await shownHere(locked);
    const guesser = visitor(locked);
    await guesser.load();
    for (let tries = 0; tries < 5; tries += 1) await guesser.enter(robot6(locked.passcode!));
    const expired = await mint({ lifetime_seconds: 60 });
    await shownHere(expired);
    story.app.clock.advance(61_000);
    const never = { url: `${story.app.url}/c/${'x'.repeat(43)}` } as LinkView;
    const odd = { url: `${story.app.url}/c/odd` } as LinkView;

    const outside = await Promise.all(
      [replaced, revoked, locked, expired, never, odd].map(async (link) => {
        const who = visitor(link);
        const { status, html } = await who.load();
        const entered = await who.enter('123456');
        read();
        const shown = await who.reveal({ page: who.token });
        return [status, html.replace(/nonce="[\w-]+"/, ''), who.setCookies.length, entered.status, shown.status].join(
          ' ',
        );
      }),
    );
    const inside = await Promise.all(mine.map((who) => who.load()));

    expect(new Set(outside).size).toBe(1);
    expect(outside[0]).toMatch(/^404 /);
    expect(
      inside.map(({ status, html }) => `${status} ${/<h1>.*?<\/span>\s*([^<]*)/s.exec(html)![1]!.trim()}`),
    ).toEqual([
      '410 There is a newer link',
      '410 This link was withdrawn',
      '410 This link is locked',
      '410 This link has expired',
    ]);
  });

  it('opens with the passcode, locks after five wrong ones, and takes no robot’s form for a try', async () => {
    const link = await mint({ require_passcode: true });
    const who = visitor(link);
    expect(await who.load()).toMatchObject({ status: 200, html: expect.stringContaining('Enter your passcode') });

    for (const robot of ['', 'x', '12345', '1234567', 'test@example.com'])
      expect((await who.enter(robot)).status).toBe(403);
    // A form that is not this browser's page costs nothing and opens nothing.
    expect((await who.enter(link.passcode!, 'forged.token')).status).toBe(403);
    expect((await visitor(link).enter(link.passcode!, who.token)).status).toBe(403);
    for (let tries = 0; tries < 4; tries += 1) expect((await who.enter(robot6(link.passcode!))).status).toBe(403);
    expect((await who.enter(robot6(link.passcode!))).status).toBe(404);
    expect((await who.enter(link.passcode!)).status).toBe(404);
    expect((await list())[0]).toMatchObject({ id: link.id, status: 'locked' });
    expect(await eventsOf('card_link.locked', link.id)).toHaveLength(1);

    const next = await mint({ require_passcode: true });
    const owner = visitor(next);
    await owner.load();
    for (let tries = 0; tries < 4; tries += 1) expect((await owner.enter(robot6(next.passcode!))).status).toBe(403);
    expect((await owner.enter(`${next.passcode!.slice(0, 3)} ${next.passcode!.slice(3)}`)).status).toBe(303);
    expect((await owner.load()).html).toContain('$250.00');
    // The proof is this browser's and this link's, for a quarter of an hour.
    expect((await visitor(next).load()).html).toContain('Enter your passcode');
    story.app.clock.advance(15 * 60_000 + 1);
    expect((await owner.load()).html).toContain('Enter your passcode');
  });

  it('gives forty guesses at once five tries', async () => {
    const link = await mint({ require_passcode: true });
    const who = visitor(link);
    await who.load();

    const answers = await Promise.all(Array.from({ length: 40 }, () => who.enter(robot6(link.passcode!))));

    expect(answers.filter((answer) => answer.status === 403).length).toBeLessThanOrEqual(4);
    const { status, activity } = await detail(link.id);
    expect(status).toBe('locked');
    expect(activity.filter(({ action }) => action === 'mistyped_passcode')).toHaveLength(5);
    expect(await eventsOf('card_link.locked', link.id)).toHaveLength(1);
  });

  it('is locked by the next visitor when the process died that took the last try', async () => {
    const link = await mint({ require_passcode: true });
    await story.app.database.query(`update card_links set passcode_tries = 5 where id = $1`, [link.id]);
    const who = visitor(link);
    await who.load();

    expect((await who.enter(link.passcode!)).status).toBe(404);

    expect((await detail(link.id)).status).toBe('locked');
    expect(await eventsOf('card_link.locked', link.id)).toHaveLength(1);
  });

  it('binds to one of two browsers that ask at the same moment', async () => {
    for (let round = 0; round < 3; round += 1) {
      const link = await mint();
      const rivals = [visitor(link), visitor(link), visitor(link)];
      for (const rival of rivals) await rival.load();
      read();

      const answers = await Promise.all(rivals.map((rival) => rival.reveal()));

      expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409]);
      for (const { status, body } of answers) expect('ephemeral_key_secret' in body).toBe(status === 200);
      expect(await detail(link.id)).toMatchObject({ reveals: 1 });
      expect(await eventsOf('card_link.opened', link.id)).toHaveLength(1);
      const [winner, loser] = [200, 409].map((wanted) => rivals[answers.findIndex(({ status }) => status === wanted)]!);
      expect((await loser!.load()).html).toContain('This card was opened somewhere else');
      expect((await winner!.load()).html).toContain('Hold to show card details');
    }
  });

  it('moves to another device with the passcode, and then belongs to that one', async () => {
    const link = await mint({ require_passcode: true });
    const [first, second] = [visitor(link), visitor(link)];
    for (const device of [first, second]) {
      expect((await device.load()).html).toContain('Enter your passcode');
      expect((await device.reveal()).status).toBe(403);
      await device.enter(link.passcode!);
      await device.load();
      read();
      expect((await device.reveal()).status).toBe(200);
    }
    story.app.clock.advance(16 * 60_000);

    expect((await second.load()).html).toContain('Hold to show card details');
    expect((await first.load()).html).toContain('was shown before, on another device or in another browser');
    expect(await detail(link.id)).toMatchObject({ reveals: 2, views: 0 });
    expect(await eventsOf('card_link.opened', link.id)).toHaveLength(1);
  });

  it('shows nothing to whatever is not this page in this browser, used by a person', async () => {
    const link = await mint();
    const who = visitor(link);
    await who.load();
    const before = await everything();
    expect((await who.reveal()).body.code).toBe('not_a_person'); // sooner than anybody reads
    read();
    const stranger = visitor(await mint({}, {}, (await story.readyPayout(seller, 20_00)).id));
    await stranger.load();
    read();

    expect(
      await Promise.all(
        [
          who.reveal({ page: '' }),
          who.reveal({ page: stranger.token }),
          who.reveal({ page: `${who.token}x` }),
          who.at(link.url).reveal({ page: stranger.token }),
          visitor(link).reveal({ page: who.token }),
          who.reveal({ gesture: undefined }),
          who.reveal({ gesture: { way: 'hold', ms: 10 } }),
          who.reveal({ gesture: { way: 'typed', ending: '0000' } }),
          who.reveal({ nonce: 'a b' }),
          who.reveal({}, { 'content-type': 'text/plain' }),
          who.reveal({}, { 'sec-fetch-site': 'cross-site' }),
          who.reveal({}, { 'user-agent': 'Mozilla/5.0 (compatible; BarracudaCentral/1.0)' }),
          who.reveal({}, { 'user-agent': '' }),
          // A borrowed name, and the hints of the browser that borrowed it.
          who.reveal({}, { 'sec-ch-ua': '"HeadlessChrome";v="153", "Not_A Brand";v="8"' }),
          who.reveal({}, { 'content-type': 'application/x-www-form-urlencoded' }),
        ].map(async (asked) => {
          const { status, body } = await asked;
          return [status < 400, 'ephemeral_key_secret' in body];
        }),
      ),
    ).toEqual(Array(15).fill([false, false]));
    expect((await everything()).startsWith(before.split(' ')[0]!)).toBe(true);
    expect(await detail(link.id)).toMatchObject({ reveals: 0, views: 0, activity: [] });
    // A page that lay open overnight starts again.
    story.app.clock.advance(13 * 3_600_000);
    expect((await who.reveal()).body.code).toBe('reload');
    await who.load();
    read();
    expect((await who.reveal({ gesture: { way: 'typed', ending: await lastFour() } })).status).toBe(200);
  });

  async function lastFour(): Promise<string> {
    const cards = await story.call<{ data: { last4: string }[] }>(
      'marketplace',
      'GET',
      `/v1/cards?payout=${payout.id}`,
    );
    return cards.body.data[0]!.last4;
  }

  it('shows no card whose time is over, though nobody has ended its payout yet', async () => {
    const expiresAt = new Date(story.app.clock.now().getTime() + 600_000).toISOString();
    const brief = await story.readyPayout(seller, 20_00, { expires_at: expiresAt });
    const who = visitor(await mint({}, {}, brief.id));
    expect((await who.load()).html).toContain('Ready to use');
    story.app.clock.advance(601_000);

    expect((await who.reveal()).body.code).toBe('reload');

    expect((await who.load()).html).toContain('The time to use this card is over.');
    expect((await story.call('marketplace', 'GET', `/v1/payouts/${brief.id}`)).body['status']).toBe('ready');
  });

  it('keeps its cookie through a click in somebody’s webmail', async () => {
    const link = await mint();
    const who = visitor(link);
    await who.load();
    read();
    await who.reveal();
    // The browser sends no strict cookie on a click from another site.
    const clicked = visitor(link);

    // `here` stands in addresses that were copied after such a click.
    for (const query of ['', '?here=1']) {
      const arrived = await clicked.load(query, { 'sec-fetch-site': 'cross-site' });

      expect(arrived.status).toBe(200);
      expect(arrived.html).toContain('http-equiv="refresh"');
      expect(arrived.html).not.toContain('$250.00');
      expect(clicked.setCookies).toEqual([]);
    }
    expect((await who.load('?here=1', { 'sec-fetch-site': 'same-origin' })).html).toContain(
      'Hold to show card details',
    );
    expect(who.setCookies.at(-1)).toMatch(/; Max-Age=34560000$/);
  });

  it('tells the marketplace what was done with it, coarsely', async () => {
    const link = await mint();
    const who = visitor(link);
    await who.load();
    expect((await who.view()).status).toBe(204);
    read();
    await who.reveal();

    const { activity, views, last_viewed_with } = await detail(link.id);

    expect({ views, last_viewed_with }).toEqual({ views: 1, last_viewed_with: 'Safari on iPhone' });
    expect(activity).toEqual([
      { at: expect.any(String), action: 'showed_card', client: 'Safari on iPhone', address: '127.0.0.0/24' },
      { at: expect.any(String), action: 'opened_page', client: 'Safari on iPhone', address: '127.0.0.0/24' },
    ]);
  });

  it('reminds once at each age of a card nobody has seen', async () => {
    const service = story.app.app.get(CardLinksService);
    const seen = await mint({}, {}, (await story.readyPayout(seller, 20_00)).id);
    const who = visitor(seen);
    await who.load();
    read();
    await who.reveal();
    const link = await mint();
    await service.remind();
    expect(await eventsOf('card_link.reminder_due', link.id)).toEqual([]);

    story.app.clock.advance(24 * 3_600_000);
    await Promise.all([service.remind(), service.remind(), service.remind()]);
    await service.remind();
    expect((await eventsOf('card_link.reminder_due', link.id)).map(({ data }) => data.age_hours)).toEqual([24]);
    story.app.clock.advance(48 * 3_600_000);
    await Promise.all([service.remind(), service.remind()]);

    expect((await eventsOf('card_link.reminder_due', link.id)).map(({ data }) => data.age_hours)).toEqual([24, 72]);
    expect(await eventsOf('card_link.reminder_due', seen.id)).toEqual([]);
    // Nobody was there for four days: one reminder makes up for two.
    const late = await mint();
    story.app.clock.advance(96 * 3_600_000);
    await service.remind();
    await service.remind();
    expect((await eventsOf('card_link.reminder_due', late.id)).map(({ data }) => data.age_hours)).toEqual([72]);
  });

  it('speaks as the address asks, else as the cardholder prefers, else as the browser does', async () => {
    const { body } = await story.call<Record<string, unknown>>(
      'marketplace',
      'GET',
      `/v1/cardholders/${seller.holder}`,
    );
    const { name, dob, phone_number, billing_address, user_terms_acceptance } = body;
    const person = { name, dob, phone_number, billing_address, user_terms_acceptance };
    const made = await story.call<{ id: string }>('marketplace', 'POST', '/v1/cardholders', {
      connected_account: seller.id,
      ...person,
      preferred_locale: 'fr',
    });
    expect(made.status).toBe(201);
    /** By us, and by Stripe. */
    const untilKnown = (locale: string) =>
      waitFor(`everybody to know of ${locale}`, async () => {
        const { body: holder } = await story.call<{ stripe_cardholder_id: string | null; preferred_locale: string }>(
          'marketplace',
          'GET',
          `/v1/cardholders/${made.body.id}`,
        );
        if (holder.stripe_cardholder_id === null || holder.preferred_locale !== locale) return false;
        const options = { stripeAccount: seller.stripeAccountId };
        const stripes = await story.app.stripe.issuing.cardholders.retrieve(holder.stripe_cardholder_id, {}, options);
        return String(stripes.preferred_locales) === locale;
      });
    await untilKnown('fr');
    const theirs = await story.requestPayout(seller, 20_00, { cardholder: made.body.id });
    const link = await mint({}, {}, theirs);
    const german = { ...iphone, 'accept-language': 'de-AT,de;q=0.9' };
    const spoken = async (query: string, headers: Record<string, string>) => {
      const page = await new Visitor(link.url, headers).load(query);
      return [page.headers.get('content-language'), /<span class="from">([^<]*)/.exec(page.html)![1]];
    };

    expect(await spoken('', german)).toEqual(['fr', expect.stringMatching(/^Carte de /)]);
    expect(await spoken('?lang=es', german)).toEqual(['es', expect.stringMatching(/^Tarjeta de /)]);
    const changed = await story.call('marketplace', 'PATCH', `/v1/cardholders/${made.body.id}`, {
      preferred_locale: 'it',
    });
    expect(changed.status).toBe(200);
    await untilKnown('it');
    expect(await spoken('', german)).toEqual(['it', expect.stringMatching(/^Carta da /)]);
    // The other cardholder prefers nothing.
    for (const [accepted, locale] of [
      ['de-AT,de;q=0.9', 'de'],
      ['ja', 'en'],
    ] as const) {
      const who = new Visitor((await mint()).url, { ...iphone, 'accept-language': accepted });
      expect((await who.load()).headers.get('content-language')).toBe(locale);
    }
    const refused = await story.call('marketplace', 'PATCH', `/v1/cardholders/${made.body.id}`, {
      preferred_locale: 'nl',
    });
    expect([refused.status, refused.body['errors']]).toEqual([
      400,
      [expect.objectContaining({ pointer: '/preferred_locale' })],
    ]);
  });

  it('limits an address and a link over all replicas, and believes a proxy only where told to', async () => {
    const strict = await startTestApp({ cardPageRequestsPerMinute: 4, cardLinkRequestsPerMinute: 1_000 }, story.app);
    const proxied = await startTestApp(
      { cardPageRequestsPerMinute: 4, cardLinkRequestsPerMinute: 6, trustProxy: ['127.0.0.1'] },
      story.app,
    );
    const link = await mint();
    await story.app.database.query('delete from rate_limits');
    const path = new URL(link.url).pathname;
    const statusFrom = async (base: string, address: string, at = path) =>
      (await fetch(`${base}${at}`, { headers: { 'x-forwarded-for': address } })).status;
    try {
      const direct = [];
      for (let turn = 0; turn < 6; turn += 1) direct.push(await statusFrom(strict.url, `203.0.113.${turn}`));
      await story.app.database.query('delete from rate_limits');
      const through = [];
      for (let turn = 0; turn < 8; turn += 1) through.push(await statusFrom(proxied.url, `198.51.100.${turn}`));
      const busy = await fetch(`${strict.url}${path}`);
      await story.app.database.query('delete from rate_limits');
      // Whoever has one address of IPv6 has its whole /64.
      const roaming = [];
      const { pathname: next } = new URL((await mint()).url);
      for (const host of ['7::1', '7::2', '7:0:1::', '7::4', '7::5', '8::1'])
        roaming.push(await statusFrom(proxied.url, `2001:db8:0:${host}`, next));

      expect(direct).toEqual([200, 200, 200, 200, 429, 429]);
      expect(through).toEqual([200, 200, 200, 200, 200, 200, 429, 429]);
      expect(roaming).toEqual([200, 200, 200, 200, 429, 200]);
      expect(Number(busy.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await busy.text()).toContain('Too many requests');
    } finally {
      await proxied.stop();
      await strict.stop();
    }
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
    for (const method of ['GET', 'DELETE'])
      expect((await story.call('marketplace', method, '/v1/card-links/cardlink_nobody')).body['code']).toBe(
        'card_link_not_found',
      );
    const canceled = await story.requestPayout(seller, 20_00);
    await story.call('marketplace', 'POST', `/v1/payouts/${canceled}/cancel`);
    const answer = await story.call('marketplace', 'POST', `/v1/payouts/${canceled}/card-links`, {});
    expect([answer.status, answer.body['code']]).toEqual([409, 'payout_has_ended']);
  });
});

/** Six digits, but not these. */
function robot6(passcode: string): string {
  return passcode === '000000' ? '000001' : '000000';
}
