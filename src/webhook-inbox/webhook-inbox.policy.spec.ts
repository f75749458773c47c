import {
  accountsPerSweep,
  chainByObject,
  dispatchAttemptsMax,
  dispatchDelayMs,
  priorityOf,
  sweepFrom,
} from './webhook-inbox.policy';

const now = new Date('2026-11-21T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(now.getTime() - minutes * 60_000);

describe('sweeping events', () => {
  it('begins a little before where the last whole sweep ended', () => {
    expect(sweepFrom({ sweptTo: minutesAgo(10), createdAt: minutesAgo(600) }, now)).toEqual(minutesAgo(15));
  });

  it('reaches back an hour before the account was known', () => {
    expect(sweepFrom({ sweptTo: null, createdAt: minutesAgo(30) }, now)).toEqual(minutesAgo(90));
  });

  it('never asks for what Stripe has forgotten', () => {
    const days = 24 * 60;
    expect(sweepFrom({ sweptTo: minutesAgo(90 * days), createdAt: minutesAgo(100 * days) }, now)).toEqual(
      minutesAgo(30 * days),
    );
  });

  it('leaves nine tenths of Stripe’s rate to payouts', () => {
    expect(accountsPerSweep(25, 30_000)).toBe(75);
    expect(accountsPerSweep(1, 30_000)).toBe(3);
    expect(accountsPerSweep(10_000, 30_000)).toBe(200);
  });
});

it('lets no event die before a quarter of an hour, and tries for about half an hour', () => {
  const minutes = (random: number) =>
    Array.from({ length: dispatchAttemptsMax - 1 }, (_, at) => dispatchDelayMs(at + 1, random)).reduce(
      (a, b) => a + b,
    ) / 60_000;

  // A capture may wait ten minutes for the release of its hold, which is no reason to give it up.
  expect(minutes(0)).toBeGreaterThan(15);
  expect(minutes(0.5)).toBeGreaterThan(25);
});

it('waits longer after each failure of a handler, up to five minutes', () => {
  expect([1, 2, 3].map((attempts) => dispatchDelayMs(attempts, 1))).toEqual([1_000, 2_000, 4_000]);
  expect(dispatchDelayMs(50, 1)).toBe(300_000);
});

describe('taking turns', () => {
  const event = (id: string, objectId: string | null, second: number, stripeAccountId: string | null = 'acct_1') => ({
    id,
    objectId,
    stripeAccountId,
    occurredAt: new Date(second * 1_000),
  });

  it('puts the events of one object behind each other in the order of Stripe, a tie in the order of receipt', () => {
    const chains = chainByObject([
      event('inbox_3', 'ic_1', 20),
      event('inbox_1', 'ic_2', 30),
      event('inbox_4', 'ic_1', 10),
      event('inbox_2', 'ic_1', 20),
    ]);

    expect(chains.map((chain) => chain.map(({ id }) => id))).toEqual([['inbox_4', 'inbox_2', 'inbox_3'], ['inbox_1']]);
  });

  it('knows objects of the same name on two accounts apart, and events about nothing from each other', () => {
    const chains = chainByObject([
      event('inbox_1', 'transfers', 1, 'acct_1'),
      event('inbox_2', 'transfers', 1, 'acct_2'),
      event('inbox_3', null, 1),
      event('inbox_4', null, 1),
    ]);

    expect(chains).toHaveLength(4);
  });

  it('lets what the card network did go first', () => {
    expect(
      ['issuing_authorization.created', 'issuing_transaction.updated', 'issuing_dispute.closed'].map(priorityOf),
    ).toEqual([0, 0, 0]);
    expect(['issuing_card.updated', 'account.updated', 'balance.available', 'topup.succeeded'].map(priorityOf)).toEqual(
      [1, 1, 1, 1],
    );
  });
});
