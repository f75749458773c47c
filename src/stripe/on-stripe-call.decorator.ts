import { SetMetadata } from '@nestjs/common';
import type { StripeCallKind } from './stripe-call.types';

export const onStripeCallMetadata = 'disburse:on-stripe-call';

/**
 * Marks the method that takes the outcome of calls of this kind: `(tx: Tx, call: SettledStripeCall<K>) => Promise<void>`.
 * It runs in the transaction that writes the outcome: throwing rolls the outcome back, and the call is repeated with the same key.
 * So it must not call Stripe, and must ignore references that are not its own.
 */
export const OnStripeCall = (...kinds: [StripeCallKind, ...StripeCallKind[]]) =>
  SetMetadata(onStripeCallMetadata, kinds);
