import { DomainError, NotFoundError } from '../shared/domain-error';

export class AftercareItemNotFound extends NotFoundError {
  constructor(id: string) {
    super('aftercare_item', id);
  }
}

/** The seller owes nothing for it: it overspent nothing, or refunds made it good. */
export class NothingToSettle extends DomainError {
  readonly code = 'nothing_to_settle';
  readonly status = 409;

  constructor(id: string) {
    super(`The seller owes nothing for ${id}.`);
  }
}

export class AftercareItemAlreadySettled extends DomainError {
  readonly code = 'aftercare_item_already_settled';
  readonly status = 409;

  constructor(id: string) {
    super(`${id} is settled already.`);
  }
}

/** The money that stands in for the overspend has not arrived: until then other cards of the seller are short of it. */
export class OverspendNotCoveredYet extends DomainError {
  readonly code = 'overspend_not_covered_yet';
  readonly status = 409;

  constructor(id: string) {
    super(`The overspend of ${id} is not covered yet, or money of its payout is on its way. Try again later.`);
  }
}
