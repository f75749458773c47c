import { NotFoundError } from '../shared/domain-error';

export class AuthorizationNotFound extends NotFoundError {
  constructor(id: string) {
    super('authorization', id);
  }
}
