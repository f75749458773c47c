import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ApiKeyRole } from '../http/request.types';
import type { AuditActorType, AuditOutcome } from './audit-log.types';

/** One thing that somebody did, or was refused. */
@Entity({ name: 'audit_log' })
export class AuditEntry {
  @PrimaryColumn({ name: 'id', type: 'text' })
  id: string;

  @Column({ name: 'occurred_at', type: 'timestamptz' })
  occurredAt: Date;

  @Column({ name: 'actor_type', type: 'text' })
  actorType: AuditActorType;

  @Column({ name: 'actor_id', type: 'text', nullable: true })
  actorId: string | null;

  @Column({ name: 'actor_role', type: 'text', nullable: true })
  actorRole: ApiKeyRole | null;

  @Column({ name: 'action', type: 'text' })
  action: string;

  @Column({ name: 'object_type', type: 'text' })
  objectType: string;

  @Column({ name: 'object_id', type: 'text', nullable: true })
  objectId: string | null;

  @Column({ name: 'outcome', type: 'text' })
  outcome: AuditOutcome;

  @Column({ name: 'refusal_code', type: 'text', nullable: true })
  refusalCode: string | null;

  @Column({ name: 'before', type: 'jsonb', nullable: true })
  before: object | null;

  @Column({ name: 'after', type: 'jsonb', nullable: true })
  after: object | null;

  @Column({ name: 'ip', type: 'text', nullable: true })
  ip: string | null;

  @Column({ name: 'user_agent', type: 'text', nullable: true })
  userAgent: string | null;

  @Column({ name: 'request_id', type: 'text', nullable: true })
  requestId: string | null;
}
