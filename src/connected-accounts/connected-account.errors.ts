import { DomainError, NotFoundError } from '../shared/domain-error';

export class ConnectedAccountNotFound extends NotFoundError {
  constructor(id: string) {
    super('connected_account', id);
  }
}

/** Another account already carries this reference of the marketplace's. */
export class ExternalReferenceTaken extends DomainError {
  readonly code = 'external_reference_taken';
  readonly status = 409;
  constructor(externalReference: string) {
    super(`A connected account with the external reference ${externalReference} exists.`, [
      { pointer: '/external_reference', detail: 'is taken by another connected account' },
    ]);
  }
}

/** The Stripe account is already a connected account here. */
export class StripeAccountTaken extends DomainError {
  readonly code = 'stripe_account_taken';
  readonly status = 409;
  constructor(stripeAccountId: string) {
    super(`${stripeAccountId} is a connected account here already.`, [
      { pointer: '/stripe_account_id', detail: 'is a connected account here already' },
    ]);
  }
}

/** Stripe knows no such account, or it is not connected to this platform. */
export class StripeAccountUnknown extends DomainError {
  readonly code = 'stripe_account_unknown';
  readonly status = 422;
  constructor(stripeAccountId: string) {
    super(`${stripeAccountId} is not an account connected to this platform at Stripe.`, [
      { pointer: '/stripe_account_id', detail: 'is not an account connected to this platform' },
    ]);
  }
}

/** An account whose shape at Stripe rules out issuing cards for it (stripe.md C2; the controller cannot be changed later). */
export class StripeAccountNotAdoptable extends DomainError {
  readonly code: string;
  readonly status = 422;
  constructor(stripeAccountId: string, code: string, reason: string) {
    super(`${stripeAccountId} cannot be adopted: ${reason}`, [{ pointer: '/stripe_account_id', detail: reason, code }]);
    this.code = code;
  }
}

/** Stripe has not made the account yet (or refused to), so there is nothing to ask Stripe about. */
export class StripeAccountNotReady extends DomainError {
  readonly code = 'stripe_account_not_ready';
  readonly status = 409;
  constructor(id: string) {
    super(`Connected account ${id} does not exist at Stripe yet. Read it again once stripe_account_id is set.`);
  }
}
