import { DomainError } from '../shared/domain-error';

/** Money is still on its way through the cardholder's cards. */
export class CardholderHasOpenPayouts extends DomainError {
  readonly code = 'cardholder_has_open_payouts';
  readonly status = 409;
  constructor(id: string, payouts: number) {
    super(
      `Cardholder ${id} has ${payouts} ${payouts === 1 ? 'payout' : 'payouts'} that are not closed. Cancel them, or wait.`,
    );
  }
}
