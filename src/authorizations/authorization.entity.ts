import { Column, Entity, PrimaryColumn } from 'typeorm';
import { MinorColumn } from '../platform/database/minor-column';
import type { Currency } from '../shared/money';
import type { AuthorizationStatus, NetworkOutcome } from './authorization.types';

@Entity('authorizations')
export class AuthorizationEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'stripe_authorization_id' })
  stripeAuthorizationId: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'payout_id' })
  payoutId: string;

  @Column('text', { name: 'card_id' })
  cardId: string;

  @Column('text')
  kind: 'purchase' | 'probe';

  @Column('text')
  status: AuthorizationStatus;

  @Column('boolean')
  approved: boolean;

  @Column('text')
  reason: string;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @MinorColumn({ name: 'held_minor' })
  heldMinor: bigint;

  @MinorColumn({ name: 'backed_minor' })
  backedMinor: bigint;

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

  @MinorColumn({ name: 'merchant_amount_minor', nullable: true })
  merchantAmountMinor: bigint | null;

  @Column('text', { name: 'merchant_currency', nullable: true })
  merchantCurrency: string | null;

  @Column('text', { name: 'authorization_method', nullable: true })
  authorizationMethod: string | null;

  @Column('integer', { name: 'latency_ms', nullable: true })
  latencyMs: number | null;

  @Column('text', { name: 'network_outcome', nullable: true })
  networkOutcome: NetworkOutcome | null;

  @Column('text', { name: 'network_reason', nullable: true })
  networkReason: string | null;

  /** Captures and refunds that Stripe lists on it. */
  @Column('integer', { name: 'card_transaction_count' })
  cardTransactionCount: number;

  /** How many lines Stripe's record had when it was booked last: a record with fewer is an older one. */
  @Column('integer', { name: 'network_facts' })
  networkFacts: number;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  @Column('timestamptz', { name: 'ended_at', nullable: true })
  endedAt: Date | null;
}
