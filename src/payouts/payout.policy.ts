import { CardStatus, liveCardStatuses } from '../card-issuance/card.types';
import { minMinor } from '../shared/money';
import { cancelableStatuses } from './payout.transitions';
import { HoldEnd, PayoutStatus, WaitingReason } from './payout.types';

/** Everything the next step of a payout depends on, as of one moment. Amounts in minor units. */
export interface PayoutFacts {
  readonly status: PayoutStatus;
  readonly waitingOn: WaitingReason | null;
  readonly retryAt: Date | null;
  readonly expiresAt: Date;
  readonly isAccountEligible: boolean;
  /** The kill switch: nothing is issued meanwhile. */
  readonly isAccountSuspended: boolean;
  readonly isCardholderEligible: boolean;
  /** An outward funding transfer is under way, or nobody knows yet what became of it. */
  readonly isFundingUnderWay: boolean;
  readonly isReclaimUnderWay: boolean;
  readonly isFunded: boolean;
  readonly owedMinor: bigint;
  readonly paidMinor: bigint;
  /** Captured beyond the payout: the seller owes it to us. */
  readonly overspentMinor: bigint;
  readonly heldMinor: bigint;
  readonly reclaimingMinor: bigint;
  readonly probeBufferMinor: bigint;
  readonly aftercareMinor: bigint;
  /** What the network holds, account checks included. */
  readonly networkHeldMinor: bigint;
  /** The newest card, if any was ever asked for, and when it last changed. */
  readonly card: Readonly<{ id: string; status: CardStatus; isCancelRequested: boolean; updatedAt: Date }> | null;
  /** The card that made the payout ready last. */
  readonly lastReadyCardId: string | null;
}

/** How long a card may be dead before it is taken for unused: Stripe's report of a use comes within seconds. */
export const cardDeathNewsMs = 10_000;

export type PayoutStep =
  | Readonly<{ do: 'nothing'; because: string }>
  | Readonly<{ do: 'wait_on'; reason: WaitingReason }>
  | Readonly<{ do: 'fund' }>
  | Readonly<{ do: 'issue_card' }>
  | Readonly<{ do: 'cancel_card'; cardId: string }>
  | Readonly<{ do: 'move'; to: PayoutStatus; cardId?: string }>
  /** Moves money beside the payout to where another payout's was spent. */
  | Readonly<{ do: 'cover'; amountMinor: bigint }>
  | Readonly<{ do: 'settle_overspend'; amountMinor: bigint }>
  | Readonly<{ do: 'release' }>
  | Readonly<{ do: 'reclaim'; amountMinor: bigint; bufferMinor: bigint; aftercareMinor: bigint }>;

const nothing = (because: string): PayoutStep => ({ do: 'nothing', because });

/** The one next step of a payout. Pure: asked again after every fact, it leads from acceptance to close. */
export function choosePayoutStep(facts: PayoutFacts, now: Date): PayoutStep {
  const isOver = now >= facts.expiresAt;
  if (isOver && cancelableStatuses.includes(facts.status)) return { do: 'move', to: 'expired' };
  // Owed again (a hold let go, a reclaim refused), it pays for what was spent already: brought back, it would be missed there.
  const payableMinor = minMinor(facts.owedMinor, facts.overspentMinor);
  if (payableMinor > 0n) return { do: 'settle_overspend', amountMinor: payableMinor };
  const uncoveredMinor = uncoveredOverspend(facts);
  const mayCover = facts.isFunded && !facts.isFundingUnderWay && (facts.retryAt === null || now >= facts.retryAt);
  if (uncoveredMinor > 0n && mayCover) return { do: 'cover', amountMinor: uncoveredMinor };

  switch (facts.status) {
    case 'pending':
      return chooseWhilePending(facts, now);
    case 'funding':
      if (facts.isFundingUnderWay) return nothing('the money is on its way');
      return facts.isFunded ? { do: 'move', to: 'issuing' } : nothing('the funding transfer will report');
    case 'issuing':
      return chooseWhileIssuing(facts);
    case 'ready':
      return chooseWhileReady(facts, now);
    case 'authorized':
      if (facts.networkHeldMinor > 0n) return nothing('waits for the merchant');
      if (facts.paidMinor > 0n) return { do: 'move', to: 'settled' };
      // The authorization expired and left nothing; only time could end the payout, and it has come.
      return isOver ? { do: 'move', to: 'expired' } : nothing('a late capture may still come');
    case 'settled':
    case 'expired':
    case 'canceled':
    case 'failed':
      return chooseWindDown(facts, now);
    case 'closed':
      return chooseAftercare(facts, now);
  }
}

function chooseWhilePending(facts: PayoutFacts, now: Date): PayoutStep {
  if (facts.waitingOn === 'approval') return nothing('waits for approval');
  if (!facts.isAccountEligible) return { do: 'wait_on', reason: 'account_capability' };
  if (!facts.isCardholderEligible) return { do: 'wait_on', reason: 'cardholder_requirement' };
  if (facts.isFundingUnderWay) return nothing('the earlier funding transfer is not proven ended');
  if (facts.waitingOn === 'platform_funds' && facts.retryAt !== null && now < facts.retryAt) {
    return nothing('waits for funds');
  }
  return { do: 'fund' };
}

/** A card that died without being used is replaced. */
function chooseWhileReady({ card }: PayoutFacts, now: Date): PayoutStep {
  if (card?.status !== 'canceled') return nothing('waits for the seller');
  // Not by us: perhaps the network approved its one use without asking, and that news is on its way.
  if (!card.isCancelRequested && now.getTime() < card.updatedAt.getTime() + cardDeathNewsMs) {
    return nothing('waits for what the network says of the dead card');
  }
  return { do: 'move', to: 'issuing' };
}

function chooseWhileIssuing({ card, lastReadyCardId, isAccountSuspended }: PayoutFacts): PayoutStep {
  if (card === null || !liveCardStatuses.includes(card.status)) {
    return isAccountSuspended ? nothing('the account is suspended') : { do: 'issue_card' };
  }
  if (card.status === 'requested') return nothing('the card is being made');
  if (card.id !== lastReadyCardId) return { do: 'move', to: 'ready', cardId: card.id };
  // The last card had its use (voided by the merchant): it goes before a new one comes.
  return card.isCancelRequested ? nothing('the used card is being canceled') : { do: 'cancel_card', cardId: card.id };
}

function chooseWindDown(facts: PayoutFacts, now: Date): PayoutStep {
  if (facts.isFundingUnderWay) return nothing('money on its way out is waited for');
  if (facts.card !== null && liveCardStatuses.includes(facts.card.status)) {
    return facts.card.isCancelRequested
      ? nothing('the card is being canceled')
      : { do: 'cancel_card', cardId: facts.card.id };
  }
  if (!facts.isFunded) return facts.owedMinor > 0n ? { do: 'release' } : { do: 'move', to: 'closed' };
  if (facts.isReclaimUnderWay) return nothing('a reclaim is under way');
  if (facts.retryAt !== null && now < facts.retryAt) return nothing('the reclaim was refused and is tried again later');
  if (facts.networkHeldMinor > 0n && now < facts.expiresAt) return nothing('an open hold is waited for');

  const reclaim = freeToReclaim(facts);
  if (reclaim !== null) return reclaim;
  // What covers an overspend stays: it stands in for money that was spent.
  const isEmpty =
    facts.owedMinor === 0n &&
    facts.heldMinor === 0n &&
    facts.reclaimingMinor === 0n &&
    facts.probeBufferMinor <= facts.overspentMinor;
  return isEmpty ? { do: 'move', to: 'closed' } : nothing('an open hold is waited for');
}

function chooseAftercare(facts: PayoutFacts, now: Date): PayoutStep {
  if (facts.isFundingUnderWay) return nothing('an overspend is being covered');
  if (facts.isReclaimUnderWay) return nothing('a reclaim is under way');
  if (facts.retryAt !== null && now < facts.retryAt) return nothing('the reclaim was refused and is tried again later');
  return freeToReclaim(facts) ?? nothing('closed');
}

/** The probe buffer, as far as no hold without a promise behind it needs it. */
function freeBuffer({ probeBufferMinor, networkHeldMinor, heldMinor }: PayoutFacts): bigint {
  return probeBufferMinor - minMinor(probeBufferMinor, networkHeldMinor - heldMinor);
}

/** An overspend ate money of other payouts on the account, unless money beside this payout stands in for it. */
function uncoveredOverspend(facts: PayoutFacts): bigint {
  const uncoveredMinor = facts.overspentMinor - freeBuffer(facts);
  return uncoveredMinor > 0n ? uncoveredMinor : 0n;
}

/** What may come back now: all that is owed, and of the buffer what neither a hold nor an overspend needs. */
function freeToReclaim(facts: PayoutFacts): PayoutStep | null {
  const bufferMinor = freeBuffer(facts) - minMinor(freeBuffer(facts), facts.overspentMinor);
  if (facts.owedMinor === 0n && bufferMinor === 0n && facts.aftercareMinor === 0n) return null;
  return { do: 'reclaim', amountMinor: facts.owedMinor, bufferMinor, aftercareMinor: facts.aftercareMinor };
}

/**
 * Where an authorized payout goes when a hold has ended and none is left; null: it stays.
 * An authorization that expired stays capturable at the network, so it never earns a new card; a reversed one does.
 */
export function statusAfterHold(
  how: HoldEnd,
  facts: { status: PayoutStatus; networkHeldMinor: bigint; paidMinor: bigint; expiresAt: Date },
  now: Date,
): PayoutStatus | null {
  if (facts.status !== 'authorized' || facts.networkHeldMinor > 0n) return null;
  // Part was captured before the rest was let go: the use has been had.
  if (facts.paidMinor > 0n) return 'settled';
  switch (how) {
    case 'captured':
      return 'settled';
    case 'voided':
      return now < facts.expiresAt ? 'issuing' : 'expired';
    case 'not_approved':
      return now < facts.expiresAt ? 'ready' : 'expired';
    case 'expired':
      return now < facts.expiresAt ? null : 'expired';
  }
}
