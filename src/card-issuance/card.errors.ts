import { DomainError, FieldError, NotFoundError } from '../shared/domain-error';
import { formatMoney, Money } from '../shared/money';

export class CardNotFound extends NotFoundError {
  constructor(id: string) {
    super('card', id);
  }
}

/** Spending controls that Stripe would refuse, or that allow nothing. One pointer per bad value. */
export class InvalidControls extends DomainError {
  readonly code = 'invalid_controls';
  readonly status = 422;
  constructor(errors: readonly FieldError[]) {
    super(errors.map((error) => `${error.pointer} ${error.detail}.`).join(' '), errors);
  }
}

/** More than Stripe lets one authorization be. https://docs.stripe.com/issuing/controls/spending-controls */
export class CardAmountTooLarge extends DomainError {
  readonly code = 'amount_too_large';
  readonly status = 422;
  constructor(most: Money) {
    super(`Stripe approves at most ${formatMoney(most)} in one authorization.`, [
      { pointer: '/amount', detail: `must be at most ${most.amountMinor}` },
    ]);
  }
}

/** Stripe prints an expiry under five years ahead. https://docs.stripe.com/changelog/basil/2025-08-27/issuing-custom-expiration-dates */
export class CardExpiryTooFar extends DomainError {
  readonly code = 'card_expiry_too_far';
  readonly status = 422;
  constructor() {
    super('A card cannot expire five years ahead or more.', [
      { pointer: '/expires_at', detail: 'must be under five years ahead' },
    ]);
  }
}

/** The payout's earlier card still exists at Stripe, though its cancel is on the way: try again once `CardCanceled` was announced. */
export class EarlierCardStillLive extends DomainError {
  readonly code = 'earlier_card_still_live';
  readonly status = 409;
  constructor(cardId: string) {
    super(`Card ${cardId} of this payout is still being canceled.`);
  }
}

export class CardNotFreezable extends DomainError {
  readonly code = 'card_not_freezable';
  readonly status = 409;
  constructor(card: { id: string; status: string }) {
    super(`Card ${card.id} is ${card.status} and can no longer be frozen.`);
  }
}

export class CardNotUnfreezable extends DomainError {
  readonly code = 'card_not_unfreezable';
  readonly status = 409;
  constructor(card: { id: string }, reason: string) {
    super(`Card ${card.id} cannot be unfrozen: ${reason}.`);
  }
}

export class CardNotReplaceable extends DomainError {
  readonly code = 'card_not_replaceable';
  readonly status = 409;
  constructor(cardId: string, reason: string) {
    super(`Card ${cardId} cannot be replaced: ${reason}.`);
  }
}

/** Stripe has not made the cardholder (or its account) yet, so no card can be issued to it. */
export class CardholderNotReady extends DomainError {
  readonly code = 'cardholder_not_ready';
  readonly status = 409;
  constructor(cardholderId: string) {
    super(`Cardholder ${cardholderId} does not exist at Stripe yet.`);
  }
}
