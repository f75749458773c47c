import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { phone, screenshotFolder } from '../support/browser';
import { waitFor } from '../support/wait-for';

/** The narrowest screen that pages must fit without scrolling sideways: WCAG 2.2, 1.4.10. */
export const narrow: BrowserContextOptions = { viewport: { width: 320, height: 640 } };

export interface Link {
  readonly id: string;
  readonly url: string;
  readonly passcode?: string;
}

export interface LinkDetail {
  readonly status: string;
  readonly views: number;
  readonly reveals: number;
  readonly revealed_at: string | null;
  readonly last_viewed_with: string | null;
  readonly activity: readonly { action: string; client: string; address: string | null }[];
}

/** Sellers with phones, in front of the real application and the simulator's Stripe.js. */
export class CardPageWorld {
  private readonly contexts: BrowserContext[] = [];
  readonly problems: string[] = [];

  constructor(
    readonly story: FinanceStory,
    private readonly browser: Browser,
  ) {}

  async link(payoutId: string, body: object = {}): Promise<Link> {
    const {
      body: link,
      status,
      text,
    } = await this.story.call<Link>('marketplace', 'POST', `/v1/payouts/${payoutId}/card-links`, body);
    if (status !== 201) throw new Error(text);
    return link;
  }

  async detail(link: Link): Promise<LinkDetail> {
    return (await this.story.call<LinkDetail>('marketplace', 'GET', `/v1/card-links/${link.id}`)).body;
  }

  /** As `readyPayout`, where moving money takes a bank's day: the simulator's clock moves on until it has arrived. */
  async readyAcrossBankDays(seller: StorySeller, amount: number): Promise<StoryPayout> {
    const id = await this.story.requestPayout(seller, amount);
    const ask = async (path: string) => (await this.story.call('finance', 'GET', path)).body;
    await waitFor(
      `${id} to be ready`,
      async () => {
        if ((await ask(`/v1/payouts/${id}`))['status'] === 'ready') return true;
        const { ledger } = (await ask(`/v1/connected-accounts/${seller.id}/balance`)) as {
          ledger: { funds_in_transit?: number };
        };
        if (ledger.funds_in_transit) await this.story.platform.control('POST', '/clock/advance', { seconds: 86_400 });
        return false;
      },
      60_000,
    );
    const { body } = await this.story.call<{ data: { stripe_card_id: string }[] }>(
      'marketplace',
      'GET',
      `/v1/cards?payout=${id}`,
    );
    return { id, seller, stripeCardId: body.data[0]!.stripe_card_id };
  }

  /** A browser of its own: no cookies, no errors on its console, and a clock that runs, but can be told to run ahead. */
  async device(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({
      ...phone,
      locale: 'en-US',
      timezoneId: 'America/New_York',
      ...options,
    });
    this.contexts.push(context);
    await context.clock.install();
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (line) => {
      // What a page is answered with 4xx, the browser calls an error; what its policy blocks, too, and that must not be.
      if (line.type() === 'error' && !/status of (403|404|409|410|429)/.test(line.text()))
        this.problems.push(line.text());
    });
    page.on('pageerror', (error) => this.problems.push(error.message));
    return page;
  }

  async closeDevices(): Promise<void> {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
  }

  /** As a thumb does it, though nobody waits for the second. */
  async hold(page: Page): Promise<void> {
    await page.locator('#hold').hover();
    await page.mouse.down();
    await page.clock.runFor(1_100);
    await page.mouse.up();
  }

  /** Holds until the card is there, on a page that was looked at for a while. */
  async show(page: Page): Promise<void> {
    this.story.app.clock.advance(1_000);
    await this.hold(page);
    await this.secret(page, 'number');
  }

  /** What stands in one of Stripe's frames, which only a test driver can look into. */
  async secret(page: Page, field: 'number' | 'expiry' | 'cvc'): Promise<string> {
    const shown = page.frameLocator(`#${field} iframe`).locator('#shown');
    await shown.filter({ hasText: /\d/ }).waitFor();
    return (await shown.textContent())!;
  }

  async enter(page: Page, passcode: string): Promise<void> {
    await page.locator('#passcode').fill(passcode);
    await page.locator('button[type=submit]').click();
    await page.waitForLoadState();
  }

  async secretsOf(payout: StoryPayout): Promise<{ number: string; cvc: string }> {
    const card = await this.story.app.stripe.issuing.cards.retrieve(
      payout.stripeCardId,
      { expand: ['number', 'cvc'] },
      { stripeAccount: payout.seller.stripeAccountId },
    );
    return { number: card.number!, cvc: card.cvc! };
  }

  /** Pictures for people to look at, by day and by night; and nothing is wider than the screen. */
  async photograph(page: Page, name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      // Frames out of sight are not painted until they come into it.
      if (await page.locator('iframe').count()) await page.locator('#plastic').screenshot();
      await page.screenshot({ path: join(screenshotFolder, `${name}-${colorScheme}.png`), fullPage: true });
    }
    await page.emulateMedia({ colorScheme: 'light' });
    expect([name, await this.overflowOf(page)]).toEqual([name, 0]);
  }

  /** Pictures, and what axe says to both. */
  async inspect(page: Page, name: string): Promise<void> {
    await this.photograph(page, name);
    const hasFrames = (await page.locator('iframe').count()) > 0;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
        // Looks at the page alone, in half the time.
        .setLegacyMode(!hasFrames)
        .analyze();
      const told = violations.map(
        ({ id, nodes }) =>
          `${name} ${colorScheme}: ${id}: ${nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary).join('; ')}`,
      );
      expect(told).toEqual([]);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }

  async overflowOf(page: Page): Promise<unknown> {
    return page.evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`);
  }
}
