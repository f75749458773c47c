import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { PageQuery } from '../platform/http/page.dto';
import { settleActions } from './aftercare.types';
import type { AftercareItem, AftercareSettlement, SettleAction } from './aftercare.types';

/** Which aftercare items to list. */
export class AftercareItemsQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @MaxLength(255)
  payout?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;
}

/** How a seller's debt ended. */
export class SettleAftercareItemDto {
  /** `collected`: the marketplace got the money by other means than Stripe. `written_off`: it gave it up. */
  @IsIn(settleActions)
  action: SettleAction;

  /** Where the money came in, or why it was given up. */
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @MinLength(1)
  @MaxLength(2_000)
  note: string;
}

export class AftercareMerchantView {
  name: string | null;
  category: string | null;
  category_code: string | null;
  city: string | null;
  country: string | null;
  network_id: string | null;
}

export class AftercareSettlementView {
  /** `collected` or `written_off`. */
  action: string;
  /** What the seller still owed for it; minor units. */
  amount: number;
  note: string;
  settled_by: string;
  settled_at: string;
}

export class AftercareItemView {
  /** A card transaction's id, or a dispute's. */
  id: string;
  /** The card transaction itself; of a dispute, the capture it is about. */
  card_transaction: string;
  stripe_transaction_id: string;
  stripe_dispute_id: string | null;
  payout: string;
  connected_account: string;
  card: string;
  authorization: string | null;
  stripe_authorization_id: string | null;
  /** Stripe's own, `capture` or `refund`; or `dispute`. */
  type: string;
  /** `capture, over_capture, force_capture, late_capture, refund, refund_reversal, dispute`. */
  kind: string;
  /** Minor units; below zero when money left the Issuing balance. */
  amount: number;
  currency: string;
  /** How it changed what the payout paid; minor units. */
  paid: number;
  /** How it changed what the seller owes the marketplace. */
  overspent: number;
  /** How it changed what came in after close and goes back. */
  aftercare: number;
  merchant: AftercareMerchantView;
  /** In the merchant's own currency and its minor units. */
  merchant_amount: number;
  merchant_currency: string;
  /** How a refund found its purchase: `linked, matched, unlinked`; null for everything else. */
  refund_match: string | null;
  refunded_card_transaction: string | null;
  stripe_balance_transaction: string | null;
  /** The payout was closed when it came. */
  is_after_close: boolean;
  occurred_at: string;
  created_at: string;
  /** Whole days since it occurred. */
  age_days: number;
  /** How the seller's debt ended; null while it stands, or when there was none. */
  settlement: AftercareSettlementView | null;
}

export class AftercareItemPage {
  data: AftercareItemView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toAftercareItemView(
  item: AftercareItem,
  settlement: AftercareSettlement | undefined,
  now: Date,
): AftercareItemView {
  return {
    id: item.id,
    card_transaction: item.cardTransactionId,
    stripe_transaction_id: item.stripeTransactionId,
    stripe_dispute_id: item.stripeDisputeId,
    payout: item.payoutId,
    connected_account: item.connectedAccountId,
    card: item.cardId,
    authorization: item.authorizationId,
    stripe_authorization_id: item.stripeAuthorizationId,
    type: item.type,
    kind: item.kind,
    amount: Number(item.amountMinor),
    currency: item.currency,
    paid: Number(item.paidMinor),
    overspent: Number(item.overspentMinor),
    aftercare: Number(item.aftercareMinor),
    merchant: {
      name: item.merchantName,
      category: item.merchantCategory,
      category_code: item.merchantCategoryCode,
      city: item.merchantCity,
      country: item.merchantCountry,
      network_id: item.merchantNetworkId,
    },
    merchant_amount: Number(item.merchantAmountMinor),
    merchant_currency: item.merchantCurrency,
    refund_match: item.refundMatch,
    refunded_card_transaction: item.refundedCardTransactionId,
    stripe_balance_transaction: item.balanceTransactionId,
    is_after_close: item.isAfterClose,
    occurred_at: item.occurredAt.toISOString(),
    created_at: item.createdAt.toISOString(),
    age_days: Math.max(0, Math.floor((now.getTime() - item.occurredAt.getTime()) / 86_400_000)),
    settlement: settlement ? toSettlementView(settlement) : null,
  };
}

function toSettlementView(settlement: AftercareSettlement): AftercareSettlementView {
  return {
    action: settlement.action,
    amount: Number(settlement.amountMinor),
    note: settlement.note,
    settled_by: settlement.settledBy,
    settled_at: settlement.settledAt.toISOString(),
  };
}
