import { type Platform, World } from './world';

let world: World;
let platform: Platform;
beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => {
  platform = world.platform();
});
afterAll(() => world.close());

async function keyedCard() {
  const seller = await platform.newSeller();
  const card = await platform.newCard(seller);
  const { publishable_key: publishableKey } = await platform.control<{ publishable_key: string }>('GET', '/platform');
  const key = await platform.stripe.ephemeralKeys.create(
    { issuing_card: card.id, nonce: 'nonce_1' },
    { stripeAccount: seller, apiVersion: '2026-10-28.endive' },
  );
  const headers: Record<string, string> = {
    Authorization: `Bearer ${key.secret}`,
    'Stripe-Nonce': 'nonce_1',
    'Stripe-Publishable-Key': publishableKey,
    'Stripe-Account': seller,
  };
  const read = (path: string, more: Record<string, string> = {}) =>
    fetch(`${platform.url}/v3/issuing_cards/${path}`, { headers: { ...headers, ...more } });
  return { seller, card, read };
}

it('serves the script and a frame that may load nothing from elsewhere', async () => {
  const script = await fetch(`${platform.url}/v3/`);
  const frame = await fetch(`${platform.url}/v3/element`);

  expect([script.headers.get('content-type'), await script.text()]).toEqual([
    'text/javascript; charset=utf-8',
    expect.stringContaining('createEphemeralKeyNonce'),
  ]);
  expect(frame.headers.get('content-security-policy')).toContain("default-src 'none'");
});

it('gives the page a card without secrets, and only its own frames the secrets', async () => {
  const { card, read } = await keyedCard();

  const shown = await read(card.id);
  const secrets = await read(`${card.id}/secrets`);

  expect(shown.headers.get('access-control-allow-origin')).toBe('*');
  const json = (await shown.json()) as object;
  expect(json).toMatchObject({ id: card.id, last4: card.last4 });
  expect(json).not.toHaveProperty('number');
  expect(json).not.toHaveProperty('cvc');
  expect(secrets.headers.get('access-control-allow-origin')).toBeNull();
  expect(await secrets.json()).toMatchObject({
    number: expect.stringMatching(/^\d{16}$/),
    cvc: expect.stringMatching(/^\d{3}$/),
  });
});

it('opens one card, for one nonce, for fifteen minutes', async () => {
  const { seller, card, read } = await keyedCard();
  const other = await platform.newCard(seller);

  expect((await read(`${other.id}/secrets`)).status).toBe(401);
  expect((await read(`${card.id}/secrets`, { 'Stripe-Nonce': 'nonce_2' })).status).toBe(401);
  expect((await read(`${card.id}/secrets`, { Authorization: 'Bearer ek_test_1' })).status).toBe(401);
  expect((await read(`${card.id}/secrets`, { 'Stripe-Publishable-Key': 'pk_test_1' })).status).toBe(401);
  expect((await read(`${card.id}/secrets`)).status).toBe(200);
  await platform.advance(15 * 60);
  expect((await read(`${card.id}/secrets`)).status).toBe(401);
});
