import { FinanceStory, StoryPayout, StorySeller } from './finance-story';

/** Whatever merchants, banks and time do to a payout, Stripe's lines and our entries stay the same lines. */
describe('reconciliation of every shape', () => {
  let story: FinanceStory;
  let us: StorySeller;

  beforeAll(async () => {
    story = await FinanceStory.begin();
    us = await story.seller();
  });
  afterAll(async () => {
    await story.end();
  });

  async function expectNoDifference(): Promise<void> {
    await story.untilQuiet();
    const run = await story.reconcile();
    expect(await story.openBreaks()).toEqual([]);
    expect(run).toMatchObject({ status: 'completed', breaks_open: 0 });
  }
  const issuing = () => story.app.stripe.testHelpers.issuing;
  const at = (payout: StoryPayout) => ({ stripeAccount: payout.seller.stripeAccountId });

  it('a voided purchase and the new card', async () => {
    const payout = await story.readyPayout(us, 80_00);
    const authorization = await story.purchase(payout, 80_00);
    await story.untilPayout(payout.id, ['authorized']);
    await issuing().authorizations.reverse(authorization, {}, at(payout));
    await story.untilPayout(payout.id, ['ready']);
    await expectNoDifference();

    const cards = await story.call<{ data: { stripe_card_id: string; status: string }[] }>(
      'marketplace',
      'GET',
      `/v1/cards?payout=${payout.id}`,
    );
    const card = cards.body.data.find((one) => one.status === 'active')!;
    await story.capture(payout, await story.purchase({ ...payout, stripeCardId: card.stripe_card_id }, 80_00));
    await story.untilPayout(payout.id, ['closed']);
    await expectNoDifference();
  });

  it('a partial capture, a partial refund and a refund after close', async () => {
    const payout = await story.readyPayout(us, 100_00);
    const authorization = await story.purchase(payout, 90_00);
    await story.capture(payout, authorization, 40_00);
    await story.untilPayout(payout.id, ['closed']);
    const [transaction] = (await story.app.stripe.issuing.transactions.list({ card: payout.stripeCardId }, at(payout)))
      .data;
    await issuing().transactions.refund(transaction!.id, { refund_amount: 15_00 }, at(payout));
    await expectNoDifference();
  });

  it('an over-capture and a force capture', async () => {
    const over = await story.readyPayout(us, 50_00);
    await story.capture(over, await story.purchase(over, 50_00), 56_00);
    await story.untilPayout(over.id, ['settled', 'closed']);
    const forced = await story.readyPayout(us, 40_00);
    await issuing().transactions.createForceCapture({ card: forced.stripeCardId, amount: 25_00 }, at(forced));
    await story.untilPayout(forced.id, ['settled', 'closed']);
    await expectNoDifference();
  });

  it('a card check and the purchase after it', async () => {
    const payout = await story.readyPayout(us, 70_00);
    const check = await story.purchase(payout, 1_00);
    await story.capture(payout, await story.purchase(payout, 70_00));
    await expectNoDifference();

    await issuing().authorizations.reverse(check, {}, at(payout));
    await story.untilPayout(payout.id, ['closed']);
    await expectNoDifference();
  });

  it('an authorization that runs out', async () => {
    const payout = await story.readyPayout(us, 60_00);
    const authorization = await story.purchase(payout, 60_00);
    await story.untilPayout(payout.id, ['authorized']);
    await issuing().authorizations.expire(authorization, {}, at(payout));
    await expectNoDifference();
  });

  it('cancel before use, and a payout never funded', async () => {
    const canceled = await story.readyPayout(us, 30_00);
    await story.call('marketplace', 'POST', `/v1/payouts/${canceled.id}/cancel`);
    await story.untilPayout(canceled.id, ['closed']);
    const never = await story.requestPayout(us, 9_000_00);
    await story.untilPayout(never, ['pending', 'funding', 'ready']);
    await expectNoDifference();
  });

  it('euros that take a business day, there and back', async () => {
    const de = await story.seller('DE');
    const id = await story.requestPayout(de, 120_00);
    await story.untilPayout(id, ['funding']);
    await expectNoDifference();

    await story.platform.advance(4 * 86_400);
    await story.untilPayout(id, ['ready']);
    await expectNoDifference();

    await story.call('marketplace', 'POST', `/v1/payouts/${id}/cancel`);
    await story.untilPayout(id, ['canceled']);
    await expectNoDifference();
    await story.platform.advance(4 * 86_400);
    await story.untilPayout(id, ['closed']);
    await expectNoDifference();
  });

  it('a top-up from the seller’s bank, and back to it', async () => {
    const seller = await story.seller('US', 'topup');
    const id = await story.requestPayout(seller, 45_00);
    await story.untilPayout(id, ['funding']);
    await expectNoDifference();
    await story.platform.advance(7 * 86_400);
    await story.untilPayout(id, ['ready']);
    await expectNoDifference();

    await story.call('marketplace', 'POST', `/v1/payouts/${id}/cancel`);
    await story.untilPayout(id, ['canceled']);
    await expectNoDifference();
    await story.platform.advance(7 * 86_400);
    await story.untilPayout(id, ['closed']);
    await expectNoDifference();
  });

  it.each(['settlement', 'unspent', 'reclaims', 'authorizations', 'ledger', 'funding'])(
    '%s still ties',
    async (name) => {
      const { body } = await story.call<{ summary: { ties: boolean } }>('finance', 'GET', `/v1/reports/${name}`);

      expect(body.summary).toMatchObject({ ties: true });
    },
  );
});
