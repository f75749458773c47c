import { Column, Entity, PrimaryColumn } from 'typeorm';
import { MinorColumn } from '../platform/database/minor-column';
import type { Currency } from '../shared/money';
import type { CardTransactionKind, CardTransactionType, RefundMatch } from './card-transaction.types';

@Entity('card_transactions')
export class CardTransactionEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'stripe_transaction_id' })
  stripeTransactionId: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'payout_id' })
  payoutId: string;

  @Column('text', { name: 'card_id' })
  cardId: string;

  @Column('text', { name: 'authorization_id', nullable: true })
  authorizationId: string | null;

  @Column('text', { name: 'stripe_authorization_id', nullable: true })
  stripeAuthorizationId: string | null;

  @Column('text', { name: 'refunded_card_transaction_id', nullable: true })
  refundedCardTransactionId: string | null;

  @Column('text', { name: 'refund_match', nullable: true })
  refundMatch: RefundMatch | null;

  @Column('text')
  type: CardTransactionType;

  @Column('text')
  kind: CardTransactionKind;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @MinorColumn({ name: 'paid_minor' })
  paidMinor: bigint;

  @MinorColumn({ name: 'overspent_minor' })
  overspentMinor: bigint;

  @MinorColumn({ name: 'aftercare_minor' })
  aftercareMinor: bigint;

  @Column('text')
  currency: Currency;

  @Column('text', { name: 'merchant_name', nullable: true })
  merchantName: string | null;

  @Column('text', { name: 'merchant_category', nullable: true })
  merchantCategory: string | null;

  @Column('text', { name: 'merchant_category_code', nullable: true })
  merchantCategoryCode: string | null;

  @Column('text', { name: 'merchant_city', nullable: true })
  merchantCity: string | null;

  @Column('text', { name: 'merchant_country', nullable: true })
  merchantCountry: string | null;

  @Column('text', { name: 'merchant_network_id', nullable: true })
  merchantNetworkId: string | null;

  @MinorColumn({ name: 'merchant_amount_minor' })
  merchantAmountMinor: bigint;

  @Column('text', { name: 'merchant_currency' })
  merchantCurrency: string;

  @Column('text', { name: 'balance_transaction_id', nullable: true })
  balanceTransactionId: string | null;

  @Column('boolean', { name: 'is_after_close' })
  isAfterClose: boolean;

  @Column('timestamptz', { name: 'occurred_at' })
  occurredAt: Date;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
