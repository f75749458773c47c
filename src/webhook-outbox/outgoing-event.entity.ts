import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One fact told to the marketplace. */
@Entity({ name: 'outgoing_events' })
export class OutgoingEvent {
  @PrimaryColumn({ name: 'id', type: 'text' })
  id: string;

  /** In which order events of one payout were said; identity, so gaps are normal. */
  @Column({ name: 'sequence', type: 'bigint', generated: 'identity' })
  sequence: string;

  @Column({ name: 'type', type: 'text' })
  type: string;

  @Column({ name: 'connected_account_id', type: 'text', nullable: true })
  connectedAccountId: string | null;

  @Column({ name: 'payout_id', type: 'text', nullable: true })
  payoutId: string | null;

  @Column({ name: 'data', type: 'jsonb' })
  data: object;

  @Column({ name: 'occurred_at', type: 'timestamptz' })
  occurredAt: Date;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  /** When deliveries were made of it, one per endpoint that listens; null until then. */
  @Column({ name: 'fanned_out_at', type: 'timestamptz', nullable: true })
  fannedOutAt: Date | null;
}
