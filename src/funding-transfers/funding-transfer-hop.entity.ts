import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { MinorColumn } from '../platform/database/minor-column';
import type { FundingHopKind, FundingHopStatus } from './funding-transfer.types';

@Entity('funding_transfer_hops')
export class FundingTransferHopEntity {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id: string;

  @Column('text', { name: 'funding_transfer_id' })
  fundingTransferId: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text')
  kind: FundingHopKind;

  @Column('text')
  status: FundingHopStatus;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @Column('text', { name: 'reverses_funding_transfer_id', nullable: true })
  reversesFundingTransferId: string | null;

  @Column('text', { name: 'stripe_call_id' })
  stripeCallId: string;

  @Column('text', { name: 'stripe_object_id', nullable: true })
  stripeObjectId: string | null;

  @Column('timestamptz', { name: 'stripe_created_at', nullable: true })
  stripeCreatedAt: Date | null;

  @Column('text', { name: 'arrival_balance_transaction_id', nullable: true })
  arrivalBalanceTransactionId: string | null;

  @Column('text', { name: 'counterpart_id', nullable: true })
  counterpartId: string | null;

  @Column('timestamptz', { name: 'counterpart_linked_at', nullable: true })
  counterpartLinkedAt: Date | null;

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode: string | null;

  @Column('text', { name: 'failure_detail', nullable: true })
  failureDetail: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
