import { dayOf } from './payout-limit.policy';

describe('the day a limit counts in', () => {
  it.each([
    ['2026-11-21T00:00:00.000Z', '2026-11-21', '2026-11-22T00:00:00.000Z'],
    ['2026-11-21T23:59:59.999Z', '2026-11-21', '2026-11-22T00:00:00.000Z'],
    ['2026-12-31T12:00:00.000Z', '2026-12-31', '2027-01-01T00:00:00.000Z'],
  ])('%s is %s until %s', (now, day, renewsAt) => {
    expect(dayOf(new Date(now))).toEqual({ day, renewsAt: new Date(renewsAt) });
  });
});
