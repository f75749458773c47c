/**
 * Stripe shows card transactions on an authorization that we have not booked. Their own events may be late or lost, and the authorization
 * is booked together with them: its hold, let go of before, would look like money to be reclaimed.
 */
export class CardTransactionsSeen {
  constructor(
    readonly stripeAccount: string,
    readonly stripeTransactionIds: readonly string[],
  ) {}
}

/**
 * Stripe closed an authorization that has card transactions. They travel in events of their own, which may be late or lost:
 * whoever books them can make sure of them now.
 */
export class AuthorizationClosed {
  constructor(
    readonly authorizationId: string,
    readonly payoutId: string,
    readonly stripeAccount: string,
    readonly stripeTransactionIds: readonly string[],
  ) {}
}
