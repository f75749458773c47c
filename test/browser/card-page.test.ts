import { Browser } from 'playwright-core';
import { FinanceStory, StoryPayout, StorySeller } from '../reconciliation/finance-story';
import { launchBrowser } from '../support/browser';
import { CardPageWorld, narrow } from './card-page-world';

jest.setTimeout(120_000);

describe('the card page in a browser', () => {
  let story: FinanceStory;
  let browser: Browser;
  let world: CardPageWorld;
  let seller: StorySeller;
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
    seller = await story.seller();
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

  it('takes a seller from the link to the card, on a phone', async () => {
    const link = await world.link(payout.id);
    const page = await world.device();
    await page.goto(link.url);
    await world.inspect(page, 'ready');

    await world.show(page);
    const secrets = await world.secretsOf(payout);

    expect((await world.secret(page, 'number')).replaceAll(' ', '')).toBe(secrets.number);
    expect(await world.secret(page, 'cvc')).toBe(secrets.cvc);
    await world.inspect(page, 'shown');
    expect(await world.detail(link)).toMatchObject({ reveals: 1, status: 'active' });
  });

  it('fits a screen of 320 px', async () => {
    const page = await world.device({ ...narrow, locale: 'de-DE', timezoneId: 'Europe/Berlin' });
    await page.goto((await world.link(payout.id)).url);
    await world.inspect(page, 'ready-320-de');
    await world.show(page);
    await world.inspect(page, 'shown-320-de');
  });
});
