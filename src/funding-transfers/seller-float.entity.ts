import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Currency } from '../shared/money';

@Entity('seller_floats')
export class SellerFloatEntity {
  @PrimaryColumn('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'stripe_account_id' })
  stripeAccountId: string;

  @Column('text')
  currency: Currency;

  @Column('timestamptz', { name: 'observed_from', nullable: true })
  observedFrom: Date | null;

  @Column('timestamptz', { name: 'observed_at', nullable: true })
  observedAt: Date | null;

  @Column('timestamptz', { name: 'next_check_at' })
  nextCheckAt: Date;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;
}
