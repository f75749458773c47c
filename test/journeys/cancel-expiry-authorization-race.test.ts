import { PayoutProgressService } from '../../src/payouts/payout-progress.service';
import { CardWorld, dollars, ReadyPayout } from '../authorizations/world';

/** Each payout is fought over by three at once; all of a round fight at the same time. */
const rounds = 2;

/**
 * How long each waits before it begins. An expiry is one transaction, a cancel a request, an authorization goes through the network and
 * back: so the expiry mostly begins later, else it would win each time. The last two make sure that the others win once.
 */
const headStartsMs: readonly (readonly [cancel: number, expiry: number, authorization: number])[] = [
  [0, 0, 0],
  [0, 50, 0],
  [0, 100, 0],
  [0, 150, 0],
  [0, 200, 0],
  [0, 250, 0],
  [0, 300, 0],
  [0, 400, 0],
  [50, 200, 0],
  [100, 200, 0],
  [100, 300, 0],
  [150, 300, 0],
  [0, 200, 50],
  [0, 300, 100],
  [0, 1000, 1000],
  [1500, 1500, 0],
];

const after = async <Result>(ms: number, act: () => Promise<Result>): Promise<Result> => {
  await new Promise((done) => setTimeout(done, ms));
  return act();
};

describe('cancel, expiry and an authorization at once', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await CardWorld.start();
  });

  afterAll(async () => {
    await world?.stop();
  });

  it('have one winner each time, and clean books whoever wins', async () => {
    const wins = { canceled: 0, expired: 0, authorized: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const payouts = await Promise.all(headStartsMs.map(() => world.readyPayout(dollars(100))));
      for (const winner of await Promise.all(payouts.map((payout, index) => fight(payout, headStartsMs[index]!)))) {
        wins[winner] += 1;
      }
      await world.expectBooksToMatch();
    }

    expect(wins.canceled + wins.expired + wins.authorized).toBe(rounds * headStartsMs.length);
    for (const count of Object.values(wins)) expect(count).toBeGreaterThan(0);
  }, 90_000);

  /** All three at once; checks that exactly one had its way, that the money followed it, and answers which. */
  async function fight(
    payout: ReadyPayout,
    [cancelMs, expiryMs, authorizationMs]: readonly [number, number, number],
  ): Promise<'canceled' | 'expired' | 'authorized'> {
    const [canceled, , authorization] = await Promise.all([
      after(cancelMs, () => cancel(payout.id)),
      // The database decides when it has come, as for a payout that was promised until this moment.
      after(expiryMs, () => expireNow(payout.id)),
      after(authorizationMs, () => world.charge(payout, dollars(60))),
    ]);

    const moves = await world.app.database.query<{ to: string }>(
      `select detail->>'to' as to from payout_timeline
        where payout_id = $1 and kind = 'status.changed' and detail->>'from' = 'ready' order by id`,
      [payout.id],
    );
    expect(moves).toHaveLength(1);
    const winner = moves[0]!.to as 'canceled' | 'expired' | 'authorized';
    expect({ winner, canceled, approved: authorization.approved }).toEqual({
      winner,
      canceled: winner === 'canceled',
      approved: winner === 'authorized',
    });

    if (winner === 'authorized') {
      await world.merchant.authorizations.capture(authorization.id, {}, world.onSeller);
      await world.waitForPayout(payout.id, {
        status: 'closed',
        outcome: 'partially_spent',
        paid: dollars(60),
        reclaimed: dollars(40),
      });
    } else {
      const outcome = winner === 'canceled' ? 'canceled' : 'unspent';
      await world.waitForPayout(payout.id, { status: 'closed', outcome, paid: 0, reclaimed: dollars(100) });
    }
    expect(await world.statement(payout.id)).toMatchObject({ proof: { balanced: true }, chain: { whole: true } });
    expect((await world.app.stripe.issuing.cards.retrieve(payout.stripeCardId, {}, world.onSeller)).status).toBe(
      'canceled',
    );
    return winner;
  }

  /** Whether the cancel was taken; an authorized or expired payout refuses it. */
  async function cancel(id: string): Promise<boolean> {
    try {
      await world.post(`/v1/payouts/${id}/cancel`);
      return true;
    } catch {
      return false;
    }
  }

  async function expireNow(id: string): Promise<void> {
    await world.app.database.query('update payouts set expires_at = $2 where id = $1', [id, world.app.clock.now()]);
    await world.app.app.get(PayoutProgressService).expire(id);
  }
});
