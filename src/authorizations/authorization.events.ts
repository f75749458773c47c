/**
 * Stripe shows card transactions on an authorization that we have not booked. Their own events may be late or lost, and the authorization
 * is booked together with them: its hold, let go of before, would look like money to be reclaimed.
 */
export class CardTransactionsSeen {
  constructor(
    readonly stripeAccount: string,
    readonly stripeAuthorizationId: string,
  ) {}
}
