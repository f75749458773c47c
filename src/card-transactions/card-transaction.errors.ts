import { NotFoundError } from '../shared/domain-error';

export class CardTransactionNotFound extends NotFoundError {
  constructor(id: string) {
    super('card_transaction', id);
  }
}
