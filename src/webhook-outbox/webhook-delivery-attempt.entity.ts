import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One try at a delivery and what came back. */
@Entity({ name: 'webhook_delivery_attempts' })
export class WebhookDeliveryAttempt {
  @PrimaryColumn({ name: 'delivery_id', type: 'text' })
  deliveryId: string;

  @PrimaryColumn({ name: 'attempt', type: 'integer' })
  attempt: number;

  @Column({ name: 'attempted_at', type: 'timestamptz' })
  attemptedAt: Date;

  @Column({ name: 'duration_ms', type: 'integer' })
  durationMs: number;

  @Column({ name: 'response_status', type: 'integer', nullable: true })
  responseStatus: number | null;

  /** The first bytes of the answer, for whoever debugs the receiver. */
  @Column({ name: 'response_start', type: 'text', nullable: true })
  responseStart: string | null;

  @Column({ name: 'error', type: 'text', nullable: true })
  error: string | null;
}
