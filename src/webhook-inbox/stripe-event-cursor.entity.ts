import { Column, Entity, PrimaryColumn } from 'typeorm';

/** How far the sweep of one account's events has come. */
@Entity({ name: 'stripe_event_cursors' })
export class StripeEventCursor {
  @PrimaryColumn({ name: 'stripe_account_id', type: 'text' })
  stripeAccountId: string;

  @Column({ name: 'swept_to', type: 'timestamptz', nullable: true })
  sweptTo: Date | null;

  @Column({ name: 'next_sweep_at', type: 'timestamptz' })
  nextSweepAt: Date;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
