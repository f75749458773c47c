import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { screenshotFolder } from '../support/browser';
import { waitFor } from '../support/wait-for';

/** A usual phone. */
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
  userAgent:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
};
/** The narrowest screen that pages must fit without scrolling sideways: WCAG 2.2, 1.4.10. */
export const narrow: BrowserContextOptions = { ...phone, viewport: { width: 320, height: 640 } };

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
  /** All that any page was given as its own HTML, with what scripts made of it. */
  readonly seen: string[] = [];

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

  /** A browser of its own: no cookies, and no errors on its console. */
  async device(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.browser.newContext({
      ...phone,
      locale: 'en-US',
      timezoneId: 'America/New_York',
      ...options,
    });
    this.contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on('console', (line) => {
      // What a page is answered with 4xx, the browser calls an error; what its policy blocks, too, and that must not be.
      if (line.type() === 'error' && !/status of (403|404|409|410|429)/.test(line.text()))
        this.problems.push(line.text());
    });
    page.on('pageerror', (error) => this.problems.push(error.message));
    page.on(
      'load',
      () =>
        void page.content().then(
          (html) => this.seen.push(html),
          () => undefined,
        ),
    );
    return page;
  }
  readonly problems: string[] = [];

  async closeDevices(): Promise<void> {
    for (const context of this.contexts.splice(0)) await context.close();
  }

  /** As a thumb does it. */
  async hold(page: Page, ms = 1_150): Promise<void> {
    const box = (await page.locator('#hold').boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.waitForTimeout(ms);
    await page.mouse.up();
  }

  /** Opens the link and holds until the card is there. */
  async show(page: Page): Promise<void> {
    await page.waitForTimeout(1_000);
    await this.hold(page);
    await page.locator('#shown').waitFor({ state: 'visible' });
    await this.secret(page, 'number');
  }

  /** What stands in one of Stripe's frames, which only a test driver can look into. */
  async secret(page: Page, field: 'number' | 'expiry' | 'cvc'): Promise<string> {
    const shown = page.frameLocator(`#${field} iframe`).locator('#shown');
    await shown.filter({ hasText: /\d/ }).waitFor();
    return (await shown.textContent())!;
  }

  async secretsOf(payout: StoryPayout): Promise<{ number: string; cvc: string }> {
    const card = await this.story.app.stripe.issuing.cards.retrieve(
      payout.stripeCardId,
      { expand: ['number', 'cvc'] },
      { stripeAccount: payout.seller.stripeAccountId },
    );
    return { number: card.number!, cvc: card.cvc! };
  }

  /** A picture for people to look at, and axe's opinion, in light and in dark. */
  async inspect(page: Page, name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(screenshotFolder, `${name}-${colorScheme}.png`), fullPage: true });
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze();
      const told = violations.map(
        ({ id, nodes }) =>
          `${name} ${colorScheme}: ${id}: ${nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary).join('; ')}`,
      );
      if (told.length > 0) throw new Error(told.join('\n'));
    }
    await page.emulateMedia({ colorScheme: 'light' });
    const overflow = await page.evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`);
    if (overflow !== 0) throw new Error(`${name} is ${String(overflow)} px wider than the screen.`);
  }
}
