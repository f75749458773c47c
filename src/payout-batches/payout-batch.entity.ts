import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { BatchFormat } from './payout-batch.types';

@Entity('payout_batches')
export class PayoutBatchEntity {
  @PrimaryColumn('text')
  id: string;

  @Column('text')
  format: BatchFormat;

  @Column('integer', { name: 'row_count' })
  rowCount: number;

  @Column('bytea', { name: 'content_sha256' })
  contentSha256: Buffer;

  @Column('text', { name: 'requested_by_api_key_id' })
  requestedByApiKeyId: string;

  @Column('text', { name: 'requested_by_family_id' })
  requestedByFamilyId: string;

  @Column('timestamptz', { name: 'created_at' })
  createdAt: Date;

  @Column('timestamptz', { name: 'completed_at', nullable: true })
  completedAt: Date | null;
}
