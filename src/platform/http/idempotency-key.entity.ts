import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One answered request, kept so that repeating it gives the same answer and does nothing. */
@Entity({ name: 'idempotency_keys' })
export class IdempotencyKey {
  @PrimaryColumn({ name: 'key_family_id', type: 'text' })
  keyFamilyId: string;

  @PrimaryColumn({ name: 'key', type: 'text' })
  key: string;

  @Column({ name: 'request_hash', type: 'bytea' })
  requestHash: Buffer;

  @Column({ name: 'status', type: 'integer' })
  status: number;

  @Column({ name: 'answer', type: 'json' })
  answer: object;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;
}
