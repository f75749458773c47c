import { PayoutProgressService } from '../../src/payouts/payout-progress.service';
import { call, expectProblem } from '../http/client';
import { startTestApp, TestApp } from '../support/app';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { makeKey, makePayee, Payee, post, requestPayout } from './paying';

const threshold = 100_00;
const large = 250_00;

let app: TestApp;
let scenario: Scenario;
let payee: Payee;
beforeAll(async () => {
  app = await startTestApp({ payoutApprovalAboveMinor: { usd: BigInt(threshold) } });
  scenario = new Scenario(app);
  payee = await makePayee(app);
});
afterAll(() => app.stop());

const approve = (id: string, key: string, body: object = {}) => post(app, key, `/v1/payouts/${id}/approve`, body);
const reject = (id: string, key: string, note = 'The order was returned.') =>
  post(app, key, `/v1/payouts/${id}/reject`, { note });
const get = async (id: string) => (await call(app, 'GET', `/v1/payouts/${id}`, { key: app.keys.auditor })).body;
const timeline = async (id: string) => {
  const { body } = await call(app, 'GET', `/v1/payouts/${id}/timeline`, { key: app.keys.auditor });
  return body.data as { kind: string; detail: Record<string, unknown> }[];
};
const toldOf = async (id: string) =>
  (
    await app.database.query<{ type: string }>(
      `select type from outgoing_events where payout_id = $1 order by sequence`,
      [id],
    )
  ).map(({ type }) => type);
const waiting = async (more: object = {}, key = app.keys.marketplace) => {
  const { status, body } = await requestPayout(app, key, payee, large, more);
  expect({ status, waiting_on: body.waiting_on as string }).toEqual({ status: 201, waiting_on: 'approval' });
  return body.id as string;
};

describe('a payout above the threshold', () => {
  let seller: Seller;
  beforeAll(async () => {
    await scenario.fundPlatform(10_000_00);
    seller = await scenario.onboardedSeller();
  });

  it('moves nothing until another key approves, and then goes all the way', async () => {
    const asked = await scenario.requestPayout(seller, large);
    expect(asked).toMatchObject({ status: 'pending', waiting_on: 'approval', approval: null });
    const small = await scenario.readyPayout(seller, threshold);
    // The small one was asked for later and is ready: the large one had every occasion to move.
    expect(small.amount).toBe(threshold);
    expect(await get(asked.id)).toMatchObject({ status: 'pending', waiting_on: 'approval' });
    const { body: list } = await call(app, 'GET', '/v1/payouts?waiting_on=approval', { key: app.keys.finance });
    expect((list.data as { id: string }[]).map(({ id }) => id)).toContain(asked.id);

    const approved = await approve(asked.id, app.keys.finance, { note: 'Checked.' });
    expect(approved).toMatchObject({
      status: 200,
      body: { waiting_on: null, approval: { decision: 'approved', note: 'Checked.' } },
    });
    await scenario.ready(seller, asked.id, large);
    expect((await timeline(asked.id)).map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['payout.waiting', 'payout.approved']),
    );
    expect((await toldOf(asked.id)).slice(0, 3)).toEqual([
      'payout.created',
      'payout.approval_required',
      'payout.approved',
    ]);
  });

  it('ends with a note when it is rejected, and nothing ever moved', async () => {
    const { id } = await scenario.requestPayout(seller, large);
    expect(await reject(id, app.keys.finance)).toMatchObject({
      status: 200,
      body: {
        status: 'canceled',
        outcome: 'canceled',
        waiting_on: null,
        failure: { code: 'approval_rejected', detail: 'The order was returned.' },
        approval: { decision: 'rejected', note: 'The order was returned.' },
      },
    });
    const closed = await waitFor('the payout to be closed', async () => {
      const each = await get(id);
      return each.status === 'closed' && each;
    });
    expect(closed).toMatchObject({ released: large, owed: 0, paid: 0, reclaimed: 0 });
    expect((await timeline(id)).filter(({ kind }) => kind === 'stripe_call')).toEqual([]);
  });
});

describe('four eyes', () => {
  it('may be of finance or an admin, and nobody else', async () => {
    for (const role of ['marketplace', 'auditor', 'pci'] as const) {
      expectProblem(await approve(await waiting(), app.keys[role]), 403, 'role_not_allowed');
    }
    expect((await approve(await waiting(), app.keys.admin)).status).toBe(200);
    expect((await reject(await waiting(), app.keys.admin)).status).toBe(200);
  });

  it('are not the key that asked, its successors, its predecessors, or keys that it made or rotated', async () => {
    const asker = await makeKey(app, 'admin');
    const { body: successor } = await call(app, 'POST', `/v1/api-keys/${asker.id}/rotate`, { key: app.keys.admin });
    const { body: second } = await call(app, 'POST', `/v1/api-keys/${successor.id}/rotate`, { key: app.keys.admin });
    const { body: made } = await call(app, 'POST', '/v1/api-keys', {
      key: asker.key,
      body: { name: 'another pair', role: 'admin' },
    });
    const { body: madeByMade } = await call(app, 'POST', '/v1/api-keys', {
      key: made.key as string,
      body: { name: 'one more', role: 'finance' },
    });
    const strangers = await makeKey(app, 'finance');
    const { body: rotated } = await call(app, 'POST', `/v1/api-keys/${strangers.id}/rotate`, { key: asker.key });

    const id = await waiting({}, asker.key);
    for (const hand of [asker, successor, second, made, madeByMade, rotated] as { key: string }[]) {
      expectProblem(await approve(id, hand.key), 403, 'approval_needs_another_key');
      expectProblem(await reject(id, hand.key), 403, 'approval_needs_another_key');
    }
    const bySuccessor = await waiting({}, second.key as string);
    expectProblem(await approve(bySuccessor, asker.key), 403, 'approval_needs_another_key');

    expect(await get(id)).toMatchObject({ status: 'pending', waiting_on: 'approval', approval: null });
    const other = await makeKey(app, 'finance');
    expect((await approve(id, other.key)).body).toMatchObject({ approval: { api_key: other.id } });
    expect((await approve(bySuccessor, other.key)).status).toBe(200);
  });

  it('are kept by the database too', async () => {
    const asker = await makeKey(app, 'admin');
    const id = await waiting({}, asker.key);
    await expect(
      app.database.query(
        `update payouts set approval_decision = 'approved', approval_api_key_id = $2, approval_decided_at = now() where id = $1`,
        [id, asker.id],
      ),
    ).rejects.toThrow('payouts_approval_needs_another_key');
  });

  it('are not asked for at the threshold, and have nothing to decide there', async () => {
    const { body } = await requestPayout(app, app.keys.marketplace, payee, threshold);
    expect(body.waiting_on).not.toBe('approval');
    expectProblem(await approve(body.id as string, app.keys.finance), 409, 'payout_not_awaiting_approval');
    expectProblem(await reject(body.id as string, app.keys.finance), 409, 'payout_not_awaiting_approval');
    expectProblem(await approve('payout_nothing', app.keys.finance), 404, 'payout_not_found');
  });

  it('decide once; the same request again gets the same answer', async () => {
    const id = await waiting();
    const headers = { 'idempotency-key': 'approve-once' };
    const first = await post(app, app.keys.finance, `/v1/payouts/${id}/approve`, {}, { headers });
    const again = await post(app, app.keys.finance, `/v1/payouts/${id}/approve`, {}, { headers });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expectProblem(await approve(id, app.keys.finance), 409, 'payout_not_awaiting_approval');
    expectProblem(await reject(id, app.keys.finance), 409, 'payout_not_awaiting_approval');
    const { body } = await post(app, app.keys.finance, `/v1/payouts/${await waiting()}/reject`, {});
    expect(body).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/note' }] });
  });
});

describe('of approval, rejection, cancel and expiry', () => {
  it('exactly one wins', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 10; round += 1) {
      const id = await waiting({ expires_at: new Date(app.clock.now().getTime() + 86_400_000).toISOString() });
      const attempts = [
        () => approve(id, app.keys.finance),
        () => reject(id, app.keys.finance),
        () => approve(id, app.keys.admin),
        () => post(app, app.keys.marketplace, `/v1/payouts/${id}/cancel`),
      ];
      const order = [...attempts.slice(round % 4), ...attempts.slice(0, round % 4)];
      await Promise.all(order.map((attempt) => attempt()));

      const kinds = (await timeline(id)).filter(({ kind }) => kind === 'payout.approved' || kind === 'payout.rejected');
      const { approval, status, failure } = await get(id);
      seen.add(`${approval?.decision ?? 'canceled'}`);
      // One decision at most; a cancel may still come after an approval, never after a rejection took the note.
      expect(kinds.length).toBe(approval === null ? 0 : 1);
      if (approval?.decision === 'rejected') expect(failure).toMatchObject({ code: 'approval_rejected' });
      else expect(failure).toBeNull();
      if (approval === null) expect(['canceled', 'closed']).toContain(status);
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  it('time wins once it has come, also where nobody has noticed yet', async () => {
    const id = await waiting({ expires_at: new Date(app.clock.now().getTime() + 3_600_000).toISOString() });
    app.clock.advance(3_600_001);
    expectProblem(await approve(id, app.keys.finance), 409, 'payout_not_awaiting_approval');
    expectProblem(await reject(id, app.keys.finance), 409, 'payout_not_awaiting_approval');
    await app.app.get(PayoutProgressService).advance(id);
    expect(await get(id)).toMatchObject({ outcome: 'unspent', approval: null, waiting_on: null });
    expect(['expired', 'closed']).toContain((await get(id)).status);
  });
});
