import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { PageQuery } from '../platform/http/page.dto';
import { webhookDeliveryStatuses } from './outgoing-event.types';
import type { WebhookDeliveryStatus } from './outgoing-event.types';
import { ListedDelivery } from './webhook-outbox.repository';

export class ListWebhookDeliveriesQuery extends PageQuery {
  /** Only deliveries to this endpoint. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  endpoint?: string;

  /** Only deliveries of this event. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  event?: string;

  @IsOptional()
  @IsIn(webhookDeliveryStatuses)
  status?: WebhookDeliveryStatus;
}

/** One try. */
export class WebhookDeliveryAttemptView {
  attempted_at: string;
  duration_ms: number;
  /** The HTTP status that came back; null when none did. */
  response_status: number | null;
  /** The first 500 characters of the answer. */
  response_start: string | null;
  /** Why there was no answer. */
  error: string | null;
}

export class WebhookDeliveryView {
  id: string;
  endpoint: string;
  event: string;
  event_type: string;
  payout: string | null;
  status: WebhookDeliveryStatus;
  next_attempt_at: string | null;
  delivered_at: string | null;
  created_at: string;
  attempts: WebhookDeliveryAttemptView[];
}

export function toWebhookDeliveryView({ delivery, eventType, attempts }: ListedDelivery): WebhookDeliveryView {
  return {
    id: delivery.id,
    endpoint: delivery.endpointId,
    event: delivery.eventId,
    event_type: eventType,
    payout: delivery.payoutId,
    status: delivery.status,
    next_attempt_at: delivery.nextAttemptAt?.toISOString() ?? null,
    delivered_at: delivery.deliveredAt?.toISOString() ?? null,
    created_at: delivery.createdAt.toISOString(),
    attempts: attempts.map((attempt) => ({
      attempted_at: attempt.attemptedAt.toISOString(),
      duration_ms: attempt.durationMs,
      response_status: attempt.responseStatus,
      response_start: attempt.responseStart,
      error: attempt.error,
    })),
  };
}
