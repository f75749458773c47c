import { Config } from '../../src/platform/config/config';
import { StripeBudget } from '../../src/stripe/stripe-budget';
import { StripeCallPerformer } from '../../src/stripe/stripe-call-performer';
import { StripeRefused, StripeUnavailable } from '../../src/stripe/stripe.errors';
import type { IntendStripeCall, StripeCallKind, StripeCallStatus } from '../../src/stripe/stripe-call.types';
import { waitFor } from '../support/wait-for';
import { type StripeFloor, startStripeFloor } from './stripe-floor';

const day = 24 * 3_600;

describe('calls to Stripe', () => {
  let floor: StripeFloor;
  let seller: string;
  let references = 0;

  beforeAll(async () => {
    floor = await startStripeFloor();
    await floor.platform.fundPlatform(10_000_00);
    seller = await floor.platform.newSeller({ issuing: 1_000_00 });
  });
  afterAll(() => floor.stop());
  afterEach(async () => {
    floor.outcomes.before = () => undefined;
    await floor.platform.control('DELETE', '/faults');
  });

  const newReference = () => `fund_${(references += 1)}`;

  function intend<K extends StripeCallKind>(call: IntendStripeCall<K>): Promise<string> {
    return floor.database.transaction((tx) => floor.calls.intend(tx, call));
  }

  async function transfer(reference = newReference(), amount = 25_00): Promise<string> {
    await intend({
      kind: 'transfer.create',
      reference,
      connectedAccountId: 'seller_1',
      payoutId: 'payout_1',
      params: { amount, currency: 'usd', destination: seller, transfer_group: reference },
    });
    return reference;
  }

  async function balanceTransfer(reference = newReference(), amount = 1_00, direction: 'in' | 'out' = 'out') {
    const types = direction === 'out' ? (['issuing', 'payments'] as const) : (['payments', 'issuing'] as const);
    await intend({
      kind: 'balance_transfer.create',
      reference,
      connectedAccountId: 'seller_1',
      stripeAccount: seller,
      lane: `balance_transfer:seller_1:${direction}`,
      params: {
        amount,
        currency: 'usd',
        source_balance: { type: types[0] },
        destination_balance: { type: types[1] },
      },
    });
    return reference;
  }

  function settled(reference: string, ...statuses: StripeCallStatus[]) {
    return waitFor(`${reference} to be ${statuses.join(' or ')}`, async () => {
      const [record] = await floor.calls.listFor(reference);
      return record && statuses.includes(record.status) ? record : undefined;
    });
  }

  async function transfersOf(reference: string): Promise<string[]> {
    const { data } = await floor.platform.stripe.transfers.list({ transfer_group: reference });
    return data.map(({ id }) => id);
  }

  async function issuingDebits(amount: number): Promise<string[]> {
    const { data } = await floor.platform.stripe.balanceTransactions.list({ limit: 100 }, { stripeAccount: seller });
    return data
      .filter((line) => line.balance_type === 'issuing' && line.amount === -amount)
      .filter((line) => line.type === 'balance_transfer_outbound')
      .map(({ id }) => id);
  }

  const fault = (rule: object) => floor.platform.control('POST', '/faults', { on: 'request', method: 'POST', ...rule });

  /** The retry is due now, whatever its backoff says. */
  async function hurry(reference: string): Promise<void> {
    await floor.database.query(
      `update stripe_calls set next_attempt_at = now() - interval '1 hour' where reference = $1`,
      [reference],
    );
    await floor.database.transaction((tx) => floor.calls.wakeOverdue(tx));
  }

  it('carries an intent to Stripe and its outcome to whoever asked for it', async () => {
    const reference = await transfer();

    const record = await settled(reference, 'done');

    const [id] = await transfersOf(reference);
    expect(record).toMatchObject({ stripeObjectId: id, attempts: 1, failure: null, payoutId: 'payout_1' });
    expect(record.idempotencyKey).toBe(`transfer.create:${record.id}:1`);
    expect(floor.outcomes.of(reference)).toMatchObject([
      {
        kind: 'transfer.create',
        status: 'done',
        result: { stripeTransferId: id, amountMinor: 25_00n, currency: 'usd' },
      },
    ]);
    const made = await floor.platform.stripe.transfers.retrieve(id!);
    expect(made.metadata).toEqual({ disburse_call: record.id, disburse_reference: reference });
    expect(await floor.calls.listForPayout('payout_1')).toContainEqual(record);
  });

  it('sends nothing for an intent whose transaction was rolled back', async () => {
    const reference = newReference();

    await expect(
      floor.database.transaction(async (tx) => {
        await floor.calls.intend(tx, {
          kind: 'transfer.create',
          reference,
          connectedAccountId: 'seller_1',
          params: { amount: 1_00, currency: 'usd', destination: seller, transfer_group: reference },
        });
        throw new Error('the caller changed its mind');
      }),
    ).rejects.toThrow('changed its mind');

    expect(await floor.calls.listFor(reference)).toEqual([]);
    expect(await transfersOf(reference)).toEqual([]);
  });

  it('makes one object though the outcome could not be written the first time', async () => {
    const reference = newReference();
    let refusals = 0;
    floor.outcomes.before = (call) => {
      if (call.reference === reference && (refusals += 1) === 1) throw new Error('killed between call and outcome');
    };

    await transfer(reference);
    const record = await settled(reference, 'done');

    expect(record.attempts).toBe(2);
    expect(await transfersOf(reference)).toEqual([record.stripeObjectId]);
    expect(floor.outcomes.of(reference)).toHaveLength(1);
  });

  it.each([
    ['drop_before', 'the connection is lost before the effect'],
    ['drop_after', 'the connection is lost after the effect'],
    ['rate_limit', 'Stripe is too busy'],
    ['lock_timeout', 'Stripe holds a lock'],
  ])('repeats with the same key when (%s) %s', async (action) => {
    const reference = newReference();
    // The SDK itself repeats once when a kept-alive connection closes.
    await fault({ action, path: '/v1/transfers', times: action.startsWith('drop') ? 2 : 1 });

    await transfer(reference);
    const record = await settled(reference, 'done');

    expect(record.attempts).toBeGreaterThan(1);
    expect(record.idempotencyKey).toMatch(/:1$/);
    expect(await transfersOf(reference)).toEqual([record.stripeObjectId]);
    expect(floor.outcomes.of(reference).map(({ status }) => status)).toEqual(['done']);
  });

  it('keeps Stripe’s reason when it says no, and does not ask again', async () => {
    const reference = newReference();

    await transfer(reference, 999_999_00);
    const record = await settled(reference, 'failed');

    expect(record).toMatchObject({ attempts: 1, failure: { code: 'balance_insufficient' }, stripeObjectId: null });
    expect(floor.outcomes.of(reference)).toMatchObject([
      { status: 'failed', failure: { code: 'balance_insufficient', detail: expect.stringMatching(/insufficient/i) } },
    ]);
  });

  it('looks for the object when a 500 is stored under the key, and finds it', async () => {
    const reference = newReference();
    await fault({ action: 'error_500_after', path: '/v1/transfers' });

    await transfer(reference);
    const record = await settled(reference, 'done');

    expect(await transfersOf(reference)).toEqual([record.stripeObjectId]);
    expect(floor.outcomes.of(reference)).toMatchObject([
      { status: 'done', result: { stripeTransferId: record.stripeObjectId } },
    ]);
  });

  it('holds money back as unknown while a stored 500 may still come true, then makes it under a new key', async () => {
    const reference = newReference();
    await fault({ action: 'error_500_before', path: '/v1/transfers' });

    await transfer(reference);
    const unknown = await settled(reference, 'unknown');
    expect(unknown.failure).not.toBeNull();
    await hurry(reference);
    await hurry(reference);
    expect(await transfersOf(reference)).toEqual([]);
    expect((await settled(reference, 'unknown')).idempotencyKey).toMatch(/:1$/);

    floor.clock.advance((day + 120) * 1_000);
    await floor.platform.advance(day + 120);
    await hurry(reference);
    const record = await settled(reference, 'done');

    expect(record.idempotencyKey).toMatch(/:2$/);
    expect(await transfersOf(reference)).toEqual([record.stripeObjectId]);
    expect(floor.outcomes.of(reference).map(({ status }) => status)).toEqual(['unknown', 'done']);
  });

  it('looks first when the key is older than Stripe keeps it', async () => {
    const reference = newReference();
    let isKilled = true;
    floor.outcomes.before = (call) => {
      if (call.reference === reference && isKilled) throw new Error('killed');
    };
    await transfer(reference);
    await waitFor('the first attempt', async () => (await transfersOf(reference)).length === 1);

    floor.clock.advance((day + 120) * 1_000);
    await floor.platform.advance(day + 120);
    isKilled = false;
    await hurry(reference);
    const record = await settled(reference, 'done');

    expect(await transfersOf(reference)).toEqual([record.stripeObjectId]);
  });

  describe('in one lane', () => {
    it('go out one after the other, in the order of their intents', async () => {
      const slow = await balanceTransferWith({ action: 'delay', delay_ms: 400 });
      const others = [await balanceTransfer(), await balanceTransfer(), await balanceTransfer()];

      for (const reference of [slow, ...others]) await settled(reference, 'done');

      const order = floor.outcomes.all.map((call) => call.reference).filter((one) => [slow, ...others].includes(one));
      expect(order).toEqual([slow, ...others]);
      const rows = await floor.database.query<{ early: boolean }>(
        `select sent_at < lag(settled_at) over (order by sequence) as early from stripe_calls where reference = any($1)`,
        [[slow, ...others]],
      );
      expect(rows.filter((row) => row.early)).toEqual([]);
    });

    async function balanceTransferWith(rule: object): Promise<string> {
      await fault({ path: '/v1/balance_transfers', ...rule });
      return balanceTransfer();
    }

    it('wait behind one that is unknown, and go on when it is found', async () => {
      const amount = 7_77;
      // Nothing can be asked, so nothing can be found.
      await fault({ action: 'error_500_after', path: '/v1/balance_transfers' });
      await floor.platform.control('POST', '/faults', {
        ...{ on: 'request', method: 'GET', path: '/v1/balance_transactions', action: 'lock_timeout', times: 100 },
      });
      const lost = await balanceTransfer(newReference(), amount);
      const next = await balanceTransfer();
      await settled(lost, 'unknown');
      await new Promise((done) => setTimeout(done, 500));
      expect((await floor.calls.listFor(next))[0]).toMatchObject({ status: 'intended', attempts: 0 });

      await floor.platform.control('DELETE', '/faults');
      await hurry(lost);
      const record = await settled(lost, 'done');
      await settled(next, 'done');

      const debits = await issuingDebits(amount);
      expect(debits).toHaveLength(1);
      expect(record.stripeObjectId).toMatch(/^btr_/);
      expect(floor.outcomes.of(lost)).toMatchObject([
        { status: 'unknown' },
        { status: 'done', result: { sourceBalanceTransactionId: debits[0], amountMinor: 777n } },
      ]);
    });

    it('a balance transfer takes only a balance transaction that no other call has', async () => {
      const amount = 8_88;
      const first = await settled(await balanceTransfer(newReference(), amount), 'done');
      await fault({ action: 'error_500_after', path: '/v1/balance_transfers' });

      const second = await settled(await balanceTransfer(newReference(), amount), 'done');

      expect(second.stripeObjectId).not.toBe(first.stripeObjectId);
      expect(await issuingDebits(amount)).toHaveLength(2);
    });

    it('stay unknown when two balance transactions could be theirs', async () => {
      const amount = 9_99;
      const reference = newReference();
      await fault({ action: 'error_500_after', path: '/v1/balance_transfers' });
      await floor.platform.stripe
        .rawRequest(
          'POST',
          '/v1/balance_transfers',
          { amount, currency: 'usd', source_balance: { type: 'issuing' }, destination_balance: { type: 'payments' } },
          { stripeAccount: seller, apiVersion: '2026-07-08.preview', idempotencyKey: 'by-hand' },
        )
        .catch(() => undefined);
      await fault({ action: 'error_500_after', path: '/v1/balance_transfers' });
      await balanceTransfer(reference, amount);

      const record = await settled(reference, 'unknown');

      expect(record.failure?.code).toBe('outcome_unclear');
    });
  });

  it('makes one object though two replicas and many jobs take up the same call', async () => {
    const replica = await startStripeFloor({ on: floor });
    try {
      const reference = newReference();
      await fault({ action: 'delay', delay_ms: 300, path: '/v1/transfers' });
      await transfer(reference);
      const { id } = (await floor.calls.listFor(reference))[0]!;
      await Promise.all([floor, replica, floor, replica].map(({ app }) => app.get(StripeCallPerformer).perform(id)));

      const record = await settled(reference, 'done');

      expect(await transfersOf(reference)).toEqual([record.stripeObjectId]);
      expect([...floor.outcomes.of(reference), ...replica.outcomes.of(reference)]).toHaveLength(1);
    } finally {
      await replica.stop();
    }
  });

  it('takes up a call whose worker died with the lease in its hand', async () => {
    const reference = newReference();
    await fault({ action: 'rate_limit', path: '/v1/transfers' });
    await transfer(reference);
    await waitFor('the first attempt', async () => ((await floor.calls.listFor(reference))[0]?.attempts ?? 0) > 0);
    await floor.database.query(
      `update stripe_calls set lease_token = 'dead', lease_expires_at = now() + interval '1 second' where reference = $1`,
      [reference],
    );

    const record = await settled(reference, 'done');

    expect(await transfersOf(reference)).toEqual([record.stripeObjectId]);
  });

  it('seals what names a person, and forgets it when the call settles', async () => {
    const reference = newReference();
    await fault({ action: 'rate_limit', path: '/v1/issuing/cardholders' });
    await intend({
      kind: 'cardholder.create',
      reference,
      connectedAccountId: 'seller_1',
      stripeAccount: seller,
      params: {
        name: 'Jenny Rosen',
        type: 'individual',
        email: 'jenny@example.com',
        phone_number: '+18008675309',
        individual: {
          first_name: 'Jenny',
          last_name: 'Rosen',
          card_issuing: { user_terms_acceptance: { date: 1_700_000_000, ip: '127.0.0.1' } },
        },
        billing: {
          address: { line1: '123 Fake St', city: 'Beverly Hills', state: 'CA', postal_code: '90210', country: 'US' },
        },
      },
    });
    const read = () =>
      floor.database.query<{ row: string }>(
        `select to_jsonb(c)::text as row from stripe_calls c where reference = $1`,
        [reference],
      );
    expect((await read())[0]?.row).not.toMatch(/Jenny|Rosen|example\.com|8675309|Fake/);

    const record = await settled(reference, 'done');

    expect((await read())[0]?.row).not.toMatch(/Jenny|Rosen|example\.com|8675309|Fake/);
    expect((await read())[0]?.row).toContain('"sealed_params": null');
    expect(floor.outcomes.of(reference)).toMatchObject([
      { status: 'done', params: { name: 'Jenny Rosen' }, result: { stripeCardholderId: record.stripeObjectId } },
    ]);
  });

  it('updates a card, and finds its own update after a stored 500', async () => {
    const card = await floor.platform.newCard(seller);
    const reference = newReference();
    await fault({ action: 'error_500_after', path: '/v1/issuing/cards/*' });
    await intend({
      kind: 'card.update',
      reference,
      connectedAccountId: 'seller_1',
      stripeAccount: seller,
      params: { id: card.id, status: 'canceled' },
    });

    await settled(reference, 'done');

    expect(floor.outcomes.of(reference)).toMatchObject([
      { status: 'done', result: { stripeCardId: card.id, status: 'canceled', last4: card.last4 } },
    ]);
  });

  it('makes, adopts and reads every kind of object the service needs', async () => {
    const reference = newReference();
    await intend({
      kind: 'account.create',
      reference,
      connectedAccountId: 'seller_2',
      params: {
        country: 'DE',
        business_type: 'company',
        controller: {
          stripe_dashboard: { type: 'none' },
          fees: { payer: 'application' },
          losses: { payments: 'application' },
          requirement_collection: 'application',
        },
        capabilities: { card_issuing: { requested: true }, transfers: { requested: true } },
        settings: { payouts: { schedule: { interval: 'manual' } } },
      },
    });
    const { stripeObjectId } = await settled(reference, 'done');
    expect(await floor.gateway.retrieveAccount(stripeObjectId!)).toMatchObject({
      stripeAccountId: stripeObjectId,
      country: 'DE',
      payoutInterval: 'manual',
      controller: { dashboardType: 'none', requirementCollection: 'application' },
    });

    const cardholder = await floor.platform.newCardholder(seller);
    const cardReference = newReference();
    await intend({
      kind: 'card.create',
      reference: cardReference,
      connectedAccountId: 'seller_1',
      stripeAccount: seller,
      params: {
        cardholder: cardholder.id,
        currency: 'usd',
        type: 'virtual',
        status: 'active',
        lifecycle_controls: { cancel_after: { payment_count: 1 } },
        spending_controls: {
          allowed_categories: ['taxicabs_limousines'],
          spending_limits: [{ amount: 50_00, interval: 'per_authorization' }],
        },
      },
    });
    const { stripeObjectId: cardId } = await settled(cardReference, 'done');
    const card = await floor.gateway.retrieveCard(seller, cardId!);
    expect(card).toMatchObject({
      stripeCardId: cardId,
      stripeCardholderId: cardholder.id,
      status: 'active',
      type: 'virtual',
    });
    expect(Object.keys(card!)).not.toContain('number');

    const topupReference = newReference();
    await intend({
      kind: 'topup.create',
      reference: topupReference,
      connectedAccountId: 'seller_1',
      stripeAccount: seller,
      params: { amount: 30_00, currency: 'usd', destination_balance: 'issuing', description: 'Disburse' },
    });
    const { stripeObjectId: topupId } = await settled(topupReference, 'done');
    expect(await floor.gateway.retrieveTopup(seller, topupId!)).toMatchObject({
      status: 'pending',
      amountMinor: 3000n,
    });

    expect(await floor.gateway.retrieveCard(seller, 'ic_missing')).toBeNull();
    expect(await floor.gateway.retrieveTransfer('tr_missing')).toBeNull();
    expect(await floor.gateway.retrieveBalance(seller)).toMatchObject({ issuingAvailable: expect.any(Map) });
  });

  it('walks balance transactions from the newest, or onward from the last one seen', async () => {
    const all = await collect(floor.gateway.listBalanceTransactions(seller));
    const ids = all.map((line) => line.balanceTransactionId);
    expect(ids.length).toBeGreaterThan(5);

    const after = await collect(floor.gateway.listBalanceTransactions(seller, { after: ids.at(-1)! }));

    expect(after.map((line) => line.balanceTransactionId)).toEqual(ids.slice(0, -1).toReversed());
  });

  it('tells a refusal of Stripe’s from a Stripe that cannot be asked', async () => {
    await expect(
      floor.gateway.createAccountLink({
        stripeAccountId: 'acct_missing',
        refreshUrl: 'https://example.com',
        returnUrl: 'https://example.com',
      }),
    ).rejects.toThrow(StripeRefused);

    await floor.platform.control('POST', '/faults', {
      ...{ on: 'request', method: 'GET', path: '/v1/balance', action: 'rate_limit', times: 10 },
    });
    await expect(floor.gateway.retrieveBalance(seller)).rejects.toThrow(StripeUnavailable);
  });

  it('stays within the rate that all replicas share', async () => {
    const slow: Config = floor.config.with({ stripeRequestsPerSecond: 20 });
    await floor.database.query('delete from stripe_budgets');
    const replicas = [1, 2].map(() => new StripeBudget(floor.database, slow));
    const [{ now: startedOn }] = (await floor.database.query<{ now: string }>(
      'select clock_timestamp()::text as now',
    )) as [{ now: string }];
    const startedAt = performance.now();

    await Promise.all(Array.from({ length: 30 }, (_, index) => replicas[index % 2]!.take()));

    const seconds = (performance.now() - startedAt) / 1_000;
    // Two at once, then twenty a second; and nobody waits for more than that: the debt is what was taken, less what came back.
    expect(seconds).toBeGreaterThan(1.3);
    const [budget] = await floor.database.query<{ owed: number; seconds: number }>(
      `select 2 - tokens as owed, extract(epoch from refilled_at - $1::timestamptz)::float8 as seconds from stripe_budgets`,
      [startedOn],
    );
    expect(budget!.owed).toBeLessThanOrEqual(30);
    expect(budget!.owed).toBeGreaterThanOrEqual(30 - 20 * budget!.seconds - 0.001);
    await floor.database.query('delete from stripe_budgets');
  });

  it('sends work back to its queue when the line for Stripe is too long', async () => {
    await floor.database.query(
      `insert into stripe_budgets values ('requests', -1000000, now()) on conflict (name) do update set tokens = -1000000`,
    );
    const reference = newReference();
    await transfer(reference);
    await waitFor('the call to step back', async () => {
      const [record] = await floor.calls.listFor(reference);
      return record?.failure?.code === 'stripe_budget_exhausted';
    });
    expect((await floor.calls.listFor(reference))[0]).toMatchObject({ status: 'intended', attempts: 0 });

    await floor.database.query('delete from stripe_budgets');
    await hurry(reference);

    expect((await settled(reference, 'done')).attempts).toBe(1);
  });
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
