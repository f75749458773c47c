import { Column, Entity, PrimaryColumn } from 'typeorm';
import { MinorColumn } from '../platform/database/minor-column';

@Entity('payout_labels')
export class PayoutLabelEntity {
  @PrimaryColumn('text')
  label: string;

  @MinorColumn({ name: 'daily_limit_minor', nullable: true })
  dailyLimitMinor: bigint | null;

  @Column('integer', { name: 'open_payouts_limit', nullable: true })
  openPayoutsLimit: number | null;

  @Column('timestamptz', { name: 'retired_at', nullable: true })
  retiredAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
