import { FundingRailName } from '../connected-accounts/connected-account.types';
import { Currency } from '../shared/money';

/** `out`: towards the Issuing balance. `in`: a reclaim, back to where the money came from. */
export const fundingDirections = ['out', 'in'] as const;
export type FundingDirection = (typeof fundingDirections)[number];

export const fundingTransferStatuses = [
  'pending',
  'in_transit',
  'unknown',
  'settled',
  'partially_returned',
  'failed',
  'returned',
] as const;
export type FundingTransferStatus = (typeof fundingTransferStatuses)[number];

/** Where the money of a funding transfer stands now, so that a failure half-way never loses sight of it. */
export const moneyPlaces = [
  'platform',
  'seller_payments',
  'funds_in_transit',
  'issuing',
  'reclaim_in_transit',
  'bank',
] as const;
export type MoneyPlace = (typeof moneyPlaces)[number];

/** One Stripe call of a funding transfer that moves money; a refused one stays listed beside its successor. */
export const fundingHopKinds = ['transfer', 'balance_transfer', 'transfer_reversal', 'topup', 'bank_payout'] as const;
export type FundingHopKind = (typeof fundingHopKinds)[number];

/** `intended`: asked for. `accepted`: Stripe moved it, not yet available at the other end. `done`: available. */
export const fundingHopStatuses = ['intended', 'unknown', 'accepted', 'done', 'failed'] as const;
export type FundingHopStatus = (typeof fundingHopStatuses)[number];

export type FundingHop = Readonly<{
  id: string;
  kind: FundingHopKind;
  status: FundingHopStatus;
  amountMinor: bigint;
  /** The outward funding transfer whose Stripe transfer this hop reverses; null for every other kind. */
  reversesFundingTransferId: string | null;
  stripeCallId: string;
  /** `tr_`, `trr_`, `tu_`, `po_` or the id of a balance transfer, once Stripe made it. */
  stripeObjectId: string | null;
  failure: Readonly<{ code: string; detail: string }> | null;
  createdAt: Date;
  updatedAt: Date;
}>;

/** A funding transfer as other modules and the timeline see it. */
export type FundingTransfer = Readonly<{
  id: string;
  /** The payout it works for; this module never looks behind it. */
  reference: string;
  connectedAccountId: string;
  direction: FundingDirection;
  rail: FundingRailName;
  status: FundingTransferStatus;
  moneyAt: MoneyPlace;
  /** The promised money alone, in minor units. */
  amountMinor: bigint;
  /** The probe buffer that travels beside it (design.md, section 5). */
  bufferMinor: bigint;
  /** Of a reclaim: money that came in after close, on its way to the marketplace. */
  aftercareMinor: bigint;
  /** Of an outward transfer: how much has come back. */
  returnedMinor: bigint;
  currency: Currency;
  /** Why it failed, or why it is held up for now; a held-up transfer keeps its status and is retried. */
  failure: Readonly<{ code: string; detail: string }> | null;
  /** False once nothing more will happen by itself: settled, returned, or failed with nothing left to bring back. */
  isUnsettled: boolean;
  createdAt: Date;
  updatedAt: Date;
  settledAt: Date | null;
  hops: readonly FundingHop[];
}>;

/** What to move to the Issuing balance. The buffer is not part of `amountMinor`; zero is allowed for it. */
export type FundingRequest = Readonly<{
  reference: string;
  connectedAccountId: string;
  amountMinor: bigint;
  bufferMinor: bigint;
  currency: Currency;
}>;

/** What to bring back; at least one of the three parts is above zero. */
export type ReclaimRequest = FundingRequest & Readonly<{ aftercareMinor?: bigint }>;
