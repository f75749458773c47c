import { Program } from './program';
import { Listener, Platform } from './world';

let program: Program;
beforeAll(() => {
  program = new Program();
});
afterAll(() => program.cleanUp());

it('stops cleanly when told to', async () => {
  await program.start();

  expect(await program.end('SIGTERM')).toEqual({ code: 0, signal: null });
});

it('has lost nothing it said after kill -9, and finishes what it had begun', async () => {
  const key = 'sk_test_survivor';
  const before = new Platform(await program.start('--data', program.dataDir), key);
  const { account, publishable_key: publishableKey } = await before.control<Record<string, string>>('GET', '/platform');
  await before.advance(1_000_000);
  const seller = await before.newSeller({ issuing: 100_00 });
  const card = await before.newCard(seller);
  await before.fundPlatform(50_00);
  const params = { amount: 20_00, currency: 'usd', destination: seller };
  const transfer = await before.stripe.transfers.create(params, { idempotencyKey: 'once' });
  const listener = await Listener.start();
  let asked = () => {};
  const question = new Promise<void>((resolve) => (asked = resolve));
  const decider = await Listener.start(() => {
    asked();
    return { hang: true };
  });
  const deaf = await Listener.start(() => ({ status: 500 }));
  await before.stripe.webhookEndpoints.create({
    url: decider.url,
    connect: true,
    enabled_events: ['issuing_authorization.request'],
  });
  const endpoint = await before.stripe.webhookEndpoints.create({ url: deaf.url, enabled_events: ['topup.created'] });
  await before.stripe.topups.create({ amount: 1, currency: 'usd' });
  const lost = before.purchase(seller, card.id, 30_00).catch((error: Error) => error);
  await question;

  await program.end('SIGKILL');
  expect(await lost).toBeInstanceOf(Error);
  const after = new Platform(await program.start('--data', program.dataDir), key);
  const options = { stripeAccount: seller };

  expect(await after.control('GET', '/platform')).toMatchObject({ account, publishable_key: publishableKey });
  expect((await after.stripe.transfers.create(params, { idempotencyKey: 'once' })).id).toBe(transfer.id);
  expect((await after.stripe.balance.retrieve()).available[0]?.amount).toBe(30_00);
  expect(await after.issuingBalance(seller)).toBe(100_00);
  const [authorization] = (await after.stripe.issuing.authorizations.list({}, options)).data;
  expect(authorization).toMatchObject({
    approved: false,
    status: 'closed',
    request_history: [{ reason: 'webhook_timeout' }],
  });
  await after.stripe.webhookEndpoints.update(endpoint.id, { url: listener.url });
  await after.settled();
  expect(listener.types()).toEqual(['topup.created']);
  expect(await after.books()).toMatchObject({ balanced: true });
  const { clock } = await after.control<{ clock: { offset_seconds: number } }>('GET', '/platform');
  expect(clock.offset_seconds).toBeGreaterThanOrEqual(1_000_000);
  await expect(new Program().start('--data', program.dataDir)).rejects.toThrow('locked');
  await Promise.all([listener.close(), decider.close(), deaf.close(), program.end('SIGTERM')]);
}, 30_000);
