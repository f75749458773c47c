import { call, expectProblem } from '../http/client';
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
  it('declines at once, also where Stripe decides without us, and issues no card until it is taken back', async () => {
    const other = await scenario.onboardedSeller();
    const ready = await scenario.readyPayout(other, 40_00);
    const frozen = await scenario.readyPayout(other, 30_00);
    await post(app, app.keys.marketplace, `/v1/cards/${frozen.cardId}/freeze`);
    // Stripe takes its time over the money of one and the card of another, so that the switch falls in between.
    const slow = async (path: string) => {
      const { id } = await scenario.stripe.control('POST', '/faults', {
        on: 'request',
        action: 'delay',
        method: 'POST',
        path,
        delay_ms: 1_500,
      });
      return async () => {
        const { faults } = await scenario.stripe.control('GET', '/faults');
        return faults.some((fault: { id: string; struck: number }) => fault.id === id && fault.struck > 0) as boolean;
      };
    };
    const isIssuing = await slow('/v1/issuing/cards');
    const { id: issuing } = await scenario.requestPayout(other, 20_00);
    await scenario.acrossBankDays(other, 'the card to be asked for', isIssuing);
    const isFunding = await slow('/v1/transfers');
    const { id: funding } = await scenario.requestPayout(other, 50_00);
    await waitFor('the money to be on its way', isFunding);

    expect((await post(app, app.keys.finance, `/v1/connected-accounts/${other.id}/suspend`)).status).toBe(200);
    expect(await scenario.charge(ready)).toMatchObject({ approved: false });

    const atStripe = async (stripeCardId: string) => {
      const card = await scenario.stripe.get(`/v1/issuing/cards/${stripeCardId}`, other.stripeAccount);
      return card.status as string;
    };
    const until = (what: string, stripeCardId: string, status: string) =>
      waitFor(`${what} to be ${status} at Stripe`, async () => (await atStripe(stripeCardId)) === status);
    await until('the ready card', ready.stripeCardId, 'inactive');
    const late = await scenario.ready(other, issuing, 20_00);
    await until('the card that came late', late.stripeCardId, 'inactive');
    const { request_history: history } = await scenario.charge(ready);
    expect(history.at(-1)).toMatchObject({ approved: false, reason: 'card_inactive' });
    // Thawed by hand meanwhile, it is the seller's switch that holds it.
    await post(app, app.keys.marketplace, `/v1/cards/${late.cardId}/freeze`);
    await post(app, app.keys.marketplace, `/v1/cards/${late.cardId}/unfreeze`);
    await scenario.acrossBankDays(other, 'the money to have arrived', async () => {
      const status = (await scenario.payout(funding)).status;
      return status === 'issuing';
    });
    await scenario.untilTold();
    expect(await atStripe(late.stripeCardId)).toBe('inactive');
    const { data } = await scenario.marketplace.get(`/v1/cards?payout=${funding}`);
    expect(data).toEqual([]);

    await post(app, app.keys.finance, `/v1/connected-accounts/${other.id}/resume`);
    await scenario.ready(other, funding, 50_00);
    await until('the ready card', ready.stripeCardId, 'active');
    await until('the card that came late', late.stripeCardId, 'active');
    await scenario.purchase(ready);
    expect(await atStripe(frozen.stripeCardId)).toBe('inactive');
    await post(app, app.keys.marketplace, `/v1/cards/${frozen.cardId}/unfreeze`);
    await until('the card frozen by hand', frozen.stripeCardId, 'active');
    await scenario.stripe.control('DELETE', '/faults');
  });
});

describe('a batch', () => {
  it('is carried on behind payouts that are asked for by themselves, to the last of its jobs', async () => {
    // One after the other: a transfer that ends hands its account's lane on, with its own urgency.
    const lone = await scenario.readyPayout(seller, 20_00);
    const { id: batch } = (
      await call(app, 'POST', '/v1/payout-batches', {
        key: app.keys.marketplace,
        rawBody: JSON.stringify({
          connected_account: seller.id,
          cardholder: seller.cardholder,
          amount: 30_00,
          currency: 'usd',
          reference: unique('order'),
        }),
        headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': unique('batch') },
      })
    ).body as { id: string };
    const row = await waitFor('the row to be a payout', async () => {
      const { data } = await scenario.marketplace.get(`/v1/payout-batches/${batch}/rows`);
      return data[0]?.payout;
    });
    await scenario.ready(seller, row, 30_00);

    const prioritiesOf = async (payout: string) => {
      const jobs = await app.database.query<{ name: string; priority: number }>(
        `select distinct name, priority from pgboss.job where data->>'payoutId' = $1
           and name in ('advance-payout', 'perform-stripe-call') order by name`,
        [payout],
      );
      return jobs.map(({ name, priority }) => `${name} ${priority}`);
    };
    expect(await prioritiesOf(lone.id)).toEqual(['advance-payout 0', 'perform-stripe-call 0']);
    expect(await prioritiesOf(row)).toEqual(['advance-payout -1', 'perform-stripe-call -1']);
  });
});
