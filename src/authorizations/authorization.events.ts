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
