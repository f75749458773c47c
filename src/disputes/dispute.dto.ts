import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { PageQuery } from '../platform/http/page.dto';
import { Dispute, disputeStatuses } from './dispute.types';
import type { DisputeStatus } from './dispute.types';

/** Which disputes to list. */
export class DisputesQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @MaxLength(255)
  payout?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  @IsOptional()
  @IsIn(disputeStatuses)
  status?: DisputeStatus;
}

export class DisputeView {
  id: string;
  stripe_dispute_id: string;
  payout: string;
  connected_account: string;
  card: string;
  card_transaction: string;
  /** Stripe's own: `unsubmitted, submitted, won, lost, expired`. */
  status: string;
  /** Stripe's own: why it was disputed. */
  reason: string | null;
  /** Stripe's own: why it was lost. */
  loss_reason: string | null;
  /** Disputed; minor units. */
  amount: number;
  currency: string;
  /** Credited for the time being; Stripe may take it back. */
  provisional: number;
  /** Came back for good. */
  returned: number;
  /** How that changed what the payout paid; minor units. */
  paid: number;
  /** How it changed what the seller owes the marketplace. */
  overspent: number;
  /** How it changed what came in after close and goes back. */
  aftercare: number;
  opened_at: string;
  closed_at: string | null;
  created_at: string;
  updated_at: string;
}

export class DisputePage {
  data: DisputeView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toDisputeView(row: Dispute): DisputeView {
  return {
    id: row.id,
    stripe_dispute_id: row.stripeDisputeId,
    payout: row.payoutId,
    connected_account: row.connectedAccountId,
    card: row.cardId,
    card_transaction: row.cardTransactionId,
    status: row.status,
    reason: row.reason,
    loss_reason: row.lossReason,
    amount: Number(row.amountMinor),
    currency: row.currency,
    provisional: Number(row.provisionalMinor),
    returned: Number(row.returnedMinor),
    paid: Number(row.paidMinor),
    overspent: Number(row.overspentMinor),
    aftercare: Number(row.aftercareMinor),
    opened_at: row.openedAt.toISOString(),
    closed_at: row.closedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}
