import { AuthorizationDifference, NetworkOutcome } from './authorization.types';

/** A question on an authorization as we have it. Amounts in minor units. */
export interface BookedRequest {
  readonly id: string;
  readonly sequence: number;
  readonly approved: boolean;
  /** `approved`, or why we said no; a decision that came too late to be sent is approved with another reason. */
  readonly reason: string;
  readonly heldMinor: bigint;
  /** The line of Stripe's ledger that is this hold; null until it is known. */
  readonly balanceTransactionId: string | null;
}

/** What the network recorded of it: one entry of `request_history`, and the holds no entry of ours explains yet. */
export interface NetworkRecord {
  readonly status: string;
  readonly history: readonly Readonly<{ approved: boolean; reason: string; amountMinor: bigint }>[];
  readonly unexplainedHolds: readonly Readonly<{ balanceTransactionId: string; amountMinor: bigint }>[];
}

export interface HoldPlan {
  /** What the network said to each question we have. */
  readonly outcomes: readonly Readonly<{
    requestId: string;
    outcome: NetworkOutcome;
    reason: string;
    difference: AuthorizationDifference | null;
  }>[];
  /** Questions we never saw, by their place in the history. */
  readonly unseen: readonly Readonly<{
    sequence: number;
    amountMinor: bigint;
    approved: boolean;
    reason: string;
    difference: AuthorizationDifference | null;
  }>[];
  /** Our hold is this line of Stripe's ledger. */
  readonly links: readonly Readonly<{ requestId: string; balanceTransactionId: string }>[];
  /** Holds of ours that Stripe never took. */
  readonly withdrawals: readonly string[];
  /** Holds of Stripe's that we never made. `sequence` is the question it belongs to, when that can be told. */
  readonly posts: readonly Readonly<{ balanceTransactionId: string; amountMinor: bigint; sequence: number | null }>[];
}

/** Stripe asked us, or tried to: in these the network's verdict is not Stripe's own. https://docs.stripe.com/api/issuing/authorizations/object */
const askedReasons = ['webhook_approved', 'webhook_declined', 'webhook_error', 'webhook_timeout'];

/**
 * Compares our holds with the network's record, which wins: same holds are linked (by amount, oldest first), missing ones posted,
 * ones that Stripe did not take withdrawn. Planning again after the plan was carried out plans nothing.
 */
export function planHolds(requests: readonly BookedRequest[], network: NetworkRecord): HoldPlan {
  const bySequence = new Map(requests.map((request) => [request.sequence, request]));
  const outcomes: HoldPlan['outcomes'][number][] = [];
  const unseen: HoldPlan['unseen'][number][] = [];
  const deniedIds = new Set<string>();

  network.history.forEach((entry, sequence) => {
    const request = bySequence.get(sequence);
    if (!request) {
      const isOurMiss = entry.approved || entry.reason === 'webhook_timeout' || entry.reason === 'webhook_error';
      unseen.push({
        sequence,
        amountMinor: entry.amountMinor,
        approved: entry.approved,
        reason: entry.approved ? 'approved' : entry.reason,
        difference: isOurMiss ? 'not_asked' : null,
      });
      return;
    }
    // A hold that Stripe showed was taken, whatever is said of the question: it ends by a release, or not at all.
    if (!entry.approved && request.balanceTransactionId === null) deniedIds.add(request.id);
    outcomes.push({
      requestId: request.id,
      outcome: entry.approved ? 'approved' : 'declined',
      reason: entry.reason,
      difference: differenceOf(request, entry),
    });
  });

  const links: HoldPlan['links'][number][] = [];
  const withdrawn = new Set<string>(deniedIds);
  const posts: HoldPlan['posts'][number][] = [];
  const unlinked = requests
    .filter((request) => request.heldMinor > 0n && request.balanceTransactionId === null && !deniedIds.has(request.id))
    .sort((a, b) => a.sequence - b.sequence);
  const unmatched = [...network.unexplainedHolds].filter((hold) => {
    const at = unlinked.findIndex((request) => request.heldMinor === hold.amountMinor);
    const [request] = at < 0 ? [] : unlinked.splice(at, 1);
    if (!request) return true;
    links.push({ requestId: request.id, balanceTransactionId: hold.balanceTransactionId });
    return false;
  });

  // What is left are holds that differ from ours, or that we never made: approved questions without a hold explain them, oldest first.
  const withoutHold = network.history
    .map((entry, sequence) => ({ entry, sequence, request: bySequence.get(sequence) }))
    .filter(
      ({ entry, request }) =>
        entry.approved && (!request || (request.heldMinor === 0n && request.balanceTransactionId === null)),
    );
  for (const hold of unmatched) {
    const exact = withoutHold.findIndex(({ entry }) => entry.amountMinor === hold.amountMinor);
    const [question] = withoutHold.splice(Math.max(exact, 0), 1);
    // Stripe holds another amount than it asked for (a fuel pump's 100.00 for a check of 1.00): its own replaces ours.
    const replaced = question ? undefined : unlinked.shift();
    if (replaced) withdrawn.add(replaced.id);
    posts.push({ ...hold, sequence: question?.sequence ?? replaced?.sequence ?? null });
  }

  // Once it has ended, a hold that Stripe never showed was never taken.
  if (network.status !== 'pending') unlinked.forEach((request) => withdrawn.add(request.id));

  const held = new Set(requests.filter((request) => request.heldMinor > 0n).map((request) => request.id));
  return { outcomes, unseen, links, posts, withdrawals: [...withdrawn].filter((id) => held.has(id)) };
}

function differenceOf(
  request: BookedRequest,
  entry: { approved: boolean; reason: string },
): AuthorizationDifference | null {
  const wasApproved = request.approved && request.reason === 'approved';
  if (wasApproved && !entry.approved) return 'declined_by_network';
  if (!wasApproved && entry.approved) return 'approved_by_network';
  return null;
}

/** Whether Stripe declined before it would have asked us (spending controls, an inactive card, a short balance …). */
export function isDeclinedByStripe(reason: string): boolean {
  return !askedReasons.includes(reason);
}

/**
 * What letting go of part of a hold frees of the payout's own money: the part without backing goes first, so that a hold larger
 * than the promise gives the promise back last. Minor units.
 */
export function freedOf(hold: { heldMinor: bigint; backedMinor: bigint }, amountMinor: bigint): bigint {
  const unbackedMinor = hold.heldMinor - hold.backedMinor;
  const freedMinor = amountMinor > unbackedMinor ? amountMinor - unbackedMinor : 0n;
  return freedMinor < hold.backedMinor ? freedMinor : hold.backedMinor;
}
