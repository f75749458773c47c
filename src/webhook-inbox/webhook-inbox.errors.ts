import { DomainError, NotFoundError } from '../shared/domain-error';

/** Signed by Stripe, but no event. */
export class StripeEventMalformed extends DomainError {
  readonly code = 'stripe_event_malformed';
  readonly status = 400;
  constructor() {
    super('The body is not a Stripe event.');
  }
}

export class StripeEventTooLarge extends DomainError {
  readonly code = 'stripe_event_too_large';
  readonly status = 413;
  constructor(bytesMax: number) {
    super(`A Stripe event of more than ${bytesMax} bytes is refused.`);
  }
}

/** A production Connect endpoint is sent test events too: https://docs.stripe.com/connect/webhooks */
export class StripeLivemodeMismatch extends DomainError {
  readonly code = 'stripe_livemode_mismatch';
  readonly status = 400;
  constructor(isLive: boolean) {
    super(isLive ? 'A live event reached a test service.' : 'A test event reached a live service.');
  }
}

export class DeadLetterNotFound extends NotFoundError {
  constructor(id: string) {
    super('dead_letter', id);
  }
}

export class DeadLetterNotRetryable extends DomainError {
  readonly code = 'dead_letter_not_retryable';
  readonly status = 409;
  constructor(letter: Readonly<{ id: string; status: string }>) {
    super(`Event ${letter.id} is ${letter.status}: only a dead one can be retried.`);
  }
}
