import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StripeCallKind, StripeCallStatus } from './stripe-call.types';

/** One effect at Stripe: its intent, key, attempts and outcome. */
@Entity({ name: 'stripe_calls' })
export class StripeCall {
  @PrimaryColumn({ name: 'id', type: 'text' })
  id: string;

  @Column({ name: 'sequence', type: 'bigint', insert: false, update: false })
  sequence: string;

  @Column({ name: 'kind', type: 'text' })
  kind: StripeCallKind;

  @Column({ name: 'reference', type: 'text' })
  reference: string;

  @Column({ name: 'connected_account_id', type: 'text' })
  connectedAccountId: string;

  @Column({ name: 'payout_id', type: 'text', nullable: true })
  payoutId: string | null;

  @Column({ name: 'stripe_account_id', type: 'text', nullable: true })
  stripeAccountId: string | null;

  @Column({ name: 'lane', type: 'text', nullable: true })
  lane: string | null;

  @Column({ name: 'params', type: 'jsonb', nullable: true })
  params: object | null;

  @Column({ name: 'sealed_params', type: 'text', nullable: true })
  sealedParams: string | null;

  @Column({ name: 'params_hash', type: 'bytea' })
  paramsHash: Buffer;

  @Column({ name: 'generation', type: 'integer' })
  generation: number;

  @Column({ name: 'idempotency_key', type: 'text' })
  idempotencyKey: string;

  @Column({ name: 'status', type: 'text' })
  status: StripeCallStatus;

  @Column({ name: 'attempts', type: 'integer' })
  attempts: number;

  @Column({ name: 'server_errors', type: 'integer' })
  serverErrors: number;

  @Column({ name: 'absences', type: 'integer' })
  absences: number;

  @Column({ name: 'looks', type: 'integer' })
  looks: number;

  @Column({ name: 'must_look', type: 'boolean' })
  mustLook: boolean;

  @Column({ name: 'stripe_object_id', type: 'text', nullable: true })
  stripeObjectId: string | null;

  @Column({ name: 'claimed_balance_transaction_id', type: 'text', nullable: true })
  claimedBalanceTransactionId: string | null;

  @Column({ name: 'result', type: 'jsonb', nullable: true })
  result: object | null;

  @Column({ name: 'failure_code', type: 'text', nullable: true })
  failureCode: string | null;

  @Column({ name: 'failure_detail', type: 'text', nullable: true })
  failureDetail: string | null;

  @Column({ name: 'failure_param', type: 'text', nullable: true })
  failureParam: string | null;

  @Column({ name: 'intended_at', type: 'timestamptz' })
  intendedAt: Date;

  @Column({ name: 'sent_at', type: 'timestamptz', nullable: true })
  sentAt: Date | null;

  @Column({ name: 'settled_at', type: 'timestamptz', nullable: true })
  settledAt: Date | null;

  @Column({ name: 'next_attempt_at', type: 'timestamptz' })
  nextAttemptAt: Date;

  @Column({ name: 'lease_token', type: 'text', nullable: true })
  leaseToken: string | null;

  @Column({ name: 'lease_expires_at', type: 'timestamptz', nullable: true })
  leaseExpiresAt: Date | null;
}
