import fc from 'fast-check';
import { WebhookInboxService } from '../../src/webhook-inbox/webhook-inbox.service';
import { CardWorld, dollars, ReadyPayout } from '../authorizations/world';
import { waitFor } from '../support/wait-for';

const amount = dollars(100);

describe('asking for more on an open authorization', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  afterEach(async () => {
    await world.control('DELETE', '/faults');
    await world.control('PATCH', '/settings', {
      authorization_default: 'decline',
      authorization_timeout_ms: 2000,
      increment_after_lifecycle_cancel: 'allow',
    });
  });

  const increment = (id: string, more = amount) =>
    world.merchant.authorizations.increment(id, { increment_amount: more }, world.onSeller);

  it('keeps the hold when we decline the increment, and captures it', async () => {
    const payout = await world.readyPayout(amount);
    const { id } = await world.charge(payout, amount);

    const { amount: held } = await increment(id);

    expect(held).toBe(amount);
    const receipt = await world.authorization(
      id,
      ({ requests }) => (requests as { network_outcome: string | null }[])[1]?.network_outcome === 'declined',
    );
    expect(receipt).toMatchObject({
      approved: true,
      status: 'pending',
      reason: 'approved',
      network_outcome: 'approved',
      held_amount: amount,
      requests: [
        { sequence: 0, approved: true, network_outcome: 'approved', difference: null },
        { sequence: 1, approved: false, network_outcome: 'declined', difference: null },
      ],
    });
    expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: amount, owed: 0 });
    await world.merchant.authorizations.capture(id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', paid: amount, held: 0, overspent: 0 });
    expect(await world.cardTransactions(payout.id)).toMatchObject([{ kind: 'capture' }]);
    await world.expectBooksToMatch();
  });

  it('keeps the hold when Stripe declines the increment without asking', async () => {
    await world.control('PATCH', '/settings', { increment_after_lifecycle_cancel: 'decline' });
    const payout = await world.readyPayout(amount);
    const { id } = await world.charge(payout, dollars(60));

    await increment(id, dollars(10));

    const receipt = await world.authorization(id, ({ requests }) => (requests as object[]).length === 2);
    expect(receipt).toMatchObject({
      approved: true,
      status: 'pending',
      held_amount: dollars(60),
      requests: [
        { sequence: 0, approved: true, network_outcome: 'approved' },
        { sequence: 1, approved: false, network_reason: 'card_canceled', difference: null },
      ],
    });
    expect(await world.payout(payout.id)).toMatchObject({ status: 'authorized', held: dollars(60), owed: dollars(40) });
    await world.merchant.authorizations.reverse(id, {}, world.onSeller);
    await world.waitUntilReady(payout.id, payout.cardId);
    await world.expectBooksToMatch();
  });

  it('books the capture of a part of a hold larger than the promise', async () => {
    const payout = await world.readyPayout(amount);
    const { id } = await world.charge(payout, dollars(60));
    // Only the network lets a hold grow past the promise: at the pump, where nobody is asked again.
    await world.merchant.authorizations.finalizeAmount(id, { final_amount: dollars(160) }, world.onSeller);

    await world.merchant.authorizations.capture(
      id,
      { capture_amount: dollars(100), close_authorization: false },
      world.onSeller,
    );

    await world.waitForCardTransactions(payout.id, 1);
    expect(await world.authorization(id)).toMatchObject({ status: 'pending', held_amount: dollars(60) });
    await world.expectBooksToMatch();
    await world.merchant.authorizations.reverse(id, {}, world.onSeller);
    await world.waitForPayout(payout.id, { status: 'closed', paid: amount, held: 0, overspent: 0 });
    await world.expectBooksToMatch();
  });

  /** `share`: percent of the payout. `fate`: what becomes of the question on its way. */
  const share = fc.constantFrom(10, 10, 20, 60, 100);
  const fate = fc.constantFrom('answered', 'answered', 'absent', 'slow', 'stand_in', 'decline');
  const news = fc.constantFrom('told', 'told', 'drop', 'duplicate', 'reorder', 'delay');
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('increment' as const), share, fate }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('capture' as const), share }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reverse' as const), share }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('news' as const), news }) },
  );
  const story = fc.record({ share, fate, steps: fc.array(step, { minLength: 1, maxLength: 6 }) });
  type Story = typeof story extends fc.Arbitrary<infer Value> ? Value : never;

  it('leaves our holds what the network’s are, whatever becomes of each question and its news', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(story, { minLength: 6, maxLength: 6 }),
        fc.constantFrom('approve', 'decline'),
        async (stories, unanswered) => {
          await world.control('PATCH', '/settings', {
            authorization_default: unanswered,
            authorization_timeout_ms: 500,
          });
          const payouts = await Promise.all(stories.map(() => world.readyPayout(amount)));
          const told = payouts.map(() => [] as string[]);
          for (const [at, payout] of payouts.entries()) told[at]!.push(...(await tell(payout, stories[at]!)));
          await world.control('DELETE', '/faults');
          await world.app.app.get(WebhookInboxService).sweep(world.stripeAccount);
          try {
            for (const payout of payouts) await expectHoldsOfTheNetwork(payout);
            await world.expectBooksToMatch();
          } catch (error) {
            throw new Error(`${(error as Error).message}\n${JSON.stringify(told, null, 1)}`, { cause: error });
          }
        },
      ),
      { numRuns: Number(process.env['TEST_INCREMENT_RUNS'] ?? 3), endOnFailure: true, seed },
    );
  }, 600_000);

  // Other stories: TEST_INCREMENT_SEED, and more of them: TEST_INCREMENT_RUNS.
  const seed = Number(process.env['TEST_INCREMENT_SEED'] ?? 20_261_121);

  /** Tells one purchase's story at Stripe; answers what came of each step. */
  async function tell(payout: ReadyPayout, { share: first, fate: firstFate, steps }: Story): Promise<string[]> {
    const account = world.stripeAccount;
    const order = async (action: string) => {
      if (action !== 'answered')
        await world.control('POST', '/faults', { on: 'authorization', action, account, times: 1 });
    };
    const part = (percent: number) => (amount * percent) / 100;
    const { authorizations } = world.merchant;
    await order(firstFate);
    const { id, approved } = await world.charge(payout, part(first));
    const said = [`${payout.id} charge ${first} ${firstFate}: ${approved}`];
    if (!approved) return said;
    for (const each of steps) {
      const take = async (): Promise<string> => {
        switch (each.do) {
          case 'increment': {
            await order(each.fate);
            const { request_history: history } = await increment(id, part(each.share));
            return history.map((entry) => `${entry.approved} ${entry.reason} ${entry.amount}`).join(', ');
          }
          case 'capture':
            return (
              await authorizations.capture(
                id,
                { capture_amount: part(each.share), close_authorization: false },
                world.onSeller,
              )
            ).status;
          case 'reverse':
            return (await authorizations.reverse(id, { reverse_amount: part(each.share) }, world.onSeller)).status;
          case 'news': {
            if (each.news === 'told') await world.control('GET', '/deliveries?wait_seconds=2');
            else
              await world.control('POST', '/faults', {
                on: 'webhook',
                action: each.news,
                account,
                type: 'issuing_authorization.*',
                times: 2,
                ...(each.news === 'delay' ? { delay_ms: 700 } : {}),
              });
            return 'set';
          }
        }
      };
      const answer = await take().catch((error: Error) => `refused: ${error.message}`);
      said.push(`${JSON.stringify(each)}: ${answer}`);
    }
    return said;
  }

  /** What we hold for each of the payout's authorizations is what Stripe does, and nobody wonders about any of it. */
  async function expectHoldsOfTheNetwork({ id, stripeCardId }: ReadyPayout): Promise<void> {
    await waitFor(`the holds of ${id}`, async () => {
      const { data } = await world.app.stripe.issuing.authorizations.list(
        { card: stripeCardId, limit: 100 },
        world.onSeller,
      );
      for (const theirs of data) {
        const net = theirs.balance_transactions.reduce((sum, line) => sum - line.amount, 0);
        const ours = await world.authorization(theirs.id);
        const verdicts = theirs.request_history
          .toReversed()
          .map(({ approved }) => (approved ? 'approved' : 'declined'));
        const heard = (ours['requests'] as { network_outcome: string | null }[]).map((each) => each.network_outcome);
        if (ours['approved'] !== theirs.approved || ours['held_amount'] !== net || ours['status'] !== theirs.status)
          throw new Error(`${theirs.id}: ${JSON.stringify([theirs.approved, net, theirs.status, ours])}`);
        if (verdicts.join() !== heard.join()) throw new Error(`${theirs.id}: ${verdicts.join()}; ${heard.join()}`);
      }
      return true;
    });
    expect(await world.statement(id)).toMatchObject({ proof: { balanced: true } });
  }
});
