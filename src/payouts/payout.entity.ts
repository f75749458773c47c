import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { CardControls } from '../card-issuance/card.types';
import { MinorColumn } from '../platform/database/minor-column';
import type { Currency } from '../shared/money';
import type { PayoutOutcome, PayoutStatus, WaitingReason } from './payout.types';

@Entity('payouts')
export class PayoutEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'cardholder_id' })
  cardholderId: string;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @Column('text')
  currency: Currency;

  @Column('text')
  status: PayoutStatus;

  @Column('text', { name: 'waiting_on', nullable: true })
  waitingOn: WaitingReason | null;

  @Column('timestamptz', { name: 'retry_at', nullable: true })
  retryAt: Date | null;

  @Column('text', { nullable: true })
  outcome: PayoutOutcome | null;

  @Column('text')
  reference: string;

  @Column('text', { nullable: true })
  description: string | null;

  @Column('text', { nullable: true })
  label: string | null;

  @Column('text', { nullable: true })
  purpose: string | null;

  @Column('jsonb')
  controls: CardControls;

  @Column('jsonb')
  metadata: Record<string, string>;

  @Column('timestamptz', { name: 'expires_at' })
  expiresAt: Date;

  @Column('text', { name: 'card_id', nullable: true })
  cardId: string | null;

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode: string | null;

  @Column('text', { name: 'failure_detail', nullable: true })
  failureDetail: string | null;

  @Column('text', { name: 'requested_by_api_key_id', nullable: true })
  requestedByApiKeyId: string | null;

  @Column('text', { name: 'approval_decision', nullable: true })
  approvalDecision: 'approved' | 'rejected' | null;

  @Column('text', { name: 'approval_note', nullable: true })
  approvalNote: string | null;

  @Column('text', { name: 'approval_api_key_id', nullable: true })
  approvalApiKeyId: string | null;

  @Column('timestamptz', { name: 'approval_decided_at', nullable: true })
  approvalDecidedAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
