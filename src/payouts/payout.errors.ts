import { DomainError, NotFoundError } from '../shared/domain-error';
import { PayoutStatus } from './payout.types';

export class PayoutNotFound extends NotFoundError {
  constructor(id: string) {
    super('payout', id);
  }
}

export class PayoutNotCancelable extends DomainError {
  readonly code = 'payout_not_cancelable';
  readonly status = 409;
  constructor(payout: { id: string; status: PayoutStatus }) {
    super(
      payout.status === 'authorized'
        ? `Payout ${payout.id} is authorized: the money is on hold at a merchant, and only the merchant can let go of it.`
        : `Payout ${payout.id} is ${payout.status} and can no longer be canceled.`,
    );
  }
}

/** Another payout has this reference: to try the same request again, send the same Idempotency-Key. */
export class PayoutReferenceTaken extends DomainError {
  readonly code = 'payout_reference_taken';
  readonly status = 409;
  constructor(reference: string) {
    super(`Another payout already has the reference ${reference}.`, [
      { pointer: '/reference', detail: 'is taken by another payout' },
    ]);
  }
}

/** The seller's account can never receive a payout again, or is stopped by the kill switch. */
export class ConnectedAccountNotPayable extends DomainError {
  readonly code = 'connected_account_not_payable';
  readonly status = 409;
  constructor(connectedAccountId: string, why: string) {
    super(`Connected account ${connectedAccountId} cannot receive payouts: ${why}.`);
  }
}

/** Nobody needs to decide on it: it never waited for approval, or somebody was first, or it ended while it waited. */
export class PayoutNotAwaitingApproval extends DomainError {
  readonly code = 'payout_not_awaiting_approval';
  readonly status = 409;
  constructor(payout: { id: string; status: PayoutStatus }) {
    super(`Payout ${payout.id} is ${payout.status} and does not wait for approval.`);
  }
}

/** Four eyes: the key that asked for the payout, its successors, and keys that it made are one pair. */
export class ApprovalNeedsAnotherKey extends DomainError {
  readonly code = 'approval_needs_another_key';
  readonly status = 403;
  constructor(payoutId: string) {
    super(`Payout ${payoutId} was asked for with this key, its predecessor or its maker. Another key has to decide.`);
  }
}
