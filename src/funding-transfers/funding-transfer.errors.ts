import { DomainError } from '../shared/domain-error';

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

/** No outward transfer of this reference ever arrived: nothing in the Issuing balance is its own to bring back. */
export class NothingFunded extends DomainError {
  readonly code = 'nothing_funded';
  readonly status = 409;

  constructor(reference: string) {
    super(`No money of ${reference} ever reached the Issuing balance, so none can be brought back.`);
  }
}
