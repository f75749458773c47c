/** Attempts before an event is dead: about half an hour, so that a deployment or a short outage kills none. */
export const dispatchAttemptsMax = 12;

/** Exponential from one second to five minutes, with jitter over the upper half. */
export function dispatchDelayMs(attempts: number, random: number): number {
  const delayMs = Math.min(300_000, 1_000 * 2 ** Math.min(Math.max(attempts - 1, 0), 20));
  return Math.round(delayMs * (0.5 + random / 2));
}

// Events may show up in Stripe's list a little after newer ones.
const sweepOverlapMs = 5 * 60_000;

/** Stripe keeps events for 30 days. https://docs.stripe.com/api/events/list */
const eventLifeMs = 30 * 24 * 3_600_000;

/** From when on events are listed. The first sweep of an account reaches back an hour before we knew it. */
export function sweepFrom(cursor: Readonly<{ sweptTo: Date | null; createdAt: Date }>, now: Date): Date {
  const from = cursor.sweptTo
    ? cursor.sweptTo.getTime() - sweepOverlapMs
    : Math.min(cursor.createdAt.getTime(), now.getTime()) - 3_600_000;
  return new Date(Math.max(from, now.getTime() - eventLifeMs));
}

/** Sweeping may use a tenth of the rate Stripe allows; the rest belongs to payouts. */
export function accountsPerSweep(requestsPerSecond: number, intervalMs: number): number {
  return Math.min(200, Math.max(1, Math.floor((requestsPerSecond / 10) * (intervalMs / 1_000))));
}
