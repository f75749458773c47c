import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { JsonObject } from '../stripe/stripe.types';
import type { StoredStripeEventStatus } from './stripe-event.types';

/** One event from Stripe, stored once, and what became of it. */
@Entity({ name: 'stripe_events' })
export class StoredStripeEvent {
  @PrimaryColumn({ name: 'id', type: 'text' })
  id: string;

  @Column({ name: 'stripe_event_id', type: 'text' })
  stripeEventId: string;

  @Column({ name: 'type', type: 'text' })
  type: string;

  @Column({ name: 'stripe_account_id', type: 'text', nullable: true })
  stripeAccountId: string | null;

  @Column({ name: 'object_id', type: 'text', nullable: true })
  objectId: string | null;

  @Column({ name: 'object_type', type: 'text', nullable: true })
  objectType: string | null;

  @Column({ name: 'object', type: 'jsonb' })
  object: JsonObject;

  @Column({ name: 'previous_attributes', type: 'jsonb', nullable: true })
  previousAttributes: JsonObject | null;

  @Column({ name: 'api_version', type: 'text', nullable: true })
  apiVersion: string | null;

  @Column({ name: 'occurred_at', type: 'timestamptz' })
  occurredAt: Date;

  @Column({ name: 'received_at', type: 'timestamptz' })
  receivedAt: Date;

  @Column({ name: 'source', type: 'text' })
  source: 'webhook' | 'sweep';

  @Column({ name: 'status', type: 'text' })
  status: StoredStripeEventStatus;

  @Column({ name: 'priority', type: 'smallint' })
  priority: 0 | 1;

  @Column({ name: 'attempts', type: 'integer' })
  attempts: number;

  @Column({ name: 'dispatched_at', type: 'timestamptz', nullable: true })
  dispatchedAt: Date | null;

  @Column({ name: 'is_stale', type: 'boolean' })
  isStale: boolean;

  @Column({ name: 'handled_by', type: 'text', array: true })
  handledBy: string[];

  @Column({ name: 'handled_at', type: 'timestamptz', nullable: true })
  handledAt: Date | null;

  @Column({ name: 'last_error', type: 'text', nullable: true })
  lastError: string | null;

  @Column({ name: 'next_attempt_at', type: 'timestamptz' })
  nextAttemptAt: Date;
}
