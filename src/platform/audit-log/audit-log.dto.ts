import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import { IsMoment } from '../http/is-moment.decorator';
import { PageQuery } from '../http/page.dto';
import type { AuditEntry } from './audit-entry.entity';
import { auditOutcomes } from './audit-log.types';
import type { AuditFilter, AuditOutcome } from './audit-log.types';

export class AuditLogQuery extends PageQuery {
  /** Only what this API key did. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  actor?: string;

  /**
   * Only this kind of act.
   * @example "payout.cancel"
   */
  @IsOptional()
  @Matches(/^[a-z_]{1,60}\.[a-z_]{1,60}$/, { message: 'action must look like payout.cancel' })
  action?: string;

  /** Only what was done to this object. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  object?: string;

  /**
   * Only what was done to objects of this kind.
   * @example "payout"
   */
  @IsOptional()
  @IsString()
  @MaxLength(60)
  object_type?: string;

  /** `done`, or `refused` for attempts that were turned down. */
  @IsOptional()
  @IsIn(auditOutcomes)
  outcome?: AuditOutcome;

  /** From this moment on. */
  @IsOptional()
  @IsMoment()
  from?: string;

  /** Before this moment. */
  @IsOptional()
  @IsMoment()
  to?: string;
}

/** The whole of what matches; `limit` and `starting_after` are not looked at. */
export class AuditLogExportQuery extends AuditLogQuery {
  /** `json_lines` (one object a line) or `csv`. */
  @IsOptional()
  @IsIn(['json_lines', 'csv'])
  format: 'json_lines' | 'csv' = 'json_lines';
}

export class AuditActorView {
  /** `api_key`, `command` (the command line), `system` (the service itself), `anonymous` (no valid key). */
  type: string;
  /** The key's id, or the system user's name. */
  id: string | null;
  /** The key's role then. */
  role: string | null;
}

export class AuditObjectView {
  type: string;
  id: string | null;
}

export class AuditEntryView {
  /** @example "audit_01KAJ0G6W1M4Q8V0T5R2N7XYZA" */
  id: string;
  occurred_at: string;
  actor: AuditActorView;
  /** @example "payout.cancel" */
  action: string;
  object: AuditObjectView;
  /** `done` or `refused`. */
  outcome: string;
  /** Why it was refused: the code of the answer's problem details. */
  refusal_code: string | null;
  /** Chosen fields of the object before and after; never a secret, never personal data. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  /** The caller's network (or address, where AUDIT_IP says full). */
  ip: string | null;
  user_agent: string | null;
  request_id: string | null;
}

export function toAuditFilter(query: AuditLogQuery): AuditFilter {
  return {
    actorId: query.actor,
    action: query.action,
    objectType: query.object_type,
    objectId: query.object,
    outcome: query.outcome,
    from: query.from === undefined ? undefined : new Date(query.from),
    to: query.to === undefined ? undefined : new Date(query.to),
  };
}

export function toAuditEntryView(entry: AuditEntry): AuditEntryView {
  return {
    id: entry.id,
    occurred_at: entry.occurredAt.toISOString(),
    actor: { type: entry.actorType, id: entry.actorId, role: entry.actorRole },
    action: entry.action,
    object: { type: entry.objectType, id: entry.objectId },
    outcome: entry.outcome,
    refusal_code: entry.refusalCode,
    before: entry.before as Record<string, unknown> | null,
    after: entry.after as Record<string, unknown> | null,
    ip: entry.ip,
    user_agent: entry.userAgent,
    request_id: entry.requestId,
  };
}
