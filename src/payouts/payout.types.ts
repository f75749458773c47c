import { CardControls } from '../card-issuance/card.types';
import { Currency } from '../shared/money';

/** design.md section 4 tells what each means. */
export const payoutStatuses = [
  'pending',
  'funding',
  'issuing',
  'ready',
  'authorized',
  'settled',
  'expired',
  'canceled',
  'failed',
  'closed',
] as const;
export type PayoutStatus = (typeof payoutStatuses)[number];

/** What a pending payout waits for; it resumes by itself when Stripe reports it. */
export const waitingReasons = ['account_capability', 'cardholder_requirement', 'approval', 'platform_funds'] as const;
export type WaitingReason = (typeof waitingReasons)[number];

/** How a payout ended; null until then. */
export const payoutOutcomes = ['spent', 'partially_spent', 'unspent', 'canceled', 'failed'] as const;
export type PayoutOutcome = (typeof payoutOutcomes)[number];

/** What the marketplace asks for. */
export interface PayoutRequest {
  readonly connectedAccountId: string;
  readonly cardholderId: string;
  readonly amountMinor: bigint;
  readonly currency: Currency;
  readonly expiresAt: Date;
  /** The marketplace's own name for it, unique. */
  readonly reference: string;
  readonly description: string | null;
  /** Whose card it is: one automated buyer, say. Limits, rotation and retirement go by it. */
  readonly label: string | null;
  /** What it is for. */
  readonly purpose: string | null;
  readonly controls: CardControls;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Who asked for a payout: a key and the line of rotations it belongs to. */
export type Requester = Readonly<{ id: string; familyId: string }>;

/** What another key said to a payout above the threshold. */
export type Approval = Readonly<{
  decision: 'approved' | 'rejected';
  note: string | null;
  apiKeyId: string;
  decidedAt: Date;
}>;

/** Our promise to pay a recipient. */
export interface Payout extends PayoutRequest {
  readonly id: string;
  readonly status: PayoutStatus;
  readonly waitingOn: WaitingReason | null;
  /** A payout that waits for funds is tried again at this moment, whatever Stripe reports. */
  readonly retryAt: Date | null;
  readonly outcome: PayoutOutcome | null;
  /** The card that made it ready last. */
  readonly cardId: string | null;
  readonly failure: Readonly<{ code: string; detail: string }> | null;
  /** Null for payouts older than this record. */
  readonly requestedByApiKeyId: string | null;
  /** Null until another key decided, and where nobody had to. */
  readonly approval: Approval | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** How an authorization's hold came to its end. */
export type HoldEnd = 'captured' | 'voided' | 'expired' | 'not_approved';

export interface TimelineEntry {
  readonly occurredAt: Date;
  /** A past fact: `payout.created`, `status.changed`, `stripe_call.done` … */
  readonly kind: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Which payouts a list shows. */
export interface PayoutFilter {
  readonly status?: PayoutStatus;
  readonly connectedAccountId?: string;
  readonly reference?: string;
  readonly label?: string;
  readonly purpose?: string;
  readonly waitingOn?: WaitingReason;
  readonly createdFrom?: Date;
  readonly createdTo?: Date;
}
