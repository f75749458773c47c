import { Column, Entity, PrimaryColumn } from 'typeorm';
import { MinorColumn } from '../platform/database/minor-column';
import type { Currency } from '../shared/money';
import type { AmountMatch, CardStatus } from './card.types';

@Entity('cards')
export class CardEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'payout_id' })
  payoutId: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'cardholder_id' })
  cardholderId: string;

  @Column('text', { name: 'stripe_card_id', nullable: true })
  stripeCardId: string | null;

  @Column('text', { nullable: true })
  last4: string | null;

  @Column('text', { nullable: true })
  brand: string | null;

  @Column('integer', { name: 'exp_month' })
  expMonth: number;

  @Column('integer', { name: 'exp_year' })
  expYear: number;

  @Column('text')
  status: CardStatus;

  @Column('boolean')
  frozen: boolean;

  /** What we last asked Stripe to make of it. */
  @Column('boolean', { name: 'asked_inactive' })
  askedInactive: boolean;

  @Column('timestamptz', { name: 'cancel_requested_at', nullable: true })
  cancelRequestedAt: Date | null;

  @Column('text', { name: 'cancel_reason', nullable: true })
  cancelReason: string | null;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @Column('text')
  currency: Currency;

  @Column('text', { name: 'amount_match' })
  amountMatch: AmountMatch;

  @Column('text', { name: 'allowed_categories', array: true })
  allowedCategories: string[];

  @Column('text', { name: 'blocked_categories', array: true })
  blockedCategories: string[];

  @Column('text', { name: 'allowed_merchant_countries', array: true })
  allowedMerchantCountries: string[];

  @Column('text', { name: 'blocked_merchant_countries', array: true })
  blockedMerchantCountries: string[];

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode: string | null;

  @Column('text', { name: 'failure_detail', nullable: true })
  failureDetail: string | null;

  /** When the newest answer of Stripe's that we hold was asked for: an answer asked for earlier never overwrites it. */
  @Column('timestamptz', { name: 'stripe_checked_at', nullable: true })
  stripeCheckedAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
