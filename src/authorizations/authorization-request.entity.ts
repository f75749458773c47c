import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AuthorizationVerdict } from '../authorization-decisions/authorization-reason.types';
import { MinorColumn } from '../platform/database/minor-column';
import type { AuthorizationDifference, AuthorizationKind, NetworkOutcome } from './authorization.types';

@Entity('authorization_requests')
export class AuthorizationRequestEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'authorization_id' })
  authorizationId: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'payout_id' })
  payoutId: string;

  @Column('integer')
  sequence: number;

  @Column('text')
  kind: AuthorizationKind;

  @Column('text', { name: 'stripe_event_id', nullable: true })
  stripeEventId: string | null;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @MinorColumn({ name: 'approved_minor' })
  approvedMinor: bigint;

  @Column('boolean')
  approved: boolean;

  @Column('text')
  reason: string;

  @Column('jsonb', { nullable: true })
  inputs: { request: object; facts: object; verdict: AuthorizationVerdict } | null;

  @Column('integer', { name: 'latency_ms', nullable: true })
  latencyMs: number | null;

  @Column('jsonb', { nullable: true })
  stages: Record<string, number> | null;

  @Column('text', { name: 'network_outcome', nullable: true })
  networkOutcome: NetworkOutcome | null;

  @Column('text', { name: 'network_reason', nullable: true })
  networkReason: string | null;

  @Column('text', { nullable: true })
  difference: AuthorizationDifference | null;

  @MinorColumn({ name: 'held_minor' })
  heldMinor: bigint;

  @MinorColumn({ name: 'backed_minor' })
  backedMinor: bigint;

  @Column('text', { name: 'balance_transaction_id', nullable: true })
  balanceTransactionId: string | null;

  @Column('timestamptz', { name: 'asked_at' })
  askedAt: Date;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
