import { NotFoundError } from '../shared/domain-error';

export class CardholderNotFound extends NotFoundError {
  constructor(id: string) {
    super('cardholder', id);
  }
}
