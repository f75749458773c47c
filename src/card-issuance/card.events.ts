/** The card exists at Stripe and can be used. */
export class CardIssued {
  constructor(
    readonly payoutId: string,
    readonly cardId: string,
  ) {}
}

/** Stripe refused to make the card; `code` and `detail` are Stripe's. Nothing exists at Stripe. */
export class CardIssuanceFailed {
  constructor(
    readonly payoutId: string,
    readonly cardId: string,
    readonly code: string,
    readonly detail: string,
  ) {}
}

/**
 * The card is dead for good, whoever did it: we, Stripe after its one use, or someone in Stripe's dashboard. Also
 * announced when a cancel was asked for and Stripe then refused to make the card at all.
 */
export class CardCanceled {
  constructor(
    readonly payoutId: string,
    readonly cardId: string,
    /** We asked for it. False: Stripe or someone there did, for instance because the card has had its one use. */
    readonly wasRequested: boolean,
  ) {}
}

/** A new card is wanted in place of this one, which is dead already. (A live one is canceled first: CardCanceled tells.) */
export class CardReplacementRequested {
  constructor(
    readonly payoutId: string,
    readonly cardId: string,
  ) {}
}
