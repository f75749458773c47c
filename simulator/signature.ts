import { createHmac } from 'node:crypto';
import { realNowMs, toSeconds } from './clock';
import type { EndpointFacts } from './kinds';

/** `Stripe-Signature` for a body: real time, one `v1` per living secret, and the decoy `v0` that test mode sends. */
export function signatureHeader(body: string, secrets: EndpointFacts['secrets']): string {
  const nowMs = realNowMs();
  const timestamp = toSeconds(nowMs);
  const sign = (secret: string) => createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  const living = secrets.filter(({ until }) => until === null || until > nowMs);
  const decoy = createHmac('sha256', 'decoy').update(body).digest('hex');
  return [`t=${timestamp}`, ...living.map(({ secret }) => `v1=${sign(secret)}`), `v0=${decoy}`].join(',');
}
