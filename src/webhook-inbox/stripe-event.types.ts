import type { JsonObject } from '../stripe/stripe.types';

/** A stored Stripe event, as handlers get it. */
export type StripeEvent = Readonly<{
  id: string;
  type: string;
  /** The connected account it happened on (`acct_…`); `null`: the platform. */
  stripeAccount: string | null;
  createdAt: Date;
  /** Cut down to the fields the service needs, in Stripe's own names; the id is `object.id`. */
  object: JsonObject;
  previousAttributes: JsonObject | null;
  /** Another event of the same object, of the same or a later second, was dispatched before: the object has to be fetched again. */
  isStale: boolean;
}>;

/** `ignored`: nobody listens to its type; `dead`: its handlers failed to the last retry and a person has to look. */
export type StoredStripeEventStatus = 'pending' | 'handled' | 'ignored' | 'dead';

/** How an event reached us. */
export type StripeEventSource = 'webhook' | 'sweep';
