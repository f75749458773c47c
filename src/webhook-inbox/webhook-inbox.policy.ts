/** Attempts before an event is dead: about half an hour, so that a deployment or a short outage kills none. */
export const dispatchAttemptsMax = 16;

/** Exponential from one second to five minutes, with jitter over the upper half. */
export function dispatchDelayMs(attempts: number, random: number): number {
  const delayMs = Math.min(300_000, 1_000 * 2 ** Math.min(Math.max(attempts - 1, 0), 20));
  return Math.round(delayMs * (0.5 + random / 2));
}

/** What an event is about, as far as taking turns goes. With the account: a capability is called the same on every one. */
export function objectOf(
  event: Readonly<{ id: string; stripeAccountId: string | null; objectId: string | null }>,
): string {
  return event.objectId === null ? event.id : `${event.stripeAccountId ?? ''}:${event.objectId}`;
}

/** Events by object, the objects in the order they come up, the events of each in the order Stripe made them. */
export function chainByObject<Event extends Parameters<typeof objectOf>[0] & Readonly<{ occurredAt: Date }>>(
  events: readonly Event[],
): Event[][] {
  const chains = new Map<string, Event[]>();
  for (const event of events) {
    const object = objectOf(event);
    chains.set(object, [...(chains.get(object) ?? []), event]);
  }
  return [...chains.values()].map((chain) =>
    chain.sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime() || (a.id < b.id ? -1 : 1)),
  );
}

/**
 * What the card network did with a hold or with money (0) goes before everything else (1): however much is waiting, a purchase is
 * booked as soon as a slot is free. Account and card updates only lead to a look at Stripe, which is as good later.
 */
export function priorityOf(type: string): 0 | 1 {
  return /^issuing_(authorization|transaction|dispute)\./.test(type) ? 0 : 1;
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
