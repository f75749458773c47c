import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { IsMoment } from '../platform/http/is-moment.decorator';
import { PageQuery } from '../platform/http/page.dto';
import { cardTransactionTypes } from './card-transaction.types';
import type { CardTransaction, CardTransactionType } from './card-transaction.types';

/** Which card transactions to list. */
export class CardTransactionsQuery extends PageQuery {
  @IsOptional()
  @IsString()
  @MaxLength(255)
  payout?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  card?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  authorization?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  @IsOptional()
  @IsIn(cardTransactionTypes)
  type?: CardTransactionType;

  /** Occurred at or after: ISO 8601. */
  @IsOptional()
  @IsMoment()
  created_from?: string;

  /** Occurred before: ISO 8601. */
  @IsOptional()
  @IsMoment()
  created_to?: string;
}

export class CardTransactionMerchantView {
  name: string | null;
  category: string | null;
  category_code: string | null;
  city: string | null;
  country: string | null;
  network_id: string | null;
}

export class CardTransactionView {
  id: string;
  stripe_transaction_id: string;
  payout: string;
  connected_account: string;
  card: string;
  authorization: string | null;
  stripe_authorization_id: string | null;
  /** Stripe's own: `capture` or `refund`. */
  type: string;
  /** `capture, over_capture, force_capture, late_capture, refund, refund_reversal`. */
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
  merchant: CardTransactionMerchantView;
  /** In the merchant's own currency and its minor units. */
  merchant_amount: number;
  merchant_currency: string;
  /** How a refund found its purchase: `linked, matched, unlinked`; null for captures. */
  refund_match: string | null;
  refunded_card_transaction: string | null;
  stripe_balance_transaction: string | null;
  /** The payout was closed when it came. */
  is_after_close: boolean;
  occurred_at: string;
  created_at: string;
}

export class CardTransactionPage {
  data: CardTransactionView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toCardTransactionView(row: CardTransaction): CardTransactionView {
  return {
    id: row.id,
    stripe_transaction_id: row.stripeTransactionId,
    payout: row.payoutId,
    connected_account: row.connectedAccountId,
    card: row.cardId,
    authorization: row.authorizationId,
    stripe_authorization_id: row.stripeAuthorizationId,
    type: row.type,
    kind: row.kind,
    amount: Number(row.amountMinor),
    currency: row.currency,
    paid: Number(row.paidMinor),
    overspent: Number(row.overspentMinor),
    aftercare: Number(row.aftercareMinor),
    merchant: {
      name: row.merchantName,
      category: row.merchantCategory,
      category_code: row.merchantCategoryCode,
      city: row.merchantCity,
      country: row.merchantCountry,
      network_id: row.merchantNetworkId,
    },
    merchant_amount: Number(row.merchantAmountMinor),
    merchant_currency: row.merchantCurrency,
    refund_match: row.refundMatch,
    refunded_card_transaction: row.refundedCardTransactionId,
    stripe_balance_transaction: row.balanceTransactionId,
    is_after_close: row.isAfterClose,
    occurred_at: row.occurredAt.toISOString(),
    created_at: row.createdAt.toISOString(),
  };
}
