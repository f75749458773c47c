import { DomainError } from '../shared/domain-error';

/** The webhook did not come from Stripe, or is a replay. */
export class StripeSignatureInvalid extends DomainError {
  readonly code = 'stripe_signature_invalid';
  readonly status = 400;
  constructor(reason: string) {
    super(`The webhook is refused: ${reason}.`);
  }
}

/** Stripe did not answer, or has no room for us now. The same request may work later. */
export class StripeUnavailable extends DomainError {
  readonly code = 'stripe_unavailable';
  readonly status = 503;
  constructor(reason: string) {
    super(`Stripe could not be asked just now (${reason}). Try again shortly.`);
  }
}

/** Stripe said no to a request that changes nothing. */
export class StripeRefused extends DomainError {
  readonly code = 'stripe_refused';
  readonly status = 422;
  constructor(
    readonly stripeCode: string,
    detail: string,
  ) {
    super(`Stripe refused (${stripeCode}): ${detail}`);
  }
}
