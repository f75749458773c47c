import { Browser, Page } from 'playwright-core';
import { findCardData } from '../invariants/card-number-scan';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { launchBrowser } from '../support/browser';
import { waitFor } from '../support/wait-for';
import { CardPageWorld, Link, narrow } from './card-page-world';

jest.setTimeout(120_000);

describe('the card page in a browser', () => {
  let story: FinanceStory;
  let browser: Browser;
  let world: CardPageWorld;
  let seller: StorySeller;
  let german: StorySeller;
  let payout: StoryPayout;

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
    payout = await story.readyPayout(seller, 250_00, {
      controls: { allowed_merchant_countries: ['US', 'CA'], blocked_categories: ['betting_casino_gambling'] },
    });
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

    await world.show(page);
    const secrets = await world.secretsOf(payout);
    expect((await world.secret(page, 'number')).replaceAll(' ', '')).toBe(secrets.number);
    expect(await world.secret(page, 'cvc')).toBe(secrets.cvc);
    // What stands in Stripe's frames is not in the page.
    expect(findCardData(await page.content(), [secrets])).toEqual([]);
    await world.inspect(page, 'shown');

    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.frameLocator('#copy-number-frame iframe').getByRole('button').click();
    await page.getByText('Copied').waitFor({ state: 'attached' });
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(secrets.number);

    for (const leave of ['visibilitychange', 'beforeprint']) {
      if (leave === 'visibilitychange') {
        await page.evaluate(`Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
          document.dispatchEvent(new Event('visibilitychange')); delete document.visibilityState`);
      } else await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
      expect(await page.locator('iframe').count()).toBe(0);
      expect(await page.locator('#shown').isHidden()).toBe(true);
      await world.show(page);
    }
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.plastic').isVisible()).toBe(false);
    await page.emulateMedia({ media: 'screen' });
    await page.locator('#hide').click();
    expect(await page.locator('iframe').count()).toBe(0);

    expect(await world.detail(link)).toMatchObject({
      reveals: 3,
      status: 'active',
      views: 1,
      last_viewed_with: 'Safari on iPhone',
    });
    expect(await page.context().cookies()).toEqual([
      expect.objectContaining({ name: '__Host-disburse-browser', httpOnly: true, secure: true, sameSite: 'Strict' }),
    ]);
  });

  it('hides the card after a minute', async () => {
    const page = await world.device();
    await page.clock.install();
    await page.goto((await world.link(payout.id)).url);
    story.app.clock.advance(1_500);
    await page.locator('#hold').focus();
    await page.keyboard.down(' ');
    await page.clock.runFor(1_100);
    await page.keyboard.up(' ');
    await page.locator('#shown').waitFor({ state: 'visible' });

    await page.clock.runFor(58_000);
    expect(await page.locator('#shown').isVisible()).toBe(true);
    await page.clock.runFor(3_000);

    expect(await page.locator('#shown').isHidden()).toBe(true);
    expect(await page.locator('iframe').count()).toBe(0);
  });

  it('fits 320 px in German, in the seller’s time zone, and works by keyboard alone', async () => {
    const page = await world.device({ ...narrow, locale: 'de-DE', timezoneId: 'Europe/Berlin' });
    const euros = await world.readyAcrossBankDays(german, 80_00);
    await page.goto((await world.link(euros.id)).url);
    await world.inspect(page, 'ready-320-de');
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
    await page.keyboard.press('Enter');

    expect((await world.secret(page, 'number')).replaceAll(' ', '')).toBe((await world.secretsOf(euros)).number);
    await world.inspect(page, 'shown-320-de');
    await page.locator('nav a[lang=fr]').click();
    expect(await heading(page)).toMatch(/^Carte de Rocket Rides/);
    await page.locator('nav a[lang=en]').click();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
  });

  it('asks for the passcode, locks after five wrong ones, and lives on in a new link', async () => {
    const link = await world.link(payout.id, { require_passcode: true });
    const wrong = link.passcode === '000000' ? '000001' : '000000';
    const page = await world.device();
    const enter = async (passcode: string) => {
      await page.locator('#passcode').fill(passcode);
      await page.locator('button[type=submit]').click();
      await page.waitForLoadState();
    };
    await page.goto(link.url);
    await world.inspect(page, 'passcode');
    await enter(wrong);
    expect(await page.getByRole('alert').innerText()).toMatch(/^That passcode is not right/);
    await world.inspect(page, 'passcode-wrong');
    for (let tries = 0; tries < 4; tries += 1) await enter(wrong);
    expect(await heading(page)).toBe('Rocket Rides This link is not available');
    await world.inspect(page, 'gone');

    const next = await world.link(payout.id, { require_passcode: true });
    await page.goto(next.url);
    await enter(next.passcode!);
    await world.show(page);
    expect(await world.detail(link)).toMatchObject({ status: 'locked', reveals: 0 });

    // Another device has the link, and gets the card only with the passcode too.
    const tablet = await world.device();
    await tablet.goto(next.url);
    expect(await tablet.locator('main').innerText()).toContain('With the passcode you move it to this one.');
    await tablet.locator('#passcode').fill(next.passcode!);
    await tablet.locator('button[type=submit]').click();
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
    expect(await heading(second)).toContain('This card was opened on another device');
    expect(await second.content()).not.toMatch(/\$250|Visa/);
    await world.inspect(second, 'elsewhere');

    await world.link(payout.id).then(async (next) => {
      await second.goto(next.url);
      await world.show(second);
    });
    await first.goto(link.url);
    expect(await heading(first)).toContain('There is a newer link');
    await world.inspect(first, 'ended-replaced');
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

  it.each(scanners)('gives %s nothing, and loses nothing to it', async (_name, userAgent) => {
    const links = [await world.link(payout.id), await world.link(await anotherPayout(), { require_passcode: true })];
    const before = await Promise.all(links.map((link) => world.detail(link)));

    for (const link of links) await scan(link, userAgent);

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

  let spare: string | undefined;
  async function anotherPayout(): Promise<string> {
    return (spare ??= (await story.readyPayout(seller, 20_00)).id);
  }

  async function told(links: readonly Link[]): Promise<unknown[]> {
    return story.app.database.query(
      `select type, data from outgoing_events where type in ('card_link.opened', 'card_link.locked') and data ->> 'id' = any($1)`,
      [links.map((link) => link.id)],
    );
  }

  /** Everything the sandboxes of mail filters are known to do, and more: fetch, render, fill, submit and press whatever there is. */
  async function scan(link: Link, userAgent: string): Promise<void> {
    for (const method of ['HEAD', 'GET']) {
      const answer = await fetch(link.url, { method, headers: { 'user-agent': userAgent } });
      for (const [, path] of (await answer.text()).matchAll(/(?:href|src|url)="?=?([^"\s>]+)/g)) {
        await fetch(new URL(path!, link.url), { headers: { 'user-agent': userAgent } }).catch(() => undefined);
      }
    }
    for (const body of [undefined, new URLSearchParams({}), new URLSearchParams({ passcode: '', page: '' })])
      await fetch(link.url, { method: 'POST', headers: { 'user-agent': userAgent }, ...(body ? { body } : {}) });

    const page = await world.device({ userAgent, isMobile: false, hasTouch: false });
    await page.goto(link.url);
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
    await page.waitForTimeout(1_200);
    expect(await page.locator('iframe').count()).toBe(0);
    await page.evaluate(`for (const form of document.forms) form.submit()`);
    await page.waitForLoadState();
    expect(await page.locator('iframe').count()).toBe(0);
    await page.context().close();
  }

  it('shows nothing to a browser that says it is controlled by software, however long it holds', async () => {
    const link = await world.link(payout.id);
    const page = await world.device();
    await page.addInitScript(`Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => true })`);
    await page.goto(link.url);
    await page.waitForTimeout(1_000);
    await world.hold(page);

    expect(await page.locator('#message').innerText()).toMatch(/controlled by software/);
    expect(await world.detail(link)).toMatchObject({ reveals: 0 });
  });

  it('waits with the seller while money moves, and shows itself ready without being asked', async () => {
    const id = await story.requestPayout(seller, 1_000_000);
    const page = await world.device({ locale: 'de-DE' });
    await page.goto((await world.link(id)).url);
    expect(await page.locator('.badge').innerText()).toBe('Unterwegs');
    await world.inspect(page, 'funding-de');

    await story.platform.fundPlatform(20_000_00, 'usd');
    await story.untilPayout(id, ['ready']);
    await waitFor(
      'the page to say so',
      async () => (await page.locator('.badge').innerText()) === 'Einsatzbereit',
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
    await world.inspect(page, 'declined');

    const authorization = await story.purchase(used, 70_00);
    await reloadUntil(page, '$70.00 reserved by');
    expect(await page.locator('#hold').count()).toBe(0);
    await world.inspect(page, 'reserved');
    await story.capture(used, authorization);
    await reloadUntil(page, '$70.00 charged by');
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
    await world.inspect(page, 'used');
  });

  async function reloadUntil(page: Page, text: string): Promise<void> {
    await waitFor(`the page to say ${text}`, async () => {
      await page.reload();
      return (await page.locator('main').innerText()).includes(text);
    });
  }

  it('says how it ended: revoked, locked, expired, canceled', async () => {
    const page = await world.device();
    const open = async (link: Link) => {
      await page.goto(link.url);
      if (link.passcode) {
        await page.locator('#passcode').fill(link.passcode);
        await page.locator('button[type=submit]').click();
      }
      await world.show(page);
    };
    const ended: Record<string, string> = {};
    const look = async (name: string, link: Link) => {
      await page.goto(link.url);
      ended[name] = await heading(page);
      await world.inspect(page, `ended-${name}`);
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
    await world.inspect(page, 'ended-canceled');

    expect(ended).toEqual({
      revoked: 'Rocket Rides This link was withdrawn',
      expired: 'Rocket Rides This link has expired',
    });
  });
});
