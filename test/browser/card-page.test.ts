import { Browser, Page } from 'playwright-core';
import { findCardData } from '../invariants/card-number-scan';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { launchBrowser } from '../support/browser';
import { locales } from '../../src/card-page-texts/card-page-text.types';
import { waitFor } from '../support/wait-for';
import { draw, faces } from './card-page-gallery';
import { CardPageWorld, Link, narrow } from './card-page-world';

jest.setTimeout(120_000);

describe('the card page in a browser', () => {
  let story: FinanceStory;
  let browser: Browser;
  let world: CardPageWorld;
  let seller: StorySeller;
  let german: StorySeller;
  let payout: StoryPayout;
  let spare: StoryPayout;
  let euros: StoryPayout;

  beforeAll(async () => {
    [browser, story] = await Promise.all([
      launchBrowser(),
      FinanceStory.begin({
        marketplaceName: 'Rocket Rides',
        cardLinkRequestsPerMinute: 100_000,
        cardPageRequestsPerMinute: 100_000,
      }),
    ]);
    world = new CardPageWorld(story, browser);
    [seller, german] = await Promise.all([story.seller(), story.seller('DE')]);
    const controls = { allowed_merchant_countries: ['US', 'CA'], blocked_categories: ['betting_casino_gambling'] };
    [payout, spare, euros] = await Promise.all([
      story.readyPayout(seller, 250_00, { controls }),
      story.readyPayout(seller, 20_00),
      world.readyAcrossBankDays(german, 80_00),
    ]);
  });
  afterEach(async () => {
    await world.closeDevices();
    expect(world.problems.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await story?.end();
  });

  const heading = async (page: Page) => (await page.locator('h1').innerText()).replaceAll(/\s+/g, ' ');

  it('takes a seller from the link to the card on a phone, and hides it again', async () => {
    const link = await world.link(payout.id);
    const page = await world.device();
    await page.goto(link.url);
    await world.inspect(page, 'ready');
    expect(await page.locator('time').first().innerText()).toMatch(/E[SD]T$/);

    // This once with a thumb that takes its time.
    await page.locator('#hold').hover();
    await page.mouse.down();
    await page.locator('#shown').waitFor({ state: 'visible' });
    await page.mouse.up();
    const secrets = await world.secretsOf(payout);
    expect((await world.secret(page, 'number')).replaceAll(' ', '')).toBe(secrets.number);
    expect(await world.secret(page, 'cvc')).toBe(secrets.cvc);
    // What stands in Stripe's frames is not in the page.
    expect(findCardData(await page.content(), [secrets])).toEqual([]);
    await world.inspect(page, 'shown');
    expect(await pictureIn(page, 'dark')).toEqual(await pictureIn(page, 'light'));

    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.frameLocator('#copy-number-frame iframe').getByRole('button').click();
    await page.getByText('Copied').waitFor({ state: 'attached' });
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secrets.number);

    await page.locator('#hide').click();
    expect(await page.locator('iframe').count()).toBe(0);
    expect(await page.evaluate('document.activeElement.id')).toBe('hold');
    expect(await world.detail(link)).toMatchObject({
      reveals: 1,
      status: 'active',
      views: 1,
      last_viewed_with: 'Safari on iPhone',
    });
    expect(await page.context().cookies()).toEqual([
      expect.objectContaining({ name: '__Host-disburse-browser', httpOnly: true, secure: true, sameSite: 'Strict' }),
    ]);
  });

  /** The card looks the same at night: a frame that does not know of the night is drawn on white, and its white digits are gone. */
  async function pictureIn(page: Page, colorScheme: 'light' | 'dark'): Promise<string> {
    await page.emulateMedia({ colorScheme });
    return (await page.locator('#number').screenshot()).toString('base64');
  }

  it('hides the card when it is printed, when the page is left, and behind another tab', async () => {
    const link = await world.link(payout.id);
    const page = await world.device();
    await page.goto(link.url);
    const expectHidden = async () => {
      expect(await page.locator('iframe').count()).toBe(0);
      expect(await page.locator('#shown').isHidden()).toBe(true);
    };

    await world.show(page);
    await page.pdf();
    await expectHidden();
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.plastic').isVisible()).toBe(false);
    await page.emulateMedia({ media: 'screen' });

    // A headless browser has nothing in front of a page, so the other tab is only claimed.
    await world.show(page);
    await page.evaluate(`Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
      document.dispatchEvent(new Event('visibilitychange')); delete document.visibilityState`);
    await expectHidden();

    // Going elsewhere is real: the browser itself says that the page is hidden, and this hears it after the page's own script.
    await world.show(page);
    await page.evaluate(`document.addEventListener('visibilitychange', (event) => sessionStorage.setItem('left',
      [event.isTrusted, document.visibilityState, document.querySelectorAll('iframe').length].join()))`);
    await page.goto(`${new URL(link.url).origin}/health/live`);
    expect(await page.evaluate(`sessionStorage.getItem('left')`)).toBe('true,hidden,0');
    await page.goBack();
    await expectHidden();
    expect(await world.detail(link)).toMatchObject({ reveals: 3 });
  });

  it('hides the card after a minute', async () => {
    const page = await world.device();
    await page.goto((await world.link(payout.id)).url);
    story.app.clock.advance(1_000);
    await page.locator('#hold').focus();
    await page.keyboard.down(' ');
    await page.clock.runFor(1_100);
    await page.keyboard.up(' ');
    await page.locator('#shown').waitFor({ state: 'visible' });

    await page.clock.runFor(46_000);
    expect(await page.locator('#announce').innerText()).toBe('Hidden again in 15 s');
    await page.clock.runFor(10_000);
    expect(await page.locator('#shown').isVisible()).toBe(true);
    await page.clock.runFor(6_000);

    expect(await page.locator('#shown').isHidden()).toBe(true);
    expect(await page.locator('iframe').count()).toBe(0);
    expect(await page.evaluate('document.activeElement.id')).toBe('hold');
    expect(await page.locator('#message').innerText()).toBe('Card details are hidden.');
  });

  it('fits 320 px in German, in the seller’s time zone, and works by keyboard alone', async () => {
    const page = await world.device({ ...narrow, locale: 'de-DE', timezoneId: 'Europe/Berlin' });
    await page.goto((await world.link(euros.id)).url);
    expect(await heading(page)).toMatch(/^Karte von Rocket Rides 80,00\s€$/);
    expect(await page.locator('time').first().innerText()).toMatch(/MEZ|MESZ/);

    // Tab by Tab to "without holding", the field and its button; never caught.
    const reach = async (id: string) => {
      for (let steps = 0; steps < 25; steps += 1) {
        if (
          (await page.evaluate(
            'document.activeElement && (document.activeElement.id || document.activeElement.tagName)',
          )) === id
        )
          return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`Tab does not reach ${id}`);
    };
    await reach('hold');
    await reach('SUMMARY');
    await page.keyboard.press('Enter');
    await reach('ending');
    await page.keyboard.type('0000');
    await page.keyboard.press('Enter');
    expect(await page.locator('#message').innerText()).toBe('Das sind nicht die letzten vier Ziffern der Karte.');
    await world.inspect(page, 'typed-320-de');
    await page.locator('#ending').fill((await world.secretsOf(euros)).number.slice(-4));
    await reach('type-show');
    story.app.clock.advance(1_000);
    await page.keyboard.press('Enter');

    expect((await world.secret(page, 'number')).replaceAll(' ', '')).toBe((await world.secretsOf(euros)).number);
    await world.photograph(page, 'shown-320-de');
    await page.locator('nav a[lang=fr]').click();
    expect(await heading(page)).toMatch(/^Carte de Rocket Rides/);
    await page.locator('nav a[lang=en]').click();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });

  it('asks for the passcode, locks after five wrong ones, and lives on in a new link', async () => {
    const link = await world.link(payout.id, { require_passcode: true });
    const wrong = link.passcode === '000000' ? '000001' : '000000';
    const page = await world.device();
    const enter = (passcode: string) => world.enter(page, passcode);
    await page.goto(link.url);
    await enter(wrong);
    expect(await page.getByRole('alert').innerText()).toMatch(/^That passcode is not right/);
    for (let tries = 0; tries < 4; tries += 1) await enter(wrong);
    expect(await heading(page)).toBe('Rocket Rides This link is not available');

    const next = await world.link(payout.id, { require_passcode: true });
    await page.goto(next.url);
    await enter(next.passcode!);
    await world.show(page);
    expect(await world.detail(link)).toMatchObject({ status: 'locked', reveals: 0 });

    // Another device has the link, and gets the card only with the passcode too.
    const tablet = await world.device();
    await tablet.goto(next.url);
    expect(await tablet.locator('main').innerText()).toContain('With the passcode you move it here.');
    await world.enter(tablet, next.passcode!);
    await world.show(tablet);
    expect(await world.detail(next)).toMatchObject({ reveals: 2 });
  });

  it('belongs to the first device, and a new link to the next', async () => {
    const link = await world.link(payout.id);
    const first = await world.device();
    await first.goto(link.url);
    await world.show(first);

    const second = await world.device();
    await second.goto(link.url);
    expect(await heading(second)).toContain('This card was opened somewhere else');
    expect(await second.content()).not.toMatch(/\$250|Visa/);

    const next = await world.link(payout.id);
    await second.goto(next.url);
    await world.show(second);
    await first.goto(link.url);
    expect(await heading(first)).toContain('There is a newer link');
  });

  it('knows its browser again after a click in somebody’s webmail, copied address or not', async () => {
    const link = await world.link(payout.id);
    const page = await world.device();
    await page.goto(link.url);
    await world.show(page);
    const cookies = await page.context().cookies();

    for (const address of [link.url, `${link.url}?here=1`]) {
      await page.route('http://mail.example/', (route) =>
        route.fulfill({ contentType: 'text/html', body: `<a href="${address}">Your card</a>` }),
      );
      await page.goto('http://mail.example/');
      await page.locator('a').click();
      await page.locator('#hold').waitFor();
      expect(await page.context().cookies()).toEqual(cookies);
    }
  });

  const scanners = [
    [
      'Outlook Safe Links',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0',
    ],
    ['Barracuda', 'Mozilla/5.0 (compatible; BarracudaCentral/1.0; +http://www.barracudacentral.org/)'],
    ['Slack', 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)'],
    ['Teams', 'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com'],
    ['WhatsApp', 'WhatsApp/2.23.20.0 A'],
  ] as const;

  it('gives scanners nothing, and loses nothing to them', async () => {
    const links = [await world.link(payout.id), await world.link(spare.id, { require_passcode: true })];
    const before = await Promise.all(links.map((link) => world.detail(link)));
    story.app.clock.advance(60_000);

    for (const [name, userAgent] of scanners)
      await Promise.all(
        links.map((link) => scan(link, userAgent).then((shown) => expect([name, shown]).toEqual([name, 0]))),
      );

    for (const [index, link] of links.entries()) {
      const {
        views: _views,
        last_viewed_at: _at,
        last_viewed_with: _with,
        activity,
        ...after
      } = (await world.detail(link)) as never as Record<string, unknown>;
      expect(before[index]).toMatchObject(after);
      expect((activity as { action: string }[]).filter(({ action }) => action !== 'opened_page')).toEqual([]);
    }
    expect(await told(links)).toEqual([]);
  });

  async function told(links: readonly Link[]): Promise<unknown[]> {
    return story.app.database.query(
      `select type, data from outgoing_events where type in ('card_link.opened', 'card_link.locked') and data ->> 'id' = any($1)`,
      [links.map((link) => link.id)],
    );
  }

  /**
   * Everything the sandboxes of mail filters are known to do, and more: ask in every way, render, fill, submit, press and hold whatever
   * there is. Answers how many frames of Stripe's it got to see.
   */
  async function scan(link: Link, userAgent: string): Promise<number> {
    for (const [method, purpose] of [
      ['OPTIONS', ''],
      ['HEAD', ''],
      ['GET', 'prefetch;prerender'],
      ['GET', ''],
    ] as const) {
      const answer = await fetch(link.url, { method, headers: { 'user-agent': userAgent, 'sec-purpose': purpose } });
      for (const [, path] of (await answer.text()).matchAll(/(?:href|src|url)="?=?([^"\s>]+)/g)) {
        await fetch(new URL(path!, link.url), { headers: { 'user-agent': userAgent } }).catch(() => undefined);
      }
    }
    for (const body of [undefined, new URLSearchParams({}), new URLSearchParams({ passcode: '', page: '' })])
      await fetch(link.url, { method: 'POST', headers: { 'user-agent': userAgent }, ...(body ? { body } : {}) });

    // It borrows a name and forgets what else its browser says of itself.
    const page = await world.device({ userAgent, isMobile: false, hasTouch: false, extraHTTPHeaders: {} });
    await page.goto(link.url);
    // As long as it may like: the page is old enough by our clock.
    story.app.clock.advance(1_000);
    const shut = `for (const each of document.querySelectorAll('details')) each.open = true`;
    await page.evaluate(shut);
    for (const input of await page.locator('input:visible').all()) await input.fill('test@example.com');
    for (const button of await page.locator('button:visible, summary:visible').all()) {
      for (const press of [
        () => button.click(),
        () => button.dblclick(),
        () => button.press('Enter'),
        () => button.press(' '),
      ])
        await press().then(
          () => page.evaluate(shut),
          () => undefined,
        );
    }
    // As a script in the page would: clicks and events that nobody made.
    await page.evaluate(`for (const each of document.querySelectorAll('button, a, summary, input')) {
      if (each.tagName !== 'A') each.click();
      for (const kind of ['pointerdown', 'mousedown', 'touchstart', 'keydown'])
        each.dispatchEvent(kind === 'keydown' ? new KeyboardEvent(kind, { key: 'Enter', bubbles: true }) : new PointerEvent(kind, { isPrimary: true, button: 0, bubbles: true }));
    }`);
    await page.clock.runFor(1_200);
    let shown = await page.locator('iframe').count();
    for (const button of await page.locator('button:visible').all()) {
      await button.hover();
      await page.mouse.down();
      await page.clock.runFor(2_000);
      await page.mouse.up();
    }
    if (link.passcode === undefined) await page.getByText('controlled by software').waitFor();
    shown += await page.locator('iframe').count();
    await page.evaluate(`for (const form of document.forms) form.submit()`);
    await page.waitForLoadState();
    shown += await page.locator('iframe').count();
    await page.context().close();
    return shown;
  }

  it('shows nothing to a browser that says it is controlled by software, however long it holds', async () => {
    const link = await world.link(payout.id);
    const page = await world.device();
    await page.addInitScript(`Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => true })`);
    await page.goto(link.url);
    story.app.clock.advance(1_000);
    await world.hold(page);

    await page.getByText('controlled by software').waitFor();
    expect(await world.detail(link)).toMatchObject({ reveals: 0 });
  });

  it('says so when Stripe’s script does not load, and uses nothing up', async () => {
    const link = await world.link(payout.id);
    const page = await world.device();
    await page.route(`${story.app.simulator.url}/**`, (route) => route.abort());
    await page.goto(link.url);
    await world.hold(page);

    await page.getByText('could not be loaded').waitFor();
    expect(await world.detail(link)).toMatchObject({ reveals: 0 });
    expect(world.problems.splice(0)).toEqual([expect.stringContaining('ERR_FAILED')]);
  });

  it('waits with the seller while money moves, and shows itself ready without being asked', async () => {
    const id = await story.requestPayout(seller, 1_000_000);
    const page = await world.device({ locale: 'de-DE' });
    await page.goto((await world.link(id)).url);
    expect(await page.locator('.badge').innerText()).toBe('Unterwegs');

    await story.platform.fundPlatform(20_000_00, 'usd');
    await story.untilPayout(id, ['ready']);
    await waitFor(
      'the page to say so',
      async () => {
        await page.clock.runFor(4_000);
        return (await page.locator('.badge').innerText()) === 'Einsatzbereit';
      },
      30_000,
    );
  });

  it('tells a refused payment, what it means and what to do, then what was charged and what came back', async () => {
    const used = await story.readyPayout(seller, 100_00);
    const page = await world.device();
    await page.goto((await world.link(used.id)).url);
    await world.show(page);

    await story.platform.purchase(seller.stripeAccountId, used.stripeCardId, 500_00);
    await reloadUntil(page, 'was declined');
    expect(await page.locator('.notice').innerText()).toContain(
      'Check the amount and where the card can be used, then try again.',
    );

    const authorization = await story.purchase(used, 70_00);
    await reloadUntil(page, '$70.00 reserved by');
    expect(await page.locator('#hold').count()).toBe(0);
    await story.capture(used, authorization);
    await reloadUntil(page, '$70.00 charged by');
    // What comes back after close is the seller's "came back" all the same.
    await story.untilPayout(used.id, ['closed']);
    const { data } = await story.app.stripe.issuing.transactions.list(
      { card: used.stripeCardId, type: 'capture' },
      { stripeAccount: seller.stripeAccountId },
    );
    await story.app.stripe.testHelpers.issuing.transactions.refund(
      data[0]!.id,
      { refund_amount: 25_00 },
      { stripeAccount: seller.stripeAccountId },
    );
    await reloadUntil(page, '$25.00 came back from');
    expect(await page.locator('.sums').innerText()).toMatch(/Spent\s+\$45\.00/);
    await story.app.stripe.testHelpers.issuing.transactions.refund(
      data[0]!.id,
      { refund_amount: 45_00 },
      { stripeAccount: seller.stripeAccountId },
    );
    await reloadUntil(page, '$45.00 came back from');
    // All of it came back; it was used all the same.
    expect(await page.locator('.badge').innerText()).toBe('Used');
  });

  async function reloadUntil(page: Page, text: string): Promise<void> {
    await waitFor(`the page to say ${text}`, async () => {
      await page.reload();
      return (await page.locator('main').innerText()).includes(text);
    });
  }

  it('says how it ended: revoked, expired, canceled', async () => {
    const page = await world.device();
    const open = async (link: Link) => {
      await page.goto(link.url);
      await world.show(page);
    };
    const ended: Record<string, string> = {};
    const look = async (name: string, link: Link) => {
      await page.goto(link.url);
      ended[name] = await heading(page);
      const outsider = await world.device();
      await outsider.goto(link.url);
      return heading(outsider);
    };

    const revoked = await world.link(payout.id);
    await open(revoked);
    await story.call('marketplace', 'DELETE', `/v1/card-links/${revoked.id}`);
    expect(await look('revoked', revoked)).toBe('Rocket Rides This link is not available');
    const expired = await world.link(payout.id, { lifetime_seconds: 60 });
    await open(expired);
    story.app.clock.advance(61_000);
    expect(await look('expired', expired)).toBe('Rocket Rides This link is not available');
    const canceled = await story.readyPayout(seller, 30_00);
    const link = await world.link(canceled.id);
    await open(link);
    await story.call('marketplace', 'POST', `/v1/payouts/${canceled.id}/cancel`);
    await page.goto(link.url);
    await reloadUntil(page, 'Canceled').catch(() => reloadUntil(page, 'Ended'));

    expect(ended).toEqual({
      revoked: 'Rocket Rides This link was withdrawn',
      expired: 'Rocket Rides This link has expired',
    });
  });

  it('can be read by everybody, whatever it says, in every language and on the narrowest phone', async () => {
    const toDo = Object.entries(faces).map(([name, face], index) => ({
      name,
      face,
      locale: locales[index % locales.length]!,
    }));
    const looker = async () => {
      const page = await world.device(narrow);
      let drawn = '';
      await page.route('http://gallery.example/**', (route) =>
        route.request().resourceType() === 'document'
          ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: drawn })
          : route.fulfill({ status: 204 }),
      );
      for (let next = toDo.shift(); next; next = toDo.shift()) {
        const { name, face, locale } = next;
        for (const each of [...locales.filter((other) => other !== locale), locale]) {
          // What loads itself again would do so while it is looked at.
          drawn = draw(face, each).replace(/<meta http-equiv="refresh"[^>]*>/, '');
          await page.goto('http://gallery.example/c/token');
          expect([name, each, await world.overflowOf(page)]).toEqual([name, each, 0]);
        }
        await world.inspect(page, name);
      }
    };

    await Promise.all([looker(), looker()]);
  });
});
