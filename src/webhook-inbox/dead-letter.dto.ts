import { StoredStripeEvent } from './stored-stripe-event.entity';

/** A Stripe event whose handlers failed to the last retry. */
export class DeadLetterView {
  id: string;
  stripe_event_id: string;
  type: string;
  /** The connected account at Stripe; null: the platform. */
  stripe_account_id: string | null;
  stripe_object_id: string | null;
  status: string;
  attempts: number;
  last_error: string | null;
  occurred_at: string;
  received_at: string;
}

export class DeadLetterPage {
  data: DeadLetterView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toDeadLetterView(event: StoredStripeEvent): DeadLetterView {
  return {
    id: event.id,
    stripe_event_id: event.stripeEventId,
    type: event.type,
    stripe_account_id: event.stripeAccountId,
    stripe_object_id: event.objectId,
    status: event.status,
    attempts: event.attempts,
    last_error: event.lastError,
    occurred_at: event.occurredAt.toISOString(),
    received_at: event.receivedAt.toISOString(),
  };
}
