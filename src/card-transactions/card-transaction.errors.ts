import { NotFoundError } from '../shared/domain-error';

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
