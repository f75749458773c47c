import { DomainError, NotFoundError } from '../shared/domain-error';

export class CardLinkNotFound extends NotFoundError {
  constructor(id: string) {
    super('card_link', id);
  }
}

/** A link to a payout that has ended would show a card that cannot be used. */
export class PayoutHasEnded extends DomainError {
  readonly code = 'payout_has_ended';
  readonly status = 409;

  constructor(payout: { id: string; status: string }) {
    super(`Payout ${payout.id} is ${payout.status}: its card can no longer be used, so it gets no new link.`);
  }
}
