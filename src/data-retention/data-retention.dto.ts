import type { Cardholder } from '../cardholders/cardholder.types';

export class CardholderErasureView {
  /** @example "holder_01KAJ0G6W1M4Q8V0T5R2N7XYZA" */
  id: string;
  connected_account: string;
  stripe_cardholder_id: string | null;
  status: string;
  eligible: boolean;
  /** When the personal data was erased. */
  erased_at: string | null;
}

export function toCardholderErasureView(cardholder: Cardholder): CardholderErasureView {
  return {
    id: cardholder.id,
    connected_account: cardholder.connectedAccountId,
    stripe_cardholder_id: cardholder.stripeCardholderId,
    status: cardholder.status,
    eligible: cardholder.isEligible,
    erased_at: cardholder.erasedAt?.toISOString() ?? null,
  };
}
