import { Column, Entity, PrimaryColumn } from 'typeorm';
import { CardLinkEnding } from './card-link.types';

@Entity('card_links')
export class CardLinkRow {
  @PrimaryColumn({ type: 'text' })
  id: string;

  @Column({ name: 'connected_account_id', type: 'text' })
  connectedAccountId: string;

  @Column({ name: 'payout_id', type: 'text' })
  payoutId: string;

  @Column({ name: 'token_hash', type: 'text' })
  tokenHash: string;

  /** argon2id with its salt and costs. */
  @Column({ name: 'passcode_hash', type: 'text', nullable: true })
  passcodeHash: string | null;

  @Column({ name: 'passcode_tries', type: 'smallint', default: 0 })
  passcodeTries: number;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'expires_at', type: 'timestamptz' })
  expiresAt: Date;

  @Column({ name: 'ended_at', type: 'timestamptz', nullable: true })
  endedAt: Date | null;

  @Column({ name: 'ended_because', type: 'text', nullable: true })
  endedBecause: CardLinkEnding | null;

  @Column({ type: 'integer', default: 0 })
  views: number;

  @Column({ name: 'last_viewed_at', type: 'timestamptz', nullable: true })
  lastViewedAt: Date | null;

  @Column({ name: 'last_viewed_with', type: 'text', nullable: true })
  lastViewedWith: string | null;

  /** Whose link it is: the hash of the cookie of the browser that showed the card. */
  @Column({ name: 'browser_hash', type: 'text', nullable: true })
  browserHash: string | null;

  @Column({ name: 'bound_at', type: 'timestamptz', nullable: true })
  boundAt: Date | null;

  @Column({ name: 'revealed_at', type: 'timestamptz', nullable: true })
  revealedAt: Date | null;

  @Column({ type: 'integer', default: 0 })
  reveals: number;
}
