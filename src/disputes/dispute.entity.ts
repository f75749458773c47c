import { Column, Entity, PrimaryColumn } from 'typeorm';
import { MinorColumn } from '../platform/database/minor-column';
import type { Currency } from '../shared/money';
import type { DisputeStatus } from './dispute.types';

@Entity('disputes')
export class DisputeEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'stripe_dispute_id' })
  stripeDisputeId: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'payout_id' })
  payoutId: string;

  @Column('text', { name: 'card_id' })
  cardId: string;

  @Column('text', { name: 'card_transaction_id' })
  cardTransactionId: string;

  @Column('text')
  status: DisputeStatus;

  @Column('text', { nullable: true })
  reason: string | null;

  @Column('text', { name: 'loss_reason', nullable: true })
  lossReason: string | null;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @MinorColumn({ name: 'provisional_minor' })
  provisionalMinor: bigint;

  @MinorColumn({ name: 'returned_minor' })
  returnedMinor: bigint;

  @MinorColumn({ name: 'paid_minor' })
  paidMinor: bigint;

  @MinorColumn({ name: 'overspent_minor' })
  overspentMinor: bigint;

  @MinorColumn({ name: 'aftercare_minor' })
  aftercareMinor: bigint;

  @Column('text')
  currency: Currency;

  @Column('timestamptz', { name: 'opened_at' })
  openedAt: Date;

  @Column('timestamptz', { name: 'closed_at', nullable: true })
  closedAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
