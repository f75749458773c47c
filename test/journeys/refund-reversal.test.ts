import { CardTransactionsService } from '../../src/card-transactions/card-transactions.service';
import { PayoutsService } from '../../src/payouts/payouts.service';
import { startTestApp, TestApp } from '../support/app';
import { expectLedgerToBalance } from '../support/ledger';
import { Scenario } from '../support/scenario';
import { waitFor } from '../support/wait-for';

jest.setTimeout(60_000);

describe('a merchant who takes a refund back', () => {
  let app: TestApp;
  let scenario: Scenario;

  beforeAll(async () => {
    app = await startTestApp();
    scenario = new Scenario(app);
    await scenario.fundPlatform(1_000_00);
  });

  afterAll(() => app?.stop());

  it('does not get money a second time that is on its way back already', async () => {
    const seller = await scenario.onboardedSeller();
    const payout = await scenario.readyPayout(seller, 100_00);
    await scenario.marketplace.post(`/v1/payouts/${payout.id}/cancel`);
    await scenario.untilStatus(payout, 'closed');
    const refund = await scenario.stripe.post(
      '/v1/test_helpers/issuing/transactions/create_unlinked_refund',
      { card: payout.stripeCardId, amount: 80_00, currency: 'usd' },
      seller.stripeAccount,
    );
    // No transfer of the payout is left that could be reversed, so the reclaim is held up half-way.
    await waitFor('the reclaim to be on its way', async () => {
      const { data } = await scenario.marketplace.get(`/v1/payouts/${payout.id}/timeline`);
      return data.some((entry: { kind: string }) => entry.kind === 'reclaim.delayed');
    });

    // Nor does a lost dispute that had been won, which is shared out alike.
    const again = await app.database.transaction(async (tx) =>
      app.app
        .get(CardTransactionsService)
        .shareReturn(tx, await app.app.get(PayoutsService).lock(tx, payout.id), -80_00n),
    );
    expect(again.share).toEqual({ paidMinor: 0n, overspentMinor: 80_00n, aftercareMinor: 0n });

    const path = `/transactions/${refund.id}/reverse_refund`;
    await scenario.stripe.control('POST', path, {}, seller.stripeAccount);

    const reversal = await waitFor('the reversal to be booked', async () => {
      const { data } = await scenario.finance.get(`/v1/card-transactions?payout=${payout.id}`);
      return data.find((each: { kind: string }) => each.kind === 'refund_reversal');
    });
    expect(reversal).toMatchObject({ amount: -80_00, overspent: 80_00 });
    // Covered, as any overspend is, while the reclaim keeps what it will bring.
    await waitFor('the Issuing balance to be made good', async () => {
      const { stripe } = await scenario.finance.get(`/v1/connected-accounts/${seller.id}/balance`);
      return stripe.issuing_available === 0;
    });
    const statement = await scenario.finance.get(`/v1/payouts/${payout.id}/statement`);
    expect(statement).toMatchObject({ proof: { balanced: true }, chain: { whole: true } });
    await expectLedgerToBalance(app);
  });
});
