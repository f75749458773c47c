import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { FundingRailName } from '../connected-accounts/connected-account.types';
import { MinorColumn } from '../platform/database/minor-column';
import type { Currency } from '../shared/money';
import type { FundingDirection, FundingTransferStatus, MoneyPlace } from './funding-transfer.types';

@Entity('funding_transfers')
export class FundingTransferEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'stripe_account_id' })
  stripeAccountId: string;

  @Column('text')
  reference: string;

  @Column('text')
  direction: FundingDirection;

  @Column('text')
  rail: FundingRailName;

  @Column('text')
  status: FundingTransferStatus;

  @Column('text', { name: 'money_at' })
  moneyAt: MoneyPlace;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @MinorColumn({ name: 'buffer_minor' })
  bufferMinor: bigint;

  @MinorColumn({ name: 'aftercare_minor' })
  aftercareMinor: bigint;

  @MinorColumn({ name: 'returned_minor' })
  returnedMinor: bigint;

  @Column('text')
  currency: Currency;

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode: string | null;

  @Column('text', { name: 'failure_detail', nullable: true })
  failureDetail: string | null;

  @Column('integer')
  attempts: number;

  @Column('timestamptz', { name: 'next_check_at', nullable: true })
  nextCheckAt: Date | null;

  // The database derives it; nobody else writes it.
  @Column({ type: 'boolean', name: 'is_unsettled', insert: false, update: false })
  isUnsettled: boolean;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;

  @Column('timestamptz', { name: 'settled_at', nullable: true })
  settledAt: Date | null;
}
