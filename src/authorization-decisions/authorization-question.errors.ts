import { DomainError } from '../shared/domain-error';

/** Signed by Stripe, but not an authorization request: another kind of event is being sent to this address. */
export class AuthorizationRequestMalformed extends DomainError {
  readonly code = 'authorization_request_malformed';
  readonly status = 400;
  constructor(why: string) {
    super(`The authorization request cannot be read: ${why}.`);
  }
}
