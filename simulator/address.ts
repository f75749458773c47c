import type Stripe from 'stripe';

/** Stripe says every part of an address, those not given as null. */
export function fullAddress(given: Partial<Stripe.Address>): Stripe.Address {
  return { city: null, country: null, line1: null, line2: null, postal_code: null, state: null, ...given };
}
