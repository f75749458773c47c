import { DomainError, NotFoundError } from '../shared/domain-error';

export class AuthorizationNotFound extends NotFoundError {
  constructor(id: string) {
    super('authorization', id);
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
