import type { TransitionTable } from '../shared/transitions';
import type { StripeCallStatus } from './stripe-call.types';

/** `unknown → sent` is a new generation: the old key is dead and the object was proven absent. */
export const stripeCallTransitions: TransitionTable<StripeCallStatus> = {
  intended: ['sent'],
  sent: ['done', 'failed', 'unknown'],
  unknown: ['sent', 'done', 'failed'],
  done: [],
  failed: [],
};
