import { accountsPerSweep, dispatchDelayMs, sweepFrom } from './webhook-inbox.policy';

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

it('waits longer after each failure of a handler, up to five minutes', () => {
  expect([1, 2, 3].map((attempts) => dispatchDelayMs(attempts, 1))).toEqual([1_000, 2_000, 4_000]);
  expect(dispatchDelayMs(50, 1)).toBe(300_000);
});
