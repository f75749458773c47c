import { Answer, call, expectProblem } from '../http/client';
import { startTestApp, TestApp } from '../support/app';
import { makeKey, makePayee, Payee, requestPayout, unique } from './paying';

const dollars = (amount: number) => amount * 100;

let app: TestApp;
let replica: TestApp;
let payee: Payee;
beforeAll(async () => {
  const changes = {
    roles: new Set(['api'] as const),
    payoutLimitMinor: { usd: 1_000_00n },
    sellerDailyLimitMinor: { usd: 3_000_00n },
    keyDailyLimitMinor: { usd: 2_000_00n },
  };
  app = await startTestApp(changes);
  replica = await startTestApp(changes, app);
});
afterAll(async () => {
  await replica.stop();
  await app.stop();
});
beforeEach(async () => {
  payee = await makePayee(app);
});

const accepted = (answers: readonly Answer[]) => answers.filter(({ status }) => status === 201);
const codes = (answers: readonly Answer[]) => [
  ...new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code as string)),
];
const promisedMinor = async (where: string, value: string) => {
  const [row] = await app.database.query<{ sum: string }>(
    `select coalesce(sum(amount_minor), 0) as sum from payouts where ${where} = $1`,
    [value],
  );
  return Number(row!.sum);
};

describe('one payout', () => {
  it('is refused above its limit, with the limit', async () => {
    const { key } = await makeKey(app, 'marketplace');
    expect((await requestPayout(app, key, payee, dollars(1_000))).status).toBe(201);
    const refused = await requestPayout(app, key, payee, dollars(1_000) + 1);
    expectProblem(refused, 422, 'payout_amount_limit_exceeded');
    expect(refused.body).toMatchObject({
      limit: { scope: 'payout', currency: 'usd', limit: dollars(1_000), renews_at: null },
      errors: [{ pointer: '/amount' }],
    });
  });
});

describe('a day', () => {
  it('ends for a seller with what is left and when it renews, and begins anew at midnight UTC', async () => {
    for (let i = 0; i < 3; i += 1) {
      const { key } = await makeKey(app, 'marketplace');
      expect((await requestPayout(app, key, payee, dollars(900))).status).toBe(201);
    }
    const { key } = await makeKey(app, 'marketplace');
    const refused = await requestPayout(app, key, payee, dollars(301));
    expectProblem(refused, 422, 'seller_daily_limit_exceeded');
    const midnight = new Date(Math.ceil(app.clock.now().getTime() / 86_400_000) * 86_400_000);
    expect(refused.body.limit).toEqual({
      scope: 'seller',
      currency: 'usd',
      limit: dollars(3_000),
      remaining: dollars(300),
      renews_at: midnight.toISOString(),
    });
    expect(refused.body.detail).toContain('300.00 USD is left');
    expect((await requestPayout(app, key, payee, dollars(300))).status).toBe(201);
    expectProblem(await requestPayout(app, key, payee, dollars(2)), 422, 'seller_daily_limit_exceeded');

    app.clock.advance(midnight.getTime() - app.clock.now().getTime());
    expect((await requestPayout(app, key, payee, dollars(300))).status).toBe(201);
  });

  it('is not used up by what was refused', async () => {
    const { key } = await makeKey(app, 'marketplace');
    const reference = unique('order');
    expect((await requestPayout(app, key, payee, dollars(500), { reference })).status).toBe(201);
    for (let i = 0; i < 5; i += 1) {
      expectProblem(await requestPayout(app, key, payee, dollars(900), { reference }), 409, 'payout_reference_taken');
    }
    expect((await requestPayout(app, key, payee, dollars(1_000))).status).toBe(201);
    expect((await requestPayout(app, key, payee, dollars(500))).status).toBe(201);
    expectProblem(await requestPayout(app, key, payee, dollars(2)), 422, 'key_daily_limit_exceeded');
  });

  it('is one day for a key and its successor', async () => {
    const { id, key } = await makeKey(app, 'marketplace');
    for (let i = 0; i < 2; i += 1) expect((await requestPayout(app, key, payee, dollars(1_000))).status).toBe(201);
    const { body } = await call(app, 'POST', `/v1/api-keys/${id}/rotate`, { key: app.keys.admin, body: {} });
    const refused = await requestPayout(app, body.key as string, payee, dollars(2));
    expectProblem(refused, 422, 'key_daily_limit_exceeded');
    expect(refused.body.limit).toMatchObject({ scope: 'key', remaining: 0 });
  });

  it.each([dollars(60), dollars(190), dollars(700)])(
    'is exact for a key with many at once over two replicas, %d cents each',
    async (amount) => {
      const { id, key } = await makeKey(app, 'marketplace');
      const payees = [payee, await makePayee(app)];
      const answers = await Promise.all(
        Array.from({ length: 48 }, (_, i) => requestPayout(i % 2 ? app : replica, key, payees[i % 2]!, amount)),
      );
      // Neither one too many nor one too few.
      expect(accepted(answers)).toHaveLength(Math.floor(dollars(2_000) / amount));
      expect(codes(answers)).toEqual(['key_daily_limit_exceeded']);
      expect(await promisedMinor('requested_by_api_key_id', id)).toBe(accepted(answers).length * amount);
    },
  );

  it('is exact for a seller with many keys at once', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, () => makeKey(app, 'marketplace')));
    const answers = await Promise.all(
      Array.from({ length: 48 }, (_, i) => requestPayout(i % 2 ? app : replica, keys[i % 6]!.key, payee, dollars(110))),
    );
    expect(accepted(answers)).toHaveLength(27);
    expect(codes(answers)).toEqual(['seller_daily_limit_exceeded']);
    expect(await promisedMinor('connected_account_id', payee.connected_account)).toBe(27 * dollars(110));
  });

  it('does not make payouts of one key wait for one another', async () => {
    const { key } = await makeKey(app, 'marketplace');
    expect((await requestPayout(app, key, payee, dollars(10))).status).toBe(201);
    const other = await makePayee(app);
    // Another payout of the key is being accepted and does not come to its end.
    const [slot] = await app.database.query<{ subject: string; slot: number }>(
      `select subject, slot from daily_limit_slots where scope = 'key' order by used_minor desc limit 1`,
    );
    let letGo: () => void = () => undefined;
    const held = app.database.transaction(async (tx) => {
      await tx.query(`select from daily_limit_slots where scope = 'key' and subject = $1 and slot = $2 for update`, [
        slot!.subject,
        slot!.slot,
      ]);
      await new Promise<void>((resolve) => (letGo = resolve));
    });
    try {
      expect((await requestPayout(app, key, other, dollars(10))).status).toBe(201);
    } finally {
      letGo();
      await held;
    }
  });

  it('counts by a limit that was changed meanwhile', async () => {
    const { key } = await makeKey(app, 'marketplace');
    expect((await requestPayout(app, key, payee, dollars(1_000))).status).toBe(201);
    const lower = await startTestApp({ roles: new Set(['api']), keyDailyLimitMinor: { usd: 1_200_00n } }, app);
    try {
      const refused = await requestPayout(lower, key, payee, dollars(201));
      expectProblem(refused, 422, 'key_daily_limit_exceeded');
      expect(refused.body.limit).toMatchObject({ remaining: dollars(200) });
      expect((await requestPayout(lower, key, payee, dollars(200))).status).toBe(201);
    } finally {
      await lower.stop();
    }
    expect((await requestPayout(app, key, payee, dollars(800))).status).toBe(201);
    expectProblem(await requestPayout(app, key, payee, dollars(2)), 422, 'key_daily_limit_exceeded');
  });
});

describe('a label', () => {
  const put = (label: string, body: object) =>
    call(app, 'PUT', `/v1/payout-labels/${label}`, { key: app.keys.finance, body });

  it('comes with its first payout, and its payouts are found by it', async () => {
    const label = unique('agent');
    const { key } = await makeKey(app, 'marketplace');
    const { body } = await requestPayout(app, key, payee, dollars(20), { label, purpose: 'office supplies' });
    await requestPayout(app, key, payee, dollars(30), { label: unique('agent'), purpose: 'office supplies' });
    expect(body).toMatchObject({ label, purpose: 'office supplies' });

    const found = await call(app, 'GET', `/v1/payouts?label=${label}`, { key });
    expect(found.body.data).toMatchObject([{ id: body.id as string }]);
    const both = await call(app, 'GET', '/v1/payouts?purpose=office%20supplies', { key });
    expect(both.body.data).toHaveLength(2);
    expect((await call(app, 'GET', `/v1/payout-labels/${label}`, { key })).body).toMatchObject({
      label,
      daily_limit: null,
      open_payouts_limit: null,
      retired_at: null,
    });
    expectProblem(await call(app, 'GET', '/v1/payout-labels/nobody', { key }), 404, 'payout_label_not_found');
  });

  it('has a daily limit of its own', async () => {
    const label = unique('agent');
    expect((await put(label, { daily_limit: dollars(100) })).body).toMatchObject({ daily_limit: dollars(100) });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => requestPayout(app, app.keys.marketplace, payee, dollars(15), { label })),
    );
    expect(accepted(answers)).toHaveLength(6);
    expect(codes(answers)).toEqual(['label_daily_limit_exceeded']);
    const { key } = await makeKey(app, 'marketplace');
    expect((await requestPayout(app, key, payee, dollars(15))).status).toBe(201);
  });

  it('has at most as many open payouts as it may, and another when one ends', async () => {
    const label = unique('agent');
    await put(label, { open_payouts_limit: 3 });
    const { key } = await makeKey(app, 'marketplace');
    const answers = await Promise.all(
      Array.from({ length: 16 }, (_, i) => requestPayout(i % 2 ? app : replica, key, payee, dollars(5), { label })),
    );
    expect(accepted(answers)).toHaveLength(3);
    expect(codes(answers)).toEqual(['label_open_limit_reached']);

    const first = accepted(answers)[0]!.body.id as string;
    expect((await call(app, 'POST', `/v1/payouts/${first}/cancel`, { key })).status).toBe(200);
    expect((await requestPayout(app, key, payee, dollars(5), { label })).status).toBe(201);
    expectProblem(await requestPayout(app, key, payee, dollars(5), { label }), 422, 'label_open_limit_reached');
  });

  it('is listed page by page in alphabetical order', async () => {
    const label = unique('aaa');
    await put(`${label}-2`, {});
    await put(`${label}-1`, {});
    const { body } = await call(app, 'GET', '/v1/payout-labels?limit=2', { key: app.keys.auditor });
    expect(body).toMatchObject({ data: [{ label: `${label}-1` }, { label: `${label}-2` }], has_more: true });
    const next = await call(app, 'GET', `/v1/payout-labels?starting_after=${body.next_cursor}`, {
      key: app.keys.auditor,
    });
    expect((next.body.data as { label: string }[]).every((each) => each.label > `${label}-2`)).toBe(true);
  });

  it('that no payout could carry is none', async () => {
    for (const name of ['%20', 'a%20b', 'a'.repeat(65), '-a', '%F0%9F%92%B8'])
      expect((await put(name, {})).status).toBe(404);
    const { key } = await makeKey(app, 'marketplace');
    expectProblem(await requestPayout(app, key, payee, dollars(5), { label: 'a b' }), 400, 'validation_failed');
  });
});
