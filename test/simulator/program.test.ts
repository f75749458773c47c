import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
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

describe('says what is wrong, and goes', () => {
  let second: Program;
  const starts = (...args: string[]) => second.start(...args);
  let folder: string;
  beforeAll(() => {
    second = new Program();
    folder = mkdtempSync(join(tmpdir(), 'simulator-wrong-'));
  });
  afterAll(() => {
    second.cleanUp();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['12111'], "Unexpected argument '12111'"],
    [['--port', 'http'], "--port must be a number from 0 to 65535, not 'http'"],
    [['--port', '65536'], "--port must be a number from 0 to 65535, not '65536'"],
    [['--data='], '--data needs the name of a folder'],
  ])('with the options %j', async (args, message) => {
    await expect(starts(...args)).rejects.toThrow(`exit 1: simulator: ${message}\nUsage: npm run simulator`);
  });

  it('where it cannot listen', async () => {
    const { port } = new URL(await program.start());

    await expect(starts('--port', port)).rejects.toThrow(`Port ${port} of 127.0.0.1 is taken: choose another`);
    await expect(starts('--host', '192.0.2.1')).rejects.toThrow('192.0.2.1 is no address of this machine');
    await program.end('SIGTERM');
  });

  it('where it cannot keep its data', async () => {
    const file = (name: string, content: string | Buffer = '') => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'simulator.sqlite'), content);
      return join(folder, name);
    };
    const inside = join(file('plain'), 'simulator.sqlite');
    const text = file('text', 'Dear diary. '.repeat(500));
    const other = file('other');
    const newer = file('newer');
    new DatabaseSync(join(other, 'simulator.sqlite')).exec('create table notes (id integer)');
    new DatabaseSync(join(newer, 'simulator.sqlite')).exec('pragma user_version = 99');
    const folders = {
      [inside]: 'it is a file',
      [text]: 'damaged',
      [other]: 'another program',
      [newer]: 'newer simulator',
    };

    for (const [data, message] of Object.entries(folders)) {
      await expect(starts('--data', data)).rejects.toThrow(message);
    }
    const damaged = join(folder, 'damaged');
    await program.start('--data', damaged);
    await program.end('SIGTERM');
    const whole = readFileSync(join(damaged, 'simulator.sqlite'));
    writeFileSync(join(damaged, 'simulator.sqlite'), whole.fill(0x2a, 100, 4096));
    await expect(starts('--data', damaged)).rejects.toThrow(
      /exit 1: simulator: .* is damaged, or no data of a simulator/,
    );
  });

  it('and says how it is used when asked', async () => {
    await expect(starts('--help')).resolves.toBe('Usage: npm run simulator -- [options]');
  });
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
  const second = new Program();
  await expect(second.start('--data', program.dataDir)).rejects.toThrow('locked');
  second.cleanUp();
  await Promise.all([listener.close(), decider.close(), deaf.close(), program.end('SIGTERM')]);
}, 30_000);

it('keeps whole movements when it is killed in the middle of them, or its last record is torn', async () => {
  const data = join(program.folder, 'torn');
  const key = 'sk_test_interrupted';
  const before = new Platform(await program.start('--data', data), key);
  const destination = await before.newSeller();
  await before.fundPlatform(100_00);
  const send = ({ stripe }: Platform, count: number) =>
    stripe.transfers.create({ amount: 1, currency: 'usd', destination }, { idempotencyKey: `transfer ${count}` });
  const answered = new Map<number, string>();
  let next = 0;
  let enough = () => {};
  const busy = new Promise<void>((resolve) => (enough = resolve));
  const write = async () => {
    for (;;) {
      const count = (next += 1);
      answered.set(count, (await send(before, count)).id);
      if (answered.size === 40) enough();
    }
  };
  const writers = [1, 2, 3, 4].map(() => write().catch((error: Error) => error));
  await busy;

  await program.end('SIGKILL');
  await Promise.all(writers);
  const after = new Platform(await program.start('--data', data, '--check-books'), key);

  for (const [count, id] of answered) expect((await send(after, count)).id).toBe(id);
  const sent = (one: Platform) => one.stripe.transfers.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const left = async (one: Platform) => (await one.stripe.balance.retrieve()).available[0]?.amount;
  expect(await left(after)).toBe(100_00 - (await sent(after)).length);
  expect(await after.books()).toMatchObject({ balanced: true });

  const kept = (await sent(after)).map(({ id }) => id);
  await send(after, 0);
  await program.end('SIGKILL');
  const log = join(data, 'simulator.sqlite-wal');
  truncateSync(log, statSync(log).size - 100);
  const torn = new Platform(await program.start('--data', data, '--check-books'), key);

  expect((await sent(torn)).map(({ id }) => id)).toEqual(kept);
  expect(await left(torn)).toBe(100_00 - kept.length);
  expect(await torn.books()).toMatchObject({ balanced: true });
  await program.end('SIGTERM');
}, 30_000);
