import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { CardholderRequirements, CardholderStatus, CardholderType } from './cardholder.types';

@Entity('cardholders')
export class CardholderEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text', { name: 'connected_account_id' })
  connectedAccountId: string;

  @Column('text', { name: 'stripe_cardholder_id', nullable: true })
  stripeCardholderId: string | null;

  @Column('text')
  type: CardholderType;

  @Column('text')
  status: CardholderStatus;

  /** A CardholderProfile as JSON, encrypted. */
  @Column('text', { name: 'personal_data_encrypted' })
  personalDataEncrypted: string;

  /** The call that makes it at Stripe. Null: it waits for its account's card_issuing capability. */
  @Column('text', { name: 'stripe_call_id', nullable: true })
  stripeCallId: string | null;

  /** Changed while the call that makes it was on its way: Stripe gets the changes as soon as it exists there. */
  @Column('boolean', { name: 'has_unsent_changes' })
  hasUnsentChanges: boolean;

  @Column('jsonb')
  requirements: CardholderRequirements;

  @Column('text', { name: 'failure_code', nullable: true })
  failureCode: string | null;

  @Column('text', { name: 'failure_detail', nullable: true })
  failureDetail: string | null;

  /** When the newest answer of Stripe's that we hold was asked for: an answer asked for earlier never overwrites it. */
  @Column('timestamptz', { name: 'stripe_checked_at', nullable: true })
  stripeCheckedAt: Date | null;

  /** When the personal data was erased, on the person's demand. */
  @Column('timestamptz', { name: 'erased_at', nullable: true })
  erasedAt: Date | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt: Date;
}
