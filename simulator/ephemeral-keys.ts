import type Stripe from 'stripe';
import { badParameter, refused } from './errors';
import { newId, newSecret } from './ids';
import type { Session } from './session';

const lifetimeSeconds = 15 * 60;

/** A key for one card and one browser: the nonce ties it to the page that asked. */
export function createEphemeralKey(session: Session, params: Stripe.EphemeralKeyCreateParams): Stripe.EphemeralKey {
  if (params.customer !== undefined || params.verification_session !== undefined) {
    throw refused('This simulator makes ephemeral keys for issuing cards only.', undefined, 'issuing_card');
  }
  if (params.issuing_card === undefined)
    throw badParameter('Missing required param: issuing_card.', 'issuing_card', 'parameter_missing');
  if (params.nonce === undefined) throw badParameter('Missing required param: nonce.', 'nonce', 'parameter_missing');
  session.get('issuing.card', params.issuing_card, 'issuing_card');
  const key: Stripe.EphemeralKey & { object: 'ephemeral_key' } = {
    id: newId('ephkey'),
    object: 'ephemeral_key',
    created: session.now,
    expires: session.now + lifetimeSeconds,
    livemode: false,
  };
  const secret = newSecret('ek_test', 40);
  session.insert<'ephemeral_key'>(key, { secret, issuing_card: params.issuing_card, nonce: params.nonce });
  return { ...key, secret };
}

export function deleteEphemeralKey(session: Session, id: string): Stripe.EphemeralKey {
  const { body } = session.get('ephemeral_key', id);
  session.objects.remove(session.account, 'ephemeral_key', id);
  return { ...body, expires: session.now };
}
