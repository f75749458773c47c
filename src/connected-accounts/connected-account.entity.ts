import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Currency } from '../shared/money';
import type {
  AccountRequirements,
  BusinessType,
  CapabilityStatus,
  ConnectedAccountStatus,
  FundingRailName,
} from './connected-account.types';

@Entity('connected_accounts')
export class ConnectedAccountEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'stripe_account_id', nullable: true })
  stripeAccountId: string | null;

  @Column('text', { name: 'external_reference', nullable: true })
  externalReference: string | null;

  @Column('text', { name: 'display_name' })
  displayName: string;

  @Column('text', { name: 'business_type' })
  businessType: BusinessType;

  @Column('text')
  country: string;

  @Column('text')
  currency: Currency;

  @Column('text')
  status: ConnectedAccountStatus;

  @Column('text', { name: 'funding_rail' })
  fundingRail: FundingRailName;

  @Column('text', { name: 'card_issuing_capability' })
  cardIssuingCapability: CapabilityStatus;

  @Column('text', { name: 'transfers_capability' })
  transfersCapability: CapabilityStatus;

  @Column('jsonb')
  requirements: AccountRequirements;

  @Column('text', { name: 'payout_interval', nullable: true })
  payoutInterval: string | null;

  @Column('boolean', { name: 'is_suspended' })
  isSuspended: boolean;

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
