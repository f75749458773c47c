import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type Stripe from 'stripe';
import { type Platform, previewVersion, World } from './world';

let world: World;
let platform: Platform;
beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => {
  platform = world.platform();
});
afterEach(async () => {
  expect(await platform.books()).toMatchObject({ balanced: true, problems: [] });
});
afterAll(() => world.close());

const hour = 60 * 60;
const day = 24 * hour;

interface BalanceTransfer {
  id: string;
  source_balance: { payments: { balance_transaction: string } };
  destination_balance: { issuing: { balance_transaction: string } };
}

function balanceTransfer(
  seller: string,
  amount: number,
  from: string,
  to: string,
  currency = 'usd',
): Promise<BalanceTransfer> {
  return platform.stripe.rawRequest(
    'POST',
    '/v1/balance_transfers',
    { amount, currency, source_balance: { type: from }, destination_balance: { type: to } },
    { stripeAccount: seller, apiVersion: previewVersion },
  );
}

async function payments(account?: string): Promise<number> {
  const balance = await platform.stripe.balance.retrieve({}, account === undefined ? {} : { stripeAccount: account });
  return balance.available[0]?.amount ?? 0;
}

function entries(account: string): Promise<Stripe.BalanceTransaction[]> {
  return platform.stripe.balanceTransactions.list({ limit: 100 }, { stripeAccount: account }).then(({ data }) => data);
}

describe('transfers', () => {
  it('move at once, and no further than the platform has', async () => {
    const seller = await platform.newSeller();
    await platform.fundPlatform(100_00);

    const transfer = await platform.stripe.transfers.create({
      amount: 60_00,
      currency: 'usd',
      destination: seller,
      transfer_group: 'p1',
    });
    await expect(
      platform.stripe.transfers.create({ amount: 60_00, currency: 'usd', destination: seller }),
    ).rejects.toMatchObject({ statusCode: 400, code: 'balance_insufficient' });

    expect([await payments(), await payments(seller)]).toEqual([40_00, 60_00]);
    expect(await entries(seller)).toMatchObject([
      { type: 'payment', amount: 60_00, balance_type: 'payments', source: transfer.destination_payment },
    ]);
    expect((await platform.stripe.transfers.list({ transfer_group: 'p1', destination: seller })).data).toHaveLength(1);
    expect((await platform.stripe.transfers.list({ transfer_group: 'p2' })).data).toEqual([]);
  });

  it('need the capability', async () => {
    await platform.fundPlatform(100_00);
    const { id } = await platform.stripe.accounts.create({
      type: 'custom',
      capabilities: { transfers: { requested: true } },
    });

    await expect(
      platform.stripe.transfers.create({ amount: 1, currency: 'usd', destination: id }),
    ).rejects.toMatchObject({ code: 'insufficient_capabilities_for_transfer' });
  });

  it('come back in parts, up to the rest, and only from what is available', async () => {
    const seller = await platform.newSeller();
    await platform.fundPlatform(100_00);
    const { id } = await platform.stripe.transfers.create({ amount: 50_00, currency: 'usd', destination: seller });

    const part = await platform.stripe.transfers.createReversal(id, { amount: 20_00 });
    await expect(platform.stripe.transfers.createReversal(id, { amount: 30_01 })).rejects.toMatchObject({
      param: 'amount',
    });
    await balanceTransfer(seller, 25_00, 'payments', 'issuing');
    await expect(platform.stripe.transfers.createReversal(id, { amount: 10_00 })).rejects.toMatchObject({
      code: 'balance_insufficient',
    });
    await balanceTransfer(seller, 25_00, 'issuing', 'payments');
    await platform.stripe.transfers.createReversal(id);
    await expect(platform.stripe.transfers.createReversal(id)).rejects.toThrow('already fully reversed');

    const transfer = await platform.stripe.transfers.retrieve(id);
    expect(transfer).toMatchObject({
      amount_reversed: 50_00,
      reversed: true,
      reversals: { data: [{ amount: 30_00 }, { id: part.id }] },
    });
    expect((await entries(seller))[0]).toMatchObject({ type: 'payment_refund', amount: -30_00 });
    expect(await payments()).toBe(100_00);
  });
});

describe('balance transfers', () => {
  it('are instant in dollars, in both directions, and short is short', async () => {
    const seller = await platform.newSeller();
    await platform.fundPlatform(100_00);
    await platform.stripe.transfers.create({ amount: 50_00, currency: 'usd', destination: seller });

    const there = await balanceTransfer(seller, 50_00, 'payments', 'issuing');
    await expect(balanceTransfer(seller, 1, 'payments', 'issuing')).rejects.toMatchObject({
      statusCode: 400,
      code: 'balance_insufficient',
    });
    await balanceTransfer(seller, 20_00, 'issuing', 'payments');

    expect([await payments(seller), await platform.issuingBalance(seller)]).toEqual([20_00, 30_00]);
    const [, , inbound, outbound] = await entries(seller);
    expect([inbound, outbound]).toMatchObject([
      {
        id: there.destination_balance.issuing.balance_transaction,
        type: 'balance_transfer_inbound',
        amount: 50_00,
        balance_type: 'issuing',
        source: there.id,
      },
      {
        id: there.source_balance.payments.balance_transaction,
        type: 'balance_transfer_outbound',
        amount: -50_00,
        balance_type: 'payments',
        source: there.id,
      },
    ]);
  });

  it('take until the next business day in euros, and say when they are there', async () => {
    const seller = await platform.newSeller({ country: 'DE' });
    await platform.fundPlatform(100_00, 'eur');
    await platform.stripe.transfers.create({ amount: 50_00, currency: 'eur', destination: seller });

    await balanceTransfer(seller, 50_00, 'payments', 'issuing', 'eur');
    const [inbound] = await entries(seller);
    expect([inbound?.status, await platform.issuingBalance(seller)]).toEqual(['pending', 0]);
    const at = new Date((inbound?.available_on ?? 0) * 1000);
    expect([at.toISOString().slice(11), [0, 6].includes(at.getUTCDay())]).toEqual(['00:00:00.000Z', false]);

    await platform.advance(4 * day);
    expect([(await entries(seller))[0]?.status, await platform.issuingBalance(seller)]).toEqual(['available', 50_00]);
    const events = await platform.stripe.events.list({ type: 'balance.available' }, { stripeAccount: seller });
    expect(events.data).toMatchObject([
      { account: seller, data: { object: { issuing: { available: [{ amount: 50_00, currency: 'eur' }] } } } },
    ]);
    expect(events.data[0]?.created).toBe(inbound?.available_on);
  });

  it('do not exist without a preview version, and need access', async () => {
    const seller = await platform.newSeller();
    const plain = platform.stripe.rawRequest('POST', '/v1/balance_transfers', { amount: 1 }, { stripeAccount: seller });
    await expect(plain).rejects.toMatchObject({ statusCode: 404 });
    await platform.control('PATCH', '/settings', { balance_transfers_enabled: false });

    await expect(balanceTransfer(seller, 1, 'payments', 'issuing')).rejects.toMatchObject({ statusCode: 403 });
  });
});

describe('top-ups', () => {
  const topup = (seller: string, more: object = {}) =>
    platform.stripe.topups.create(
      { amount: 40_00, currency: 'usd', destination_balance: 'issuing', ...more } as Stripe.TopupCreateParams,
      { stripeAccount: seller },
    );

  it('wait for the bank, then succeed into the Issuing balance', async () => {
    const seller = await platform.newSeller();
    const pending = await topup(seller);
    expect([pending.status, pending.balance_transaction, await platform.issuingBalance(seller)]).toEqual([
      'pending',
      null,
      0,
    ]);

    await platform.advance(5 * day + 1);

    const done = await platform.stripe.topups.retrieve(pending.id, {}, { stripeAccount: seller });
    expect(done).toMatchObject({ status: 'succeeded', balance_transaction: (await entries(seller))[0]?.id });
    expect(await platform.issuingBalance(seller)).toBe(40_00);
  });

  it('fail, are canceled, or are taken back after they were spent', async () => {
    const seller = await platform.newSeller();
    const options = { stripeAccount: seller };
    const [failing, canceled, reversed] = [await topup(seller), await topup(seller), await topup(seller)];

    await platform.control('POST', `/topups/${failing.id}/fail`, { code: 'insufficient_funds' }, seller);
    await platform.stripe.topups.cancel(canceled.id, {}, options);
    await platform.control('POST', `/topups/${reversed.id}/succeed`, {}, seller);
    const card = await platform.newCard(seller);
    await platform.purchase(seller, card.id, 30_00);
    await platform.control('POST', `/topups/${reversed.id}/reverse`, {}, seller);

    expect(await platform.issuingBalance(seller)).toBe(-30_00);
    const types = (await platform.stripe.events.list({ limit: 100 }, options)).data
      .map(({ type }) => type)
      .filter((type) => type.startsWith('topup'));
    expect(types).toEqual([
      'topup.reversed',
      'topup.succeeded',
      'topup.canceled',
      'topup.failed',
      'topup.created',
      'topup.created',
      'topup.created',
    ]);
    expect((await platform.stripe.topups.list({ status: 'failed' }, options)).data).toMatchObject([
      { id: failing.id, failure_code: 'insufficient_funds' },
    ]);
  });
});

describe('bank payouts', () => {
  it('leave the Issuing balance at once, and come back when they fail', async () => {
    const seller = await platform.newSeller({ issuing: 50_00 });
    const options = { stripeAccount: seller };
    const params = { amount: 30_00, currency: 'usd', source_balance: 'issuing' } as Stripe.PayoutCreateParams;
    const payout = await platform.stripe.payouts.create(params, options);
    expect([payout.status, await platform.issuingBalance(seller)]).toEqual(['pending', 20_00]);

    await platform.control('POST', `/payouts/${payout.id}/fail`, {}, seller);

    expect(await platform.issuingBalance(seller)).toBe(50_00);
    expect(
      (await platform.stripe.balanceTransactions.list({ payout: payout.id }, options)).data.map(({ type }) => type),
    ).toEqual(['payout_failure', 'payout']);
  });

  it('sweep the payments balance by themselves, unless the schedule is manual', async () => {
    const [manual, daily, undecided] = [
      await platform.newSeller(),
      await platform.newSeller(),
      await platform.newSeller(),
    ];
    const pay = (account: string, interval: 'daily' | 'manual') =>
      platform.stripe.accounts.update(account, { settings: { payouts: { schedule: { interval } } } });
    await pay(daily, 'daily');
    for (const interval of ['daily', 'manual', 'daily'] as const) await pay(undecided, interval);
    const automatic = await platform.stripe.accounts.create({ type: 'standard' });
    await platform.fundPlatform(100_00);
    const accounts = [manual, daily, undecided, automatic.id];
    for (const destination of accounts)
      await platform.stripe.transfers.create({ amount: 10_00, currency: 'usd', destination });

    const { jobs_run: jobs } = await platform.advance(day);

    expect(await Promise.all(accounts.map(payments))).toEqual([10_00, 0, 0, 0]);
    // One sweep of each automatic account, however often it changed its mind.
    expect(jobs).toBe(3);
  });

  it('are not made while the account may not be paid out', async () => {
    const seller = await platform.newSeller({ issuing: 50_00 });
    const requirements = { capability: 'transfers', requirements: ['company.tax_id'] };
    await platform.control('POST', `/accounts/${seller}/requirements`, requirements);
    const params = { amount: 1, currency: 'usd', source_balance: 'issuing' } as Stripe.PayoutCreateParams;

    await expect(platform.stripe.payouts.create(params, { stripeAccount: seller })).rejects.toMatchObject({
      code: 'payouts_not_allowed',
    });
  });
});

describe('what a seller owes', () => {
  it('is held back from the platform that covers its losses, until the seller has it', async () => {
    const seller = await platform.newSeller();
    const options = { stripeAccount: seller };
    const reserve = async () => (await platform.stripe.balance.retrieve()).connect_reserved?.[0]?.amount;
    await platform.fundPlatform(100_00);
    const topup = await platform.stripe.topups.create({ amount: 40_00, currency: 'usd' }, options);
    await platform.control('POST', `/topups/${topup.id}/succeed`, {}, seller);
    await platform.stripe.payouts.create({ amount: 30_00, currency: 'usd' }, options);
    expect([await payments(seller), await payments(), await reserve()]).toEqual([10_00, 100_00, 0]);

    await platform.control('POST', `/topups/${topup.id}/reverse`, {}, seller);

    expect([await payments(seller), await payments(), await reserve()]).toEqual([-30_00, 70_00, 30_00]);
    const { data } = await platform.stripe.balanceTransactions.list({ type: 'reserve_transaction' });
    expect(data).toMatchObject([
      { amount: -30_00, net: -30_00, balance_type: 'payments', reporting_category: 'connect_reserved_funds' },
    ]);

    await platform.stripe.transfers.create({ amount: 50_00, currency: 'usd', destination: seller });
    expect([await payments(seller), await payments(), await reserve()]).toEqual([20_00, 50_00, 0]);
  });
});

describe('amounts and currencies', () => {
  const transfer = '/v1/transfers';
  it.each([
    ['/v1/topups', 'amount=100&currency=xyz', 'currency', undefined],
    ['/v1/payment_intents', 'amount=100&currency=xyz', 'currency', undefined],
    ['/v1/payouts', 'amount=100&currency=xyz', 'currency', undefined],
    ['/v1/charges', 'amount=-5&currency=usd&source=tok_bypassPending', 'amount', 'parameter_invalid_integer'],
    ['/v1/topups', 'amount=0&currency=usd', 'amount', 'parameter_invalid_integer'],
    ['/v1/topups', 'amount=100000000000&currency=usd', 'amount', 'amount_too_large'],
    ['/v1/payment_intents', 'amount=100000000000&currency=usd', 'amount', 'amount_too_large'],
    [transfer, 'amount=100000000000&currency=usd&destination=acct_1', 'amount', 'amount_too_large'],
  ])('%s refuses %s', async (path, body, param, code) => {
    const answer = await platform.raw('POST', path, body);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { param, ...(code === undefined ? {} : { code }) } });
  });
});

describe('funding instructions', () => {
  it('are the same every time, and money sent there arrives at once', async () => {
    const seller = await platform.newSeller();
    const options = { stripeAccount: seller };
    const params = { currency: 'usd', funding_type: 'bank_transfer', bank_transfer: { type: 'us_bank_transfer' } };
    const ask = () =>
      platform.stripe.rawRequest('POST', '/v1/issuing/funding_instructions', params, options) as unknown as Promise<{
        bank_transfer: unknown;
      }>;

    const [first, second] = [await ask(), await ask()];
    await platform.stripe.rawRequest(
      'POST',
      '/v1/test_helpers/issuing/fund_balance',
      { amount: 5_00, currency: 'usd' },
      options,
    );

    expect(first.bank_transfer).toEqual(second.bank_transfer);
    expect(await platform.issuingBalance(seller)).toBe(5_00);
    expect(await entries(seller)).toMatchObject([{ type: 'topup', amount: 5_00, balance_type: 'issuing' }]);
  });
});

it('lets a card payment wait two business days, and a bypassing one not', async () => {
  await platform.stripe.paymentIntents.create({
    amount: 10_00,
    currency: 'usd',
    payment_method: 'pm_card_visa',
    confirm: true,
  });
  await platform.fundPlatform(5_00);
  const balance = await platform.stripe.balance.retrieve();
  expect([balance.available[0]?.amount, balance.pending[0]?.amount]).toEqual([5_00, 10_00]);

  await platform.advance(5 * day);
  expect(await payments()).toBe(15_00);
});

it('resets one platform and leaves the others', async () => {
  const other = world.platform();
  await other.fundPlatform(7_00);
  await platform.fundPlatform(5_00);
  await platform.newSeller();

  await platform.control('POST', '/reset');

  expect([await payments(), (await platform.stripe.accounts.list()).data]).toEqual([0, []]);
  expect((await other.stripe.balance.retrieve()).available[0]?.amount).toBe(7_00);
});

it('fails the request that finds the books broken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'books-'));
  const key = 'sk_test_bookkeeper';
  const honest = await World.start(folder);
  await honest.platform(key).fundPlatform(10_00);
  await honest.close();
  const db = new DatabaseSync(join(folder, 'simulator.sqlite'));
  db.exec("update balances set available = available + 1 where balance_type = 'payments'");
  db.close();
  const broken = await World.start(folder);
  const victim = broken.platform(key);

  // It is the program's own alarm, so it goes where a person at the shell sees it.
  const alarm = jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const [read, moved, controlled] = [
    await victim.raw('GET', '/v1/balance'),
    await victim.raw('POST', '/v1/topups', 'amount=1&currency=usd'),
    await victim.raw('POST', '/_simulator/clock/advance', '{"seconds":1}'),
  ];
  const said = alarm.mock.calls.map(([text]) => String(text));
  alarm.mockRestore();

  expect([read.status, moved.status, controlled.status]).toEqual([500, 500, 500]);
  expect(said[0]).toContain('The books no longer add up');
  expect(await victim.books()).toMatchObject({ balanced: false, problems: [expect.any(String), expect.any(String)] });
  await broken.close();
  rmSync(folder, { recursive: true });
});
