import { startTestApp, TestApp } from '../support/app';
import { Json } from '../support/http';
import { Scenario, Seller } from '../support/scenario';
import { waitFor } from '../support/wait-for';

describe('the card of a payout', () => {
  let test: TestApp;
  let scenario: Scenario;
  let seller: Seller;

  beforeAll(async () => {
    test = await startTestApp();
    scenario = new Scenario(test);
    await scenario.fundPlatform(5_000_00);
    seller = await scenario.onboardedSeller();
  });

  afterAll(async () => {
    await test.stop();
  });

  const cardsOf = async (payoutId: string): Promise<Json[]> =>
    (await scenario.marketplace.get(`/v1/cards?payout=${payoutId}`)).data as Json[];
  const lastReason = (authorization: Json) => authorization.request_history.at(-1)?.reason as string;

  it('is replaced on request: the old one dies, the new one pays all of it', async () => {
    const payout = await scenario.readyPayout(seller, 100_00);

    await scenario.marketplace.post(`/v1/cards/${payout.cardId}/replace`);

    const again = await scenario.ready(seller, payout.id, 100_00, payout.cardId);
    expect(await cardsOf(payout.id)).toMatchObject([
      { id: again.cardId, status: 'active' },
      { id: payout.cardId, status: 'canceled' },
    ]);
    expect((await scenario.charge(payout, 100_00)).approved).toBe(false);
    const purchase = await scenario.purchase(again, 100_00);
    await scenario.capture(again, purchase.id);
    expect(await scenario.untilStatus(again, 'closed')).toMatchObject({ outcome: 'spent', paid: 100_00 });
    expect(await cardsOf(payout.id)).toHaveLength(2);
  });

  it('declines from the moment it is frozen, before Stripe knows, and pays when it is unfrozen', async () => {
    const payout = await scenario.readyPayout(seller, 50_00);
    const fault = await scenario.stripe.control('POST', '/faults', {
      on: 'request',
      action: 'delay',
      delay_ms: 2_000,
      method: 'POST',
      path: `/v1/issuing/cards/${payout.stripeCardId}`,
      times: 1,
    });

    await scenario.marketplace.post(`/v1/cards/${payout.cardId}/freeze`);
    const declined = await scenario.charge(payout);
    // Stripe still held it for active: the answer was ours.
    // By us, or by Stripe where the card is inactive already.
    expect(declined.approved).toBe(false);
    expect(['webhook_declined', 'card_inactive']).toContain(lastReason(declined));

    await scenario.stripe.control('DELETE', `/faults/${fault.id}`);
    await scenario.marketplace.post(`/v1/cards/${payout.cardId}/unfreeze`);
    await waitFor('both changes to be done at Stripe', async () => {
      const calls = await test.database.query<{ status: string }>(
        `select status from stripe_calls where reference = $1 and kind = 'card.update'`,
        [payout.cardId],
      );
      return calls.length === 2 && calls.every(({ status }) => status === 'done');
    });
    await scenario.purchase(payout);
  });

  it('declines while its seller is stopped, and no payout is taken until the seller is let go', async () => {
    const payout = await scenario.readyPayout(seller, 60_00);

    await scenario.marketplace.post(`/v1/connected-accounts/${seller.id}/suspend`);
    const declined = await scenario.charge(payout, 60_00);
    const refused: unknown = await scenario.requestPayout(seller, 70_00).catch((error: unknown) => error);
    await scenario.marketplace.post(`/v1/connected-accounts/${seller.id}/resume`);

    // By us, or by Stripe where the card is inactive already.
    expect(declined.approved).toBe(false);
    expect(['webhook_declined', 'card_inactive']).toContain(lastReason(declined));
    expect(refused).toMatchObject({ status: 409, answer: { code: 'connected_account_not_payable' } });
    await waitFor('the card to be active at Stripe again', async () => (await scenario.charge(payout, 60_00)).approved);
  });

  it('waits for an account that Stripe restricts, and comes when Stripe lets it', async () => {
    const require = (requirements: string[]) =>
      scenario.stripe.control('POST', `/accounts/${seller.stripeAccount}/requirements`, {
        capability: 'card_issuing',
        requirements,
      });
    const statusOfSeller = async () =>
      (await scenario.marketplace.get(`/v1/connected-accounts/${seller.id}`)).status as string;
    await require(['company.tax_id']);
    await waitFor('the restriction', async () => (await statusOfSeller()) === 'restricted');

    const waiting = await scenario.requestPayout(seller, 70_00);
    await waitFor('the payout to say what it waits for', async () => {
      const { status, waiting_on: waitingOn } = await scenario.payout(waiting.id);
      return status === 'pending' && waitingOn === 'account_capability';
    });
    await require([]);

    await scenario.ready(seller, waiting.id, 70_00);
    expect(await statusOfSeller()).toBe('active');
  });

  it('waits for a cardholder that owes Stripe something, and comes when it is given', async () => {
    const holder = await scenario.marketplace.post('/v1/cardholders', {
      connected_account: seller.id,
      name: 'Sam Doe',
      billing_address: {
        line1: '1 Lombard St',
        city: 'San Francisco',
        state: 'CA',
        postal_code: '94133',
        country: 'US',
      },
    });
    const waiting = await scenario.requestPayout(seller, 80_00, { cardholder: holder.id });
    await waitFor('the payout to say what it waits for', async () => {
      const { status, waiting_on: waitingOn } = await scenario.payout(waiting.id);
      return status === 'pending' && waitingOn === 'cardholder_requirement';
    });
    expect(await cardsOf(waiting.id)).toEqual([]);

    const patched = await fetch(`${test.url}/v1/cardholders/${holder.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${test.keys.marketplace}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_terms_acceptance: { ip: '203.0.113.7', date: '2026-01-02T09:30:00Z' } }),
    });

    expect(patched.status).toBe(200);
    const ready = await scenario.ready(seller, waiting.id, 80_00);
    await scenario.purchase(ready, 80_00);
  });
});
