import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiKeysService } from '../../src/platform/api-keys/api-keys.service';
import { PayoutBatchesService } from '../../src/payout-batches/payout-batches.service';
import { Answer, call, expectProblem } from '../http/client';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { makeKey, makePayee, Payee, requestPayout, unique } from './paying';

type Row = Record<string, unknown>;

let app: TestApp;
let quiet: TestApp;
let payee: Payee;
beforeAll(async () => {
  const changes = { payoutApprovalAboveMinor: { usd: 500_00n }, payoutLimitMinor: { usd: 2_000_00n } };
  app = await startTestApp(changes);
  // No worker: what it takes stays queued.
  quiet = await startTestApp({ ...changes, roles: new Set(['api'] as const) });
  payee = await makePayee(app);
});
afterAll(async () => {
  await quiet.stop();
  await app.stop();
});

const row = (more: Row = {}): Row => ({
  ...payee,
  amount: 20_00,
  currency: 'usd',
  reference: unique('order'),
  ...more,
});
const lines = (rows: readonly Row[]) => rows.map((each) => JSON.stringify(each)).join('\n');
const csv = (rows: readonly Row[]) => {
  const header = Object.keys(rows[0]!);
  return [header.join(','), ...rows.map((each) => header.map((name) => String(each[name])).join(','))].join('\n');
};

function send(
  content: string | Uint8Array<ArrayBuffer>,
  type = 'application/x-ndjson',
  more: { key?: string; headers?: Record<string, string>; on?: TestApp } = {},
): Promise<Answer> {
  const on = more.on ?? app;
  return call(on, 'POST', '/v1/payout-batches', {
    key: more.key ?? on.keys.marketplace,
    rawBody: content,
    headers: { 'content-type': type, 'idempotency-key': unique('batch'), ...more.headers },
  });
}

const get = async (id: string) => (await call(app, 'GET', `/v1/payout-batches/${id}`, { key: app.keys.auditor })).body;
const rowsOf = async (id: string, query = '') =>
  (await call(app, 'GET', `/v1/payout-batches/${id}/rows${query}`, { key: app.keys.auditor })).body as {
    data: { row: number; status: string; payout: string | null; failure: { code: string } | null }[];
    next_cursor: string | null;
  };
const completed = (id: string) =>
  waitFor(
    `${id} to be completed`,
    async () => {
      const batch = await get(id);
      return batch.status === 'completed' && batch;
    },
    60_000,
  );
const payoutsOf = async (references: readonly unknown[], on = app) => {
  const [counted] = await on.database.query<{ count: number }>(
    `select count(*)::int as count from payouts where reference = any($1)`,
    [references],
  );
  return counted!.count;
};
const errorsOf = (answer: Answer) =>
  (answer.body.errors as { row: number; pointer: string; code: string }[]).map(
    (error) => `${error.row} ${error.pointer} ${error.code}`,
  );

describe('a batch', () => {
  it.each([
    ['JSON lines', 'application/x-ndjson', lines],
    ['CSV', 'text/csv; charset=utf-8', csv],
  ])('of %s becomes payouts, each row one', async (_name, type, write) => {
    const rows = Array.from({ length: 250 }, (_, i) => row({ label: 'agent-7', purpose: `purpose ${i % 3}` }));
    const sent = await send(write(rows), type);
    expect(sent).toMatchObject({
      status: 202,
      body: { status: 'processing', row_count: 250, rows: { queued: 250, accepted: 0, failed: 0 } },
    });
    const batch = await completed(sent.body.id as string);
    expect(batch.rows).toEqual({ queued: 0, accepted: 250, failed: 0 });
    expect(Object.values(batch.payouts as Record<string, number>).reduce((sum, count) => sum + count, 0)).toBe(250);
    expect(await payoutsOf(rows.map(({ reference }) => reference))).toBe(250);
    const { body: list } = await call(app, 'GET', '/v1/payout-batches', { key: app.keys.finance });
    expect(list.data[0]).toMatchObject({ id: sent.body.id as string, status: 'completed' });
    const told = await app.database.query(
      `select from outgoing_events where type = 'payout_batch.completed' and data->>'payout_batch' = $1`,
      [sent.body.id],
    );
    expect(told).toHaveLength(1);
  });

  it('of CSV says in cells what JSON says in fields', async () => {
    const reference = unique('order');
    const content = [
      '\ufeffreference,amount,currency,connected_account,cardholder,description,label,expires_at,allowed_categories,amount_match,metadata.order',
      `${reference},"2000",usd,${payee.connected_account},${payee.cardholder},"two ""lines"",\nquoted",agent-9,,book_stores; shoe_stores,exact,1001`,
      '',
    ].join('\r\n');
    const { body } = await send(content, 'text/csv');
    await completed(body.id as string);
    const { data } = await rowsOf(body.id as string);
    expect(data).toMatchObject([{ row: 1, status: 'accepted' }]);
    const { body: payout } = await call(app, 'GET', `/v1/payouts/${data[0]!.payout}`, { key: app.keys.auditor });
    expect(payout).toMatchObject({
      reference,
      amount: 20_00,
      description: 'two "lines",\nquoted',
      label: 'agent-9',
      controls: { allowed_categories: ['book_stores', 'shoe_stores'], amount_match: 'exact' },
      metadata: { order: '1001' },
    });
  });

  it('follows the template in the documentation', async () => {
    const template = await readFile(join(__dirname, '../../docs/payout-batch-template.csv'), 'utf8');
    const content = template
      .replaceAll(/seller_\w+/g, payee.connected_account)
      .replaceAll(/holder_\w+/g, payee.cardholder)
      .replaceAll('order-', `${unique('order')}-`);
    const sent = await send(content, 'text/csv');
    expect({ status: sent.status, errors: sent.body.errors as unknown }).toEqual({ status: 202, errors: undefined });
  });

  it('is the same when it is sent again, and another one is not', async () => {
    const content = lines([row(), row()]);
    const headers = { 'idempotency-key': unique('batch') };
    const first = await send(content, undefined, { headers });
    const again = await send(content, undefined, { headers });
    expect(again).toMatchObject({ status: 202, body: { id: first.body.id as string } });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expectProblem(await send(`${content}\n${lines([row()])}`, undefined, { headers }), 422, 'idempotency_key_reused');
    const { 'idempotency-key': _key, ...none } = headers;
    const without = await call(app, 'POST', '/v1/payout-batches', {
      key: app.keys.marketplace,
      rawBody: lines([row()]),
      headers: { 'content-type': 'application/x-ndjson', ...none },
    });
    expectProblem(without, 400, 'idempotency_key_required');
  });

  it('waits for approval row by row', async () => {
    const { body } = await send(lines([row({ amount: 600_00 }), row({ amount: 400_00 }), row({ amount: 500_01 })]));
    await completed(body.id as string);
    const { data } = await rowsOf(body.id as string);
    expect(data).toMatchObject([
      { waiting_on: 'approval', payout_status: 'pending' },
      { status: 'accepted' },
      { waiting_on: 'approval' },
    ]);
    const approved = await call(app, 'POST', `/v1/payouts/${data[0]!.payout}/approve`, {
      key: app.keys.finance,
      body: {},
    });
    expect(approved.body).toMatchObject({ approval: { decision: 'approved' } });
  });

  it('goes on where a row is refused at last, and says why', async () => {
    const label = unique('agent');
    await call(app, 'PUT', `/v1/payout-labels/${label}`, { key: app.keys.finance, body: { daily_limit: 50_00 } });
    const { body } = await send(lines(Array.from({ length: 5 }, () => row({ label }))));
    const batch = await completed(body.id as string);
    expect(batch.rows).toEqual({ queued: 0, accepted: 2, failed: 3 });
    const { data } = await rowsOf(body.id as string, '?status=failed&limit=2');
    expect(data).toMatchObject([
      { status: 'failed', payout: null, failure: { code: 'label_daily_limit_exceeded' } },
      { failure: { code: 'label_daily_limit_exceeded' } },
    ]);
    const { data: rest } = await rowsOf(body.id as string, `?status=failed&limit=2&starting_after=${data[1]!.row}`);
    expect(rest).toHaveLength(1);
  });

  it('ends with the key that sent it', async () => {
    const { id, key } = await makeKey(quiet, 'marketplace');
    const on = quiet;
    const there = await makePayee(on);
    const rows = [row(there as unknown as Row), row(there as unknown as Row)];
    const { body } = await send(lines(rows), undefined, { key, on });
    await on.database.transaction((tx) => on.app.get(ApiKeysService).revoke(tx, id));
    await on.app.get(PayoutBatchesService).work(body.id as string, 1, 100);
    const { body: batch } = await call(on, 'GET', `/v1/payout-batches/${body.id}`, { key: on.keys.auditor });
    expect(batch).toMatchObject({ status: 'completed', rows: { queued: 0, accepted: 0, failed: 2 } });
    expect(
      await payoutsOf(
        rows.map(({ reference }) => reference),
        on,
      ),
    ).toBe(0);
  });

  it('is worked on by several at once, each row once', async () => {
    const on = quiet;
    const there = (await makePayee(on)) as unknown as Row;
    const rows = Array.from({ length: 60 }, () => row(there));
    const { body } = await send(lines(rows), undefined, { on });
    const batches = on.app.get(PayoutBatchesService);
    await Promise.all(Array.from({ length: 6 }, () => batches.work(body.id as string, 1, 100)));
    expect(
      await payoutsOf(
        rows.map(({ reference }) => reference),
        on,
      ),
    ).toBe(60);
    const { body: batch } = await call(on, 'GET', `/v1/payout-batches/${body.id}`, { key: on.keys.auditor });
    expect(batch).toMatchObject({ status: 'completed', rows: { queued: 0, accepted: 60, failed: 0 } });
    const told = await on.database.query(
      `select from outgoing_events where type = 'payout_batch.completed' and data->>'payout_batch' = $1`,
      [body.id],
    );
    expect(told).toHaveLength(1);
  });
});

describe('a batch with anything wrong in it', () => {
  it('moves nothing, and names row and field', async () => {
    const taken = unique('order');
    await requestPayout(app, app.keys.marketplace, payee, 20_00, { reference: taken });
    const other = await makePayee(app);
    const good = row();
    const bad = [
      good,
      row({ amount: 'twenty' }),
      row({ amount: 0.5, currency: 'chf' }),
      row({ surprise: 1 }),
      row({ reference: good['reference'] }),
    ];
    const shapes = await send(lines(bad));
    expectProblem(shapes, 422, 'batch_invalid');
    expect(errorsOf(shapes)).toEqual(
      [
        '2 /amount max',
        '3 /amount max',
        '3 /currency is_in',
        '4 /surprise unknown_field',
        '5 /reference payout_reference_repeated',
      ].map((text) => expect.stringContaining(text.split(' ').slice(0, 2).join(' ')) as unknown),
    );

    const rules = await send(
      lines([
        good,
        row({ connected_account: 'seller_nobody' }),
        row({ cardholder: other.cardholder }),
        row({ reference: taken }),
        row({ amount: 2_000_01 }),
        row({ currency: 'eur' }),
        row({ controls: { allowed_categories: ['no_such_category'] } }),
        row({ expires_at: '2020-01-01T00:00:00Z' }),
      ]),
    );
    expectProblem(rules, 422, 'batch_invalid');
    expect(errorsOf(rules)).toEqual([
      '2 /connected_account not_found',
      '3 /cardholder invalid',
      '4 /reference payout_reference_taken',
      '5 /amount payout_amount_limit_exceeded',
      '6 /currency invalid',
      expect.stringMatching(/^7 \/controls\/allowed_categories/),
      '8 /expires_at invalid',
    ]);
    expect(rules.body).toMatchObject({ error_count: 7, row_count: 8 });
    expect(await payoutsOf([good['reference']])).toBe(0);
  });

  it('names no more than a hundred errors, and counts all', async () => {
    const answer = await send(lines(Array.from({ length: 300 }, () => row({ amount: -1 }))));
    expectProblem(answer, 422, 'batch_invalid');
    expect(answer.body.errors).toHaveLength(100);
    expect(answer.body).toMatchObject({ error_count: 300 });
  });

  it('waits for no reference that another batch waits with', async () => {
    const there = (await makePayee(quiet)) as unknown as Row;
    const same = row(there);
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => send(lines([row(there), same]), undefined, { on: quiet })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 422, 422, 422]);
    const refused = answers.find(({ status }) => status === 422)!;
    expect(errorsOf(refused)).toEqual(['2 /reference payout_reference_taken']);
  });

  const header = 'connected_account,cardholder,amount,currency,reference';
  const cells = () => `${payee.connected_account},${payee.cardholder},2000,usd,${unique('order')}`;
  it.each<[string, string, string, number, string, () => string | Uint8Array<ArrayBuffer>]>([
    ['no rows', 'application/x-ndjson', 'rows', 422, 'batch_empty', () => ''],
    ['blank lines only', 'application/x-ndjson', 'rows', 422, 'batch_empty', () => '\n \n\n'],
    ['a header only', 'text/csv', 'rows', 422, 'batch_empty', () => `${header}\n`],
    ['a byte order mark only', 'text/csv', 'rows', 422, 'batch_empty', () => '\ufeff'],
    ['an unknown column', 'text/csv', 'columns', 400, 'batch_malformed', () => `${header},color\n${cells()},red`],
    ['a column twice', 'text/csv', 'columns', 400, 'batch_malformed', () => `${header},amount\n${cells()},1`],
    ['semicolons', 'text/csv', 'commas', 400, 'batch_malformed', () => header.replaceAll(',', ';')],
    ['an open quote', 'text/csv', 'quote', 400, 'batch_malformed', () => `${header}\n"${cells()}`],
    ['a quote in a cell', 'text/csv', 'quotes', 400, 'batch_malformed', () => `${header}\n${cells()}"x"y,`],
    ['a cell too few', 'text/csv', 'rows', 422, 'batch_invalid', () => `${header}\nseller,holder`],
    ['broken JSON', 'application/x-ndjson', 'rows', 422, 'batch_invalid', () => `${lines([row()])}\n{"amount":`],
    ['an array', 'application/x-ndjson', 'rows', 422, 'batch_invalid', () => `[${lines([row()])}]`],
    ['a prototype', 'application/x-ndjson', 'rows', 422, 'batch_invalid', () => '{"__proto__":{"amount":1}}'],
    ['an endless line', 'application/x-ndjson', 'longer', 400, 'batch_malformed', () => 'x'.repeat(200_000)],
    ['Latin-1', 'text/csv', 'UTF-8', 400, 'batch_malformed', () => new Uint8Array([0x63, 0xe9, 0x2c, 0x0a])],
    [
      'UTF-16',
      'text/csv',
      'UTF-8',
      400,
      'batch_malformed',
      () => new Uint8Array(Buffer.from(`\ufeff${header}\n${cells()}`, 'utf16le')),
    ],
    [
      'UTF-16 without its mark',
      'text/csv',
      'UTF-8',
      400,
      'batch_malformed',
      () => new Uint8Array(Buffer.from(`${header}\n${cells()}`, 'utf16le')),
    ],
  ])('says so: %s', async (_name, type, word, status, code, content) => {
    const answer = await send(content(), type);
    expectProblem(answer, status, code);
    expect(answer.body.detail).toContain(word);
  });

  it('of another kind is refused', async () => {
    const body = lines([row()]);
    for (const type of ['application/json', 'text/plain', 'text/csv; charset=iso-8859-1', 'application/xml']) {
      expectProblem(await send(body, type), 415, 'unsupported_media_type');
    }
    const elsewhere = await call(app, 'POST', '/v1/payouts', {
      key: app.keys.marketplace,
      rawBody: body,
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expectProblem(elsewhere, 415, 'unsupported_media_type');
  });

  it('is read from nobody who may not send it', async () => {
    const content = lines([row()]);
    expectProblem(await send(content, undefined, { key: app.keys.finance }), 403, 'role_not_allowed');
    const stranger = await call(app, 'POST', '/v1/payout-batches', {
      rawBody: content,
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expectProblem(stranger, 401, 'api_key_missing');
  });
});

describe('the size of a batch', () => {
  it('is 10,000 rows and no more', async () => {
    const there = (await makePayee(quiet)) as unknown as Row;
    const rows = Array.from({ length: 10_001 }, (_, i) => row({ ...there, reference: `size-${i}` }));
    expectProblem(await send(lines(rows), undefined, { on: quiet }), 422, 'batch_too_long');
    const sent = await send(lines(rows.slice(1)), undefined, { on: quiet });
    expect(sent).toMatchObject({ status: 202, body: { row_count: 10_000, rows: { queued: 10_000 } } });
  });

  it('is 16 MiB and no more', async () => {
    const filler = ' '.repeat(60_000);
    const content = Array.from({ length: 300 }, () => lines([row()]) + filler).join('\n');
    expectProblem(await send(content), 413, 'body_too_large');
  });
});
