import { IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { IsMoment } from '../http/is-moment.decorator';
import type { ApiKeyRole } from '../http/request.types';
import { apiKeyRoles } from '../http/request.types';
import { ApiKey } from './api-key.entity';

export class CreateApiKeyRequest {
  /** What it is for, so that whoever revokes it knows. */
  @IsString()
  @Length(1, 100)
  @Matches(/\S/, { message: 'name must not be blank' })
  name: string;

  /** What it may do. */
  @IsIn(apiKeyRoles)
  role: ApiKeyRole;

  /** When it stops working by itself; never when absent. */
  @IsOptional()
  @IsMoment()
  expires_at?: string;
}

export class RotateApiKeyRequest {
  /** How long the old key works beside the new one, in seconds. Default a day, at most thirty. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(30 * 24 * 3600)
  overlap_seconds?: number;
}

/** An API key as it is shown; `key` only in the answer that made it. */
export class ApiKeyView {
  id: string;
  name: string;
  role: ApiKeyRole;
  /** How the key begins and ends. */
  hint: string;
  status: 'active' | 'expired' | 'revoked';
  created_at: string;
  created_by: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  /** To the minute. */
  last_used_at: string | null;
  /** The key itself: shown once, never again. */
  key?: string;
  /** True in a replay, which leaves the secret out. */
  secret_shown_once?: boolean;
}

export function toApiKeyView(apiKey: ApiKey, now: Date): ApiKeyView {
  const isExpired = apiKey.expiresAt !== null && apiKey.expiresAt <= now;
  return {
    id: apiKey.id,
    name: apiKey.name,
    role: apiKey.role,
    hint: apiKey.hint,
    status: apiKey.revokedAt ? 'revoked' : isExpired ? 'expired' : 'active',
    created_at: apiKey.createdAt.toISOString(),
    created_by: apiKey.createdByApiKeyId,
    expires_at: apiKey.expiresAt?.toISOString() ?? null,
    revoked_at: apiKey.revokedAt?.toISOString() ?? null,
    last_used_at: apiKey.lastUsedAt?.toISOString() ?? null,
  };
}
