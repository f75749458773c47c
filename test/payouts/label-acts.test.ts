import { expectProblem } from '../http/client';
import { startTestApp, TestApp } from '../support/app';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';
import { post, unique } from './paying';

let app: TestApp;
let scenario: Scenario;
let seller: Seller;
beforeAll(async () => {
  app = await startTestApp();
  scenario = new Scenario(app);
  await scenario.fundPlatform(10_000_00);
  seller = await scenario.onboardedSeller();
});
afterAll(() => app.stop());

const act = (label: string, verb: string) => post(app, app.keys.marketplace, `/v1/payout-labels/${label}/${verb}`);

describe('an automated buyer', () => {
  it('is retired: nothing new is paid, what can be canceled is, and what is at a merchant stays', async () => {
    const label = unique('agent');
    const used = await scenario.readyPayout(seller, 30_00, { label });
    const unused = await scenario.readyPayout(seller, 20_00, { label });
    const bystander = await scenario.readyPayout(seller, 25_00, { label: unique('agent') });
    const authorization = await scenario.purchase(used);

    const retired = await act(label, 'retire');
    expect(retired).toMatchObject({ status: 202, body: { label, retired_at: expect.any(String) as string } });
    const refused: unknown = await scenario.requestPayout(seller, 20_00, { label }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 422, answer: { code: 'label_retired' } });

    const canceled = await scenario.untilStatus(unused, 'canceled', 'closed');
    expect(canceled.outcome).toBe('canceled');
    expect(await scenario.charge(unused)).toMatchObject({ approved: false });
    expect(await scenario.payout(used.id)).toMatchObject({ status: 'authorized' });
    await scenario.capture(used, authorization.id as string);
    await scenario.untilStatus(used, 'settled', 'closed');
    expect(await scenario.payout(bystander.id)).toMatchObject({ status: 'ready' });
    expect((await act(label, 'retire')).body).toEqual(retired.body);
  });

  it('gets new cards for the unused ones, and the old ones are worth nothing', async () => {
    const label = unique('agent');
    const before = [
      await scenario.readyPayout(seller, 20_00, { label }),
      await scenario.readyPayout(seller, 21_00, { label }),
    ];
    const bystander = await scenario.readyPayout(seller, 22_00, { label: unique('agent') });

    expect((await act(label, 'rotate')).status).toBe(202);
    for (const old of before) {
      const now = await scenario.ready(seller, old.id, old.amount, old.cardId);
      expect(now.stripeCardId).not.toBe(old.stripeCardId);
      expect(await scenario.charge(old)).toMatchObject({ approved: false });
      expect(await scenario.purchase(now)).toMatchObject({ approved: true });
    }
    expect((await scenario.payout(bystander.id)).card).toBe(bystander.cardId);
  });

  it('nobody has heard of has nothing to retire or rotate', async () => {
    expectProblem(await act('nobody', 'retire'), 404, 'payout_label_not_found');
    expectProblem(await act('nobody', 'rotate'), 404, 'payout_label_not_found');
  });
});

describe('the kill switch of a seller', () => {
  it('declines at once, says why, and issues no card until it is taken back', async () => {
    const other = await scenario.onboardedSeller();
    const ready = await scenario.readyPayout(other, 40_00);
    // Stripe takes its time over the money, so that the switch falls between funding and card.
    const fault = await scenario.stripe.control('POST', '/faults', {
      on: 'request',
      action: 'delay',
      method: 'POST',
      path: '/v1/transfers',
      delay_ms: 1_500,
    });
    const { id } = await scenario.requestPayout(other, 50_00);
    await waitFor('the money to be on its way', async () => (await scenario.payout(id as string)).status === 'funding');

    expect((await post(app, app.keys.finance, `/v1/connected-accounts/${other.id}/suspend`)).status).toBe(200);
    expect(await scenario.charge(ready)).toMatchObject({ approved: false });
    const [decision] = await app.database.query<{ reason: string }>(
      `select reason from authorization_requests where payout_id = $1 order by id desc limit 1`,
      [ready.id],
    );
    expect(decision).toEqual({ reason: 'account_restricted' });
    await scenario.acrossBankDays(other, 'the money to have arrived', async () => {
      const status = (await scenario.payout(id as string)).status as string;
      return status === 'issuing';
    });
    await scenario.untilTold();
    const { data } = await scenario.marketplace.get(`/v1/cards?payout=${id}`);
    expect(data).toEqual([]);

    await post(app, app.keys.finance, `/v1/connected-accounts/${other.id}/resume`);
    await scenario.ready(other, id as string, 50_00);
    await scenario.purchase(ready);
    await scenario.stripe.control('DELETE', `/faults/${fault.id}`).catch(() => undefined);
  });
});
