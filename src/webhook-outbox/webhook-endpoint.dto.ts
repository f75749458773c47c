import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import { outgoingEventTypes } from './outgoing-event.types';
import type { WebhookEndpointStatus } from './outgoing-event.types';
import { WebhookEndpoint } from './webhook-endpoint.entity';

export class CreateWebhookEndpointRequest {
  /** Where to post: https, a public address, no user name. */
  @IsString()
  @Length(1, 2048)
  url: string;

  /** Which events to send; every type when empty or absent. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsIn(outgoingEventTypes, { each: true })
  event_types?: string[];

  /** For people. */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string;
}

export class RotateSecretRequest {
  /** How long deliveries carry a signature by the old secret beside the new one, in seconds. Default a day, at most seven. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(7 * 24 * 3600)
  overlap_seconds?: number;
}

/** A webhook endpoint; `secret` only in the answer that made it. */
export class WebhookEndpointView {
  id: string;
  url: string;
  description: string | null;
  /** Empty: every type. */
  event_types: string[];
  status: WebhookEndpointStatus;
  disabled_reason: string | null;
  created_at: string;
  /** Until when the secret before the last rotation signs too. */
  previous_secret_expires_at: string | null;
  /** The signing secret, `whsec_…`: shown once, never again. */
  secret?: string;
  /** True in a replay, which leaves the secret out. */
  secret_shown_once?: boolean;
}

export function toWebhookEndpointView(endpoint: WebhookEndpoint): WebhookEndpointView {
  return {
    id: endpoint.id,
    url: endpoint.url,
    description: endpoint.description,
    event_types: endpoint.eventTypes,
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    created_at: endpoint.createdAt.toISOString(),
    previous_secret_expires_at: endpoint.previousSecretExpiresAt?.toISOString() ?? null,
  };
}
