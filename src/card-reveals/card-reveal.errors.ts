import { DomainError, FieldError } from '../shared/domain-error';

/** The operator has not taken this installation into the PCI scope. */
export class CardRevealDisabled extends DomainError {
  readonly code = 'card_reveal_disabled';
  readonly status = 404;
  constructor() {
    super('This installation reveals no cards: PCI_REVEAL is not enabled.');
  }
}

/** The key is private, weak, of an unsupported kind, or no key. Never repeats it. */
export class RecipientKeyRefused extends DomainError {
  readonly code = 'recipient_key_refused';
  readonly status = 422;
  constructor(errors: readonly FieldError[]) {
    super('The card cannot be sealed for this key.', errors);
  }
}

export class CardNotRevealable extends DomainError {
  readonly code = 'card_not_revealable';
  readonly status = 409;
  constructor(card: { id: string; status: string }) {
    super(`Card ${card.id} is ${card.status}; only active and inactive cards are revealed.`);
  }
}
