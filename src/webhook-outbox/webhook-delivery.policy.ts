const firstDelayMs = 5_000;
const growth = 3;
const delayMsMax = 8 * 60 * 60_000;
const jitterShare = 0.2;
/** How long an event is tried before its endpoint is disabled. */
export const triedForMs = 3 * 24 * 60 * 60_000;

export interface FailedDelivery {
  /** Attempts made in this round, the failed one included. */
  readonly attempts: number;
  readonly firstAttemptAt: Date;
}

/**
 * When to try again: 5 s, 15 s, 45 s … up to every 8 h, each a fifth earlier or later so that endpoints that failed together do not
 * come back together. Undefined once three days have passed since the first attempt.
 * @param random from 0 to 1
 */
export function nextAttemptAt(delivery: FailedDelivery, now: Date, random: number): Date | undefined {
  const delayMs = Math.min(firstDelayMs * growth ** (delivery.attempts - 1), delayMsMax);
  const jitteredMs = Math.round(delayMs * (1 + jitterShare * (2 * random - 1)));
  const next = new Date(now.getTime() + jitteredMs);
  return next.getTime() - delivery.firstAttemptAt.getTime() > triedForMs ? undefined : next;
}
