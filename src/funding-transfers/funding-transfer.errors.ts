import { DomainError, NotFoundError } from '../shared/domain-error';

export class FundingTransferNotFound extends NotFoundError {
  constructor(id: string) {
    super('funding_transfer', id);
  }
}

/** Stripe does not know the connected account yet, so there is no balance to move money to. */
export class FundingAccountNotReady extends DomainError {
  readonly code = 'funding_account_not_ready';
  readonly status = 409;

  constructor(connectedAccountId: string) {
    super(`Connected account ${connectedAccountId} has no account at Stripe yet.`);
  }
}

/** One transfer per reference and direction is on its way at a time; the next one waits for it. */
export class FundingTransferUnsettled extends DomainError {
  readonly code = 'funding_transfer_unsettled';
  readonly status = 409;

  constructor(reference: string, direction: string) {
    super(`A funding transfer (${direction}) of ${reference} is still on its way.`);
  }
}
