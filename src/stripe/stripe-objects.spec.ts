import fc from 'fast-check';
import type Stripe from 'stripe';
import { toStripeAuthorization } from './stripe-objects';

type Entry = Readonly<{ amount: number; approved: boolean; created: number }>;

function heardFrom(history: readonly Entry[]): (Entry | undefined)[] {
  const authorization = {
    id: 'iauth_1',
    card: { id: 'ic_1' },
    cardholder: null,
    amount: 0,
    merchant_amount: 0,
    merchant_data: {},
    balance_transactions: [],
    transactions: [],
    request_history: history.map((entry) => ({ ...entry, merchant_amount: entry.amount, requested_at: null })),
  };
  return toStripeAuthorization(authorization as unknown as Stripe.Issuing.Authorization).requestHistory.map(
    ({ amountMinor, approved, createdAt }) => ({
      amount: Number(amountMinor),
      approved,
      created: createdAt.getTime() / 1_000,
    }),
  );
}

describe('an authorization as Stripe shows it', () => {
  it('tells its questions in the order of asking, whichever way Stripe lists them', () => {
    const increment = fc.record({ approved: fc.boolean(), afterSeconds: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(increment, { maxLength: 5 }), fc.boolean(), (increments, isNewestFirst) => {
        const asked: Entry[] = [{ amount: 0, approved: true, created: 1_000 }];
        for (const { approved, afterSeconds } of increments)
          asked.push({ amount: asked.length, approved, created: asked.at(-1)!.created + afterSeconds });
        // All within one second and approved at both ends: nothing tells, and the newest is taken to stand first.
        const last = asked.at(-1)!;
        fc.pre(isNewestFirst || last.created > 1_000 || !last.approved || asked.length === 1);

        expect(heardFrom(isNewestFirst ? asked.toReversed() : asked)).toEqual(asked);
      }),
    );
  });

  it('takes a refusal in the second of the purchase for the increment’s, not for the purchase’s', () => {
    const purchase = { amount: 200, approved: true, created: 1_000 };
    const increment = { amount: 200, approved: false, created: 1_000 };

    expect(heardFrom([increment, purchase])).toEqual([purchase, increment]);
    expect(heardFrom([purchase, increment])).toEqual([purchase, increment]);
  });

  it('has no questions before the first answer, and one after it', () => {
    expect(heardFrom([])).toEqual([]);
    expect(heardFrom([{ amount: 5, approved: false, created: 1_000 }])).toHaveLength(1);
  });
});
