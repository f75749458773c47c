/** The money is in the Issuing balance and can be spent. */
export class FundingTransferSettled {
  constructor(
    readonly reference: string,
    readonly fundingTransferId: string,
  ) {}
}

/** Too little money at the source: nothing moved. Asking again later is right. */
export class FundingTransferShort {
  constructor(
    readonly reference: string,
    readonly fundingTransferId: string,
  ) {}
}

/** It will not arrive, and nothing of it is left on the way: what had moved is back where it came from. */
export class FundingTransferFailed {
  constructor(
    readonly reference: string,
    readonly fundingTransferId: string,
    readonly code: string,
    readonly detail: string,
  ) {}
}

/** The reclaimed money is back at its source. `amountMinor` (as text) is the payout's own part, without the probe buffer. */
export class ReclaimSettled {
  constructor(
    readonly reference: string,
    readonly fundingTransferId: string,
    readonly amountMinor: string,
  ) {}
}

/** Proven not moved, or moved and back again: all of it is in the Issuing balance. Whoever intended the reclaim takes the intent back. */
export class ReclaimFailed {
  constructor(
    readonly reference: string,
    readonly fundingTransferId: string,
    readonly code: string,
    readonly detail: string,
  ) {}
}

/**
 * Half-way: the money left the Issuing balance and cannot go on for now (the seller's payments balance was drained, for one).
 * It is retried until it arrives; the reclaim stays intended. Announced once per reason, not per try.
 */
export class ReclaimDelayed {
  constructor(
    readonly reference: string,
    readonly fundingTransferId: string,
    readonly code: string,
    readonly detail: string,
  ) {}
}

/** A bank payout that was paid came back later: the reclaimed money is in the Issuing balance again, as aftercare of its reference. */
export class ReclaimReturned {
  constructor(
    readonly reference: string,
    readonly fundingTransferId: string,
    readonly amountMinor: string,
  ) {}
}

/** A prefunded account has more unpromised money, from its bank or from a reclaim: payouts waiting for it may try again. */
export class FloatObserved {
  constructor(readonly connectedAccountId: string) {}
}
