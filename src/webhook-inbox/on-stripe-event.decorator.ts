import { SetMetadata } from '@nestjs/common';

export const onStripeEventMetadata = 'disburse:on-stripe-event';

/**
 * Marks the method that acts on stored Stripe events of these types: `(event: StripeEvent) => Promise<void>`, on a provider in `*.inbox.ts`.
 * Events may come twice, late and in any order: be idempotent by the object, and fetch it again when `event.isStale`.
 * Throwing makes the job retry; after the last retry the event waits in the dead letters.
 */
export const OnStripeEvent = (...types: [string, ...string[]]) => SetMetadata(onStripeEventMetadata, types);
