import { Column, Entity, PrimaryColumn } from 'typeorm';
import { MinorColumn } from '../platform/database/minor-column';
import type { Currency } from '../shared/money';
import type { SettleAction } from './aftercare.types';

@Entity('aftercare_settlements')
export class AftercareSettlementEntity {
  /** The card transaction or dispute that overspent: settled once. */
  @PrimaryColumn('text', { name: 'item_id' })
  itemId: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'payout_id' })
  payoutId: string;

  @Column('text')
  action: SettleAction;

  @MinorColumn({ name: 'amount_minor' })
  amountMinor: bigint;

  @Column('text')
  currency: Currency;

  @Column('text')
  note: string;

  @Column('text', { name: 'settled_by' })
  settledBy: string;

  @Column('timestamptz', { name: 'settled_at' })
  settledAt: Date;
}
