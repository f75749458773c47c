import { DomainError, FieldError } from '../../shared/domain-error';

/** The request cannot be read at all: broken JSON, bytes that are not text, a wrong kind of body. */
export class MalformedRequest extends DomainError {
  readonly code = 'malformed_request';
  readonly status = 400;

  constructor(detail: string, errors?: readonly FieldError[]) {
    super(detail, errors);
  }
}

/** Fields are missing, unknown or of the wrong shape; `errors` names each. */
export class ValidationFailed extends DomainError {
  readonly code = 'validation_failed';
  readonly status = 400;

  constructor(errors: readonly FieldError[]) {
    super(
      errors.length === 1
        ? 'One field of the request is not valid.'
        : `${errors.length} fields of the request are not valid.`,
      errors,
    );
  }
}

export class UnsupportedMediaType extends DomainError {
  readonly code = 'unsupported_media_type';
  readonly status = 415;

  constructor(detail = 'The body must be application/json in UTF-8, without content encoding.') {
    super(detail);
  }
}

export class RouteNotFound extends DomainError {
  readonly code = 'route_not_found';
  readonly status = 404;

  constructor(method: string) {
    super(`Nothing answers ${method} at this path.`);
  }
}

export class MethodNotAllowed extends DomainError {
  readonly code = 'method_not_allowed';
  readonly status = 405;

  constructor(
    method: string,
    readonly allowed: readonly string[],
  ) {
    super(`${method} is not possible here; possible are ${allowed.join(', ')}.`);
  }
}

export class IdempotencyKeyRequired extends DomainError {
  readonly code = 'idempotency_key_required';
  readonly status = 400;

  constructor() {
    super('This call needs an Idempotency-Key header, so that repeating it cannot do it twice.');
  }
}

export class IdempotencyKeyInvalid extends DomainError {
  readonly code = 'idempotency_key_invalid';
  readonly status = 400;

  constructor() {
    super('The Idempotency-Key header must be given once, with 1 to 255 printable ASCII characters.');
  }
}

export class IdempotencyKeyReused extends DomainError {
  readonly code = 'idempotency_key_reused';
  readonly status = 422;

  constructor() {
    super('This Idempotency-Key was used before with another request. Use a new key for a new request.');
  }
}

export class IdempotencyKeyInUse extends DomainError {
  readonly code = 'idempotency_key_in_use';
  readonly status = 409;

  constructor() {
    super('A request with this Idempotency-Key is being worked on right now. Repeat it in a moment to get its answer.');
  }
}

/** Too many calls in this window. `Retry-After` and `RateLimit` say when the next one is answered. */
export class RateLimited extends DomainError {
  readonly code = 'rate_limited';
  readonly status = 429;

  constructor(
    quota: string,
    readonly retryAfterSeconds: number,
  ) {
    super(`This key has used up its ${quota} on this route. Try again in ${retryAfterSeconds} s.`);
  }
}
