import { Client } from 'pg';
import { Browser } from 'playwright-core';
import { endPrograms, newFolder, Service, startService } from '../process/program';
import { launchBrowser, phone } from '../support/browser';
import { freePort } from '../support/free-port';
import { createTestDatabase, TestDatabase } from '../support/database';
import { ReadyPayout, Scenario } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { CardSecrets, findCardData, scanDatabase } from './card-number-scan';

jest.setTimeout(120_000);

describe('no card number and no CVC', () => {
  let database: TestDatabase;
  let service: Service;
  let scenario: Scenario;
  let secrets: CardSecrets[];
  let browser: Browser;
  const answers: string[] = [];
  /** Numbers that stood in Stripe's frames. */
  const shown: string[] = [];

  /** A payout's whole life, told by a process that logs all it can. */
  beforeAll(async () => {
    [database, browser] = await Promise.all([createTestDatabase(), launchBrowser()]);
    service = await startService({
      DATABASE_URL: database.url,
      DATA_DIR: newFolder('no-card-numbers'),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
      LOG_LEVEL: 'trace',
    });
    scenario = new Scenario(service, (text) => answers.push(text));
    await scenario.fundPlatform(1_000_00);
    const seller = await scenario.onboardedSeller();
    const payout = await scenario.readyPayout(seller, 100_00);
    await openLink(payout);
    await scenario.marketplace.post(`/v1/cards/${payout.cardId}/freeze`);
    await untilAtStripe(payout, 'inactive');
    await scenario.marketplace.post(`/v1/cards/${payout.cardId}/unfreeze`);
    await untilAtStripe(payout, 'active');
    const voided = await scenario.purchase(payout, 100_00);
    await scenario.untilStatus(payout, 'authorized');
    await scenario.reverse(payout, voided.id);
    const replacement = await scenario.ready(seller, payout.id, 100_00, payout.cardId);
    await openLink(replacement);
    const used = await scenario.purchase(replacement, 70_00);
    await scenario.capture(replacement, used.id);
    await scenario.untilStatus(replacement, 'closed');
    await scenario.charge(replacement, 10_00);
    await scenario.refund(replacement, 20_00);
    await scenario.untilTold();
    // Finance may read each of these.
    const paths = [
      ...['connected-accounts', 'payouts', 'cards', 'authorizations', 'card-transactions', 'events', 'aftercare-items'],
      ...[`payouts/${payout.id}/timeline`, `payouts/${payout.id}/statement`, `payouts/${payout.id}/card-links`],
      ...[`cardholders/${seller.cardholder}`, `cards/${payout.cardId}`, `cards/${replacement.cardId}`],
      ...['settlement', 'authorizations', 'ledger', 'funding'].map((name) => `reports/${name}`),
    ] as 'payouts'[];
    for (const path of paths) await scenario.finance.get(`/v1/${path}`);
    secrets = await Promise.all([payout, replacement].map(secretsOf));
  });

  afterAll(async () => {
    await browser?.close();
    await endPrograms();
    await database?.drop();
  });

  async function untilAtStripe(payout: ReadyPayout, status: string): Promise<void> {
    await waitFor(`the card to be ${status} at Stripe`, async () => {
      const card = await scenario.stripe.get(`/v1/issuing/cards/${payout.stripeCardId}`, payout.seller.stripeAccount);
      return card.status === status;
    });
  }

  /** A seller shows the card: all that our server sends the browser is kept, and the page as it stands while the number is in sight. */
  async function openLink(payout: ReadyPayout): Promise<void> {
    const { url } = await scenario.marketplace.post(`/v1/payouts/${payout.id}/card-links`);
    const page = await browser.newPage(phone);
    const bodies: Promise<unknown>[] = [];
    page.on('response', (response) => {
      if (!response.url().startsWith(service.url)) return;
      const headers = JSON.stringify(response.headers());
      bodies.push(
        response.text().then(
          (text) => answers.push(headers, text),
          () => answers.push(headers),
        ),
      );
    });
    expect((await page.goto(url as string))?.status()).toBe(200);
    await page.waitForTimeout(1_000);
    await page.locator('#hold').hover();
    await page.mouse.down();
    await page.locator('#shown').waitFor({ state: 'visible' });
    await page.mouse.up();
    const number = page.frameLocator('#number iframe').locator('#shown').filter({ hasText: /\d/ });
    await number.waitFor();
    shown.push((await number.textContent())!.replaceAll(' ', ''));
    answers.push(await page.content());
    await Promise.all(bodies);
    await page.close();
  }

  /** As Stripe tells it to whoever asks expressly: https://docs.stripe.com/api/issuing/cards/object */
  async function secretsOf(payout: ReadyPayout): Promise<CardSecrets> {
    const path = `/v1/issuing/cards/${payout.stripeCardId}?expand[]=number&expand[]=cvc`;
    const { number, cvc } = await scenario.stripe.get(path, payout.seller.stripeAccount);
    expect(number).toMatch(/^\d{16}$/);
    expect(cvc).toMatch(/^\d{3}$/);
    return { number, cvc };
  }

  it('is in a row of the database, the queue’s tables included', async () => {
    const { tables, rows, found } = await scanDatabase(database.url, secrets);

    expect(found).toEqual([]);
    // It did look: at all our tables and the queue's, and at a whole life.
    expect(tables).toBeGreaterThan(25);
    expect(rows).toBeGreaterThan(200);
  });

  it('is in a line of the log, at its most talkative', () => {
    const log = service.program.output;

    expect(findCardData(log, secrets)).toEqual([]);
    expect(log.split('\n').length).toBeGreaterThan(50);
    expect(log).toContain('"level":"info"');
  });

  it('is in an answer of the API or on the page, though the seller saw it', () => {
    expect(shown).toEqual(secrets.map(({ number }) => number));
    expect(answers.flatMap((answer) => findCardData(answer, secrets))).toEqual([]);
    expect(answers.length).toBeGreaterThan(40);
  });

  it('would be found: planted in text, JSON, bytes and a log line', async () => {
    const [{ number, cvc }] = secrets as [CardSecrets];
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('create table planted (id int, note text, data jsonb, bytes bytea)');
    await client.query(
      `insert into planted values (1, $1, null, null), (2, null, $2, null), (3, null, null, $3), (4, $4, null, null)`,
      [`paid with ${number}.`, JSON.stringify({ card: { value: number } }), Buffer.from(number), cvc],
    );

    const { found } = await scanDatabase(database.url, secrets);
    await client.query('drop table planted').finally(() => client.end());

    expect(new Set(found.map((each) => /"id": (\d)/.exec(each)?.[1]))).toEqual(new Set(['1', '2', '3', '4']));
    expect(findCardData(`{"msg":"issued","number":"${number}"}`, [])).toHaveLength(1);
    expect(findCardData(`4000 0099 9000 0018`, [])).toHaveLength(passes('4000009990000018') ? 1 : 0);
    expect(findCardData(`cvc=123`, [])).toHaveLength(1);
  });
});

/** Written a second way, so that the scan's own arithmetic is checked too. */
function passes(digits: string): boolean {
  const sum = [...digits].reduce(
    (total, digit, index) => total + (index % 2 === 0 ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][+digit]! : +digit),
    0,
  );
  return sum % 10 === 0;
}
