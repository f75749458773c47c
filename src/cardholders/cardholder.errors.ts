import { DomainError, NotFoundError } from '../shared/domain-error';

export class CardholderNotFound extends NotFoundError {
  constructor(id: string) {
    super('cardholder', id);
  }
}

/** Its personal data was erased: there is nothing left to change. */
export class CardholderErased extends DomainError {
  readonly code = 'cardholder_erased';
  readonly status = 409;
  constructor(id: string) {
    super(`The personal data of cardholder ${id} was erased. Make a new cardholder.`);
  }
}

/** A change is on its way to Stripe, and carries personal data. */
export class CardholderBusy extends DomainError {
  readonly code = 'cardholder_busy';
  readonly status = 409;
  constructor(id: string) {
    super(`A change of cardholder ${id} is on its way to Stripe. Try again when it has arrived.`);
  }
}
