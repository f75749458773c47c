import { DomainError, NotFoundError } from '../../shared/domain-error';
import { ApiKeyRole } from '../http/request.types';

export class ApiKeyMissing extends DomainError {
  readonly code = 'api_key_missing';
  readonly status = 401;

  constructor() {
    super('Give an API key: Authorization: Bearer dsb_….');
  }
}

/** Unknown or mistyped. The key is not repeated: answers end up in logs. */
export class ApiKeyInvalid extends DomainError {
  readonly code = 'api_key_invalid';
  readonly status = 401;

  constructor() {
    super('This API key is not valid.');
  }
}

export class ApiKeyRevoked extends DomainError {
  readonly code = 'api_key_revoked';
  readonly status = 401;

  constructor() {
    super('This API key was revoked.');
  }
}

export class ApiKeyExpired extends DomainError {
  readonly code = 'api_key_expired';
  readonly status = 401;

  constructor() {
    super('This API key has expired.');
  }
}

export class RoleNotAllowed extends DomainError {
  readonly code = 'role_not_allowed';
  readonly status = 403;

  constructor(role: ApiKeyRole, allowed: readonly ApiKeyRole[]) {
    super(`A key with the role ${role} may not do this; ${allowed.join(', ')} may.`);
  }
}

/** A route that declares neither roles nor that it is public: refused to everyone until it does. */
export class RouteNotClassified extends DomainError {
  readonly code = 'route_not_classified';
  readonly status = 403;

  constructor() {
    super('Nobody has decided yet who may call this route.');
  }
}

export class ApiKeyNotFound extends NotFoundError {
  constructor(id: string) {
    super('api_key', id);
  }
}

/** Nobody could make keys any more. */
export class LastAdminKey extends DomainError {
  readonly code = 'last_admin_key';
  readonly status = 409;

  constructor() {
    super('This is the last admin key that works. Make another one first.');
  }
}

export class ApiKeyNotActive extends DomainError {
  readonly code = 'api_key_not_active';
  readonly status = 409;

  constructor() {
    super('This API key was revoked or has expired; make a new one instead.');
  }
}
