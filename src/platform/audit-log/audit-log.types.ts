import type { ApiKeyRole } from '../http/request.types';

export const auditActorTypes = ['api_key', 'command', 'system', 'anonymous'] as const;
export type AuditActorType = (typeof auditActorTypes)[number];

export const auditOutcomes = ['done', 'refused'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/** How much of a caller's address the audit log keeps: all of it, its network (/24, /48), or nothing. */
export const auditIpPolicies = ['truncated', 'full', 'none'] as const;
export type AuditIpPolicy = (typeof auditIpPolicies)[number];

/** What was done to what: `payout.cancel`, `payout`, `payout_01J…`. */
export type AuditedAct = Readonly<{ action: string; objectType: string; objectId: string | null }>;

/** Who did it and from where. */
export type AuditOrigin = Readonly<{
  actorType: AuditActorType;
  actorId: string | null;
  actorRole: ApiKeyRole | null;
  ip: string | null;
  userAgent: string | null;
  requestId: string | null;
}>;

export type AuditFilter = Readonly<{
  actorId?: string | undefined;
  action?: string | undefined;
  objectType?: string | undefined;
  objectId?: string | undefined;
  outcome?: AuditOutcome | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}>;
