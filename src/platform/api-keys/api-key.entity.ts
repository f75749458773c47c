import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApiKeyRole } from '../http/request.types';

/** One API key; the key itself is not here, only its SHA-256. */
@Entity({ name: 'api_keys' })
export class ApiKey {
  @PrimaryColumn({ name: 'id', type: 'text' })
  id: string;

  @Column({ name: 'name', type: 'text' })
  name: string;

  @Column({ name: 'role', type: 'text' })
  role: ApiKeyRole;

  @Column({ name: 'key_hash', type: 'bytea' })
  keyHash: Buffer;

  /** How the key begins and ends, so that a person can tell which one it is. */
  @Column({ name: 'hint', type: 'text' })
  hint: string;

  @Column({ name: 'created_at', type: 'timestamptz' })
  createdAt: Date;

  @Column({ name: 'created_by_api_key_id', type: 'text', nullable: true })
  createdByApiKeyId: string | null;

  /** The first key of its line of rotations; its own id when it is that. */
  @Column({ name: 'family_id', type: 'text' })
  familyId: string;

  @Column({ name: 'expires_at', type: 'timestamptz', nullable: true })
  expiresAt: Date | null;

  @Column({ name: 'revoked_at', type: 'timestamptz', nullable: true })
  revokedAt: Date | null;

  /** To the minute: it is not written on every request. */
  @Column({ name: 'last_used_at', type: 'timestamptz', nullable: true })
  lastUsedAt: Date | null;
}
