import fc from 'fast-check';
import { nextAttemptAt, triedForMs } from './webhook-delivery.policy';

const start = new Date('2026-11-21T12:00:00Z');

describe('retrying a webhook', () => {
  it('waits longer each time, up to eight hours', () => {
    const waits = [1, 2, 3, 9, 20].map(
      (attempts) => nextAttemptAt({ attempts, firstAttemptAt: start }, start, 0.5)!.getTime() - start.getTime(),
    );

    expect(waits).toEqual([5_000, 15_000, 45_000, 8 * 3_600_000, 8 * 3_600_000]);
  });

  it('gives up after three days, neither much earlier nor later', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (randoms) => {
        let now = start;
        let attempts = 1;
        for (const random of randoms) {
          const next = nextAttemptAt({ attempts, firstAttemptAt: start }, now, random);
          if (!next) break;
          expect(next.getTime()).toBeGreaterThan(now.getTime());
          now = next;
          attempts += 1;
        }

        const triedMs = now.getTime() - start.getTime();
        expect(triedMs).toBeLessThanOrEqual(triedForMs);
        expect(triedMs).toBeGreaterThan(triedForMs - 10 * 3_600_000);
        expect(attempts).toBeLessThan(30);
      }),
    );
  });
});
