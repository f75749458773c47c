import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Frame, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser';
import { waitFor } from '../support/wait-for';
import { type Platform, World } from './world';

let world: World;
let platform: Platform;
let browser: Browser;
beforeAll(async () => {
  [world, browser] = await Promise.all([World.start(), launchBrowser()]);
});
beforeEach(() => {
  platform = world.platform();
});
const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});
afterAll(() => Promise.all([world.close(), browser.close()]));

/** A marketplace's page: the code of Stripe's guide to Issuing Elements, with nothing in it that knows the simulator. */
function sellerPage(facts: { stripeJs: string; publishableKey: string; account: string; card: string }): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Your card</title>
<script src="${facts.stripeJs}"></script></head>
<body><div id="number"></div><div id="expiry"></div><div id="cvc"></div>
<div id="copy-number" style="width:80px;height:30px"></div><div id="copy-cvc" style="width:80px;height:30px"></div>
<script>
  window.told = [];
  (async () => {
    const stripe = Stripe('${facts.publishableKey}', { stripeAccount: '${facts.account}', betas: ['issuing_elements_2'] });
    const issuingCard = '${facts.card}';
    const { nonce } = await stripe.createEphemeralKeyNonce({ issuingCard });
    const response = await fetch('/ephemeral-key', { method: 'POST', body: JSON.stringify({ nonce }) });
    const { ephemeralKeySecret } = await response.json();
    window.result = await stripe.retrieveIssuingCard(issuingCard, { ephemeralKeySecret, nonce });
    if (window.result.error) return;
    const elements = stripe.elements();
    const style = { base: { color: 'rgb(0, 0, 128)', fontSize: '20px' } };
    const display = { issuingCard, nonce, ephemeralKeySecret, style };
    for (const [type, place, options] of [
      ['issuingCardNumberDisplay', '#number', display],
      ['issuingCardExpiryDisplay', '#expiry', display],
      ['issuingCardCvcDisplay', '#cvc', display],
      ['issuingCardCopyButton', '#copy-number', { ...display, toCopy: 'number' }],
      ['issuingCardCopyButton', '#copy-cvc', { ...display, toCopy: 'cvc' }],
    ]) {
      const element = elements.create(type, options);
      for (const kind of ['ready', 'click', 'error']) element.on(kind, () => window.told.push(kind + ' ' + place));
      element.mount(place);
    }
  })();
</script></body></html>`;
}

/** Serves the page from an origin of its own, and makes the key as the guide's server does. */
async function openShop(card: string, account: string, seen: string[]): Promise<string> {
  const { publishable_key: publishableKey } = await platform.control<{ publishable_key: string }>('GET', '/platform');
  const page = sellerPage({ stripeJs: `${platform.url}/v3/`, publishableKey, account, card });
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      seen.push(`${request.url} ${body}`);
      if (request.url === '/') {
        const policy = `default-src 'self'; script-src 'unsafe-inline' ${platform.url}; style-src 'unsafe-inline'; frame-src ${platform.url}; connect-src 'self' ${platform.url}`;
        response.writeHead(200, { 'Content-Type': 'text/html', 'Content-Security-Policy': policy }).end(page);
      } else if (request.url === '/ephemeral-key') {
        const { nonce } = JSON.parse(body) as { nonce: string };
        platform.stripe.ephemeralKeys
          .create({ issuing_card: card, nonce }, { stripeAccount: account, apiVersion: '2026-10-28.endive' })
          .then(({ secret }) => response.end(JSON.stringify({ ephemeralKeySecret: secret })))
          .catch((error: Error) => response.writeHead(500).end(error.message));
      } else response.writeHead(404).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext();
  opened.push(() => context.close());
  return context;
}

async function frameIn(page: Page, place: string): Promise<Frame> {
  const handle = await page.waitForSelector(`${place} iframe`);
  const frame = await handle.contentFrame();
  if (!frame) throw new Error(`${place} holds no frame`);
  return frame;
}

const told = (page: Page, what: string) =>
  waitFor(what, () => page.evaluate<boolean>(`window.told.includes('${what}')`));

/** What a frame shows, once it has said that it does. */
async function textIn(page: Page, place: string): Promise<string> {
  await told(page, `ready ${place}`);
  return String(await (await frameIn(page, place)).textContent('#shown'));
}

it('shows the card in frames, copies it on a click, and never lets the page have the number', async () => {
  const account = await platform.newSeller();
  const card = await platform.newCard(account);
  const secret = await platform.stripe.issuing.cards.retrieve(
    card.id,
    { expand: ['number', 'cvc'] },
    { stripeAccount: account },
  );
  const [number, cvc] = [String(secret.number), String(secret.cvc)];
  const seen: string[] = [];
  const shop = await openShop(card.id, account, seen);
  const context = await newContext();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));

  await page.goto(shop);

  expect(await textIn(page, '#number')).toBe(number.replace(/(.{4})(?=.)/g, '$1 '));
  expect(await textIn(page, '#cvc')).toBe(cvc);
  const year = String(card.exp_year).slice(-2);
  expect(await textIn(page, '#expiry')).toBe(`${String(card.exp_month).padStart(2, '0')}/${year}`);
  const numberFrame = await frameIn(page, '#number');
  expect(new URL(numberFrame.url()).origin).toBe(platform.url);
  expect(await numberFrame.evaluate(`getComputedStyle(document.getElementById('shown')).color`)).toBe('rgb(0, 0, 128)');

  // What is copied is read where a person would paste it: in another tab.
  const elsewhere = await context.newPage();
  await elsewhere.goto(`${platform.url}/v3/element`);
  const clipboard = async () => {
    await elsewhere.bringToFront();
    const text = await elsewhere.evaluate('navigator.clipboard.readText()');
    await page.bringToFront();
    return text;
  };
  for (const [what, value] of [
    ['number', number],
    ['cvc', cvc],
  ] as const) {
    await told(page, `ready #copy-${what}`);
    await (await frameIn(page, `#copy-${what}`)).click(`button[aria-label="Copy ${what}"]`);
    await told(page, `click #copy-${what}`);
    expect(await clipboard()).toBe(value);
  }

  const reach = `[...document.querySelectorAll('iframe')].map((frame) => {
    if (frame.contentDocument !== null) return 'open';
    try { return frame.contentWindow.document ? 'open' : 'empty'; } catch (error) { return error.name; }
  })`;
  expect(await page.evaluate(reach)).toEqual(Array.from({ length: 5 }, () => 'SecurityError'));
  const known = [
    await page.content(),
    await page.evaluate('JSON.stringify([window.result, window.told])'),
    await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])'),
    ...seen,
  ].join('\n');
  expect(known).toContain(card.last4);
  expect(known.replaceAll(/\s/g, '')).not.toContain(number);
  expect(await page.evaluate('window.result.issuingCard.number ?? window.result.issuingCard.cvc ?? null')).toBeNull();
  expect(complaints).toEqual([]);
});

it('tells the page why a frame shows nothing', async () => {
  const account = await platform.newSeller();
  const card = await platform.newCard(account);
  const shop = await openShop(card.id, account, []);
  const page = await (await newContext()).newPage();
  await page.goto(shop);
  await told(page, 'ready #number');

  await platform.advance(15 * 60);
  await page.evaluate(`(() => {
    const [frame] = document.querySelectorAll('#number iframe');
    frame.src = frame.src;
  })()`);
  await told(page, 'error #number');

  expect(await (await frameIn(page, '#number')).textContent('#shown')).toBe('');
});
