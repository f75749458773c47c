import { DomainError, NotFoundError } from '../shared/domain-error';

export class CardTransactionNotFound extends NotFoundError {
  constructor(id: string) {
    super('card_transaction', id);
  }
}

/** Stripe shows a capture, but not yet the release of the hold behind it. The job comes back for both. */
export class ReleaseNotSeenYet extends Error {
  constructor(stripeTransactionId: string) {
    super(`The hold behind ${stripeTransactionId} is not released yet.`);
    this.name = 'ReleaseNotSeenYet';
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
