import { DomainError, NotFoundError } from '../shared/domain-error';

export class AuthorizationNotFound extends NotFoundError {
  constructor(id: string) {
    super('authorization', id);
  }
}

/** Signed by Stripe, but not an authorization request: another kind of event is being sent to this address. */
export class AuthorizationRequestMalformed extends DomainError {
  readonly code = 'authorization_request_malformed';
  readonly status = 400;
  constructor(why: string) {
    super(`The authorization request cannot be read: ${why}.`);
  }
}

/** There is nothing to run again: the network decided without asking us. */
export class AuthorizationNotReplayable extends DomainError {
  readonly code = 'authorization_not_replayable';
  readonly status = 409;
  constructor(id: string) {
    super(`Authorization ${id} was never asked of us, so there are no inputs to run again.`);
  }
}
