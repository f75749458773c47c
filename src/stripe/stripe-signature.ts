import { createHmac, timingSafeEqual } from 'node:crypto';
import { StripeSignatureInvalid } from './stripe.errors';

/** Stripe's own default. https://docs.stripe.com/webhooks/signature */
export const stripeSignatureToleranceMs = 300_000;

// A rolled secret gives two signatures; more than a few is somebody making us work.
const signaturesMax = 10;

/**
 * Checks `Stripe-Signature` (`t=…,v1=…[,v1=…][,v0=…]`) over the raw bytes. Only `v1` counts: `v0` is a decoy of test mode.
 * Any of several secrets may match (account and Connect endpoints, rotation).
 *
 * @param now a signature older than the tolerance is a replay. A time ahead of ours is no sign of one: it is signed too, and clocks differ.
 * @throws {StripeSignatureInvalid}
 */
export function verifyStripeSignature(
  rawBody: Buffer,
  header: string | undefined,
  secrets: readonly string[],
  toleranceMs: number,
  now: Date,
): void {
  if (!header) throw new StripeSignatureInvalid('the Stripe-Signature header is missing');
  const { timestamp, signatures } = parseHeader(header);
  if (timestamp === null || signatures.length === 0) {
    throw new StripeSignatureInvalid('the Stripe-Signature header has no time or no v1 signature');
  }
  if (!secrets.some((secret) => matchesAny(sign(rawBody, timestamp, secret), signatures))) {
    throw new StripeSignatureInvalid('no signature matches a signing secret of this service');
  }
  // After the comparison: what is not signed says nothing about time.
  if (now.getTime() - Number(timestamp) * 1_000 > toleranceMs) {
    throw new StripeSignatureInvalid('the signature is too old');
  }
}

function parseHeader(header: string): { timestamp: string | null; signatures: Buffer[] } {
  let timestamp: string | null = null;
  const signatures: Buffer[] = [];
  for (const part of header.split(',', 50)) {
    const [scheme, value] = splitOnce(part.trim());
    if (scheme === 't' && /^\d{1,12}$/.test(value)) timestamp = value;
    if (scheme === 'v1' && /^[0-9a-f]{64}$/.test(value) && signatures.length < signaturesMax) {
      signatures.push(Buffer.from(value, 'hex'));
    }
  }
  return { timestamp, signatures };
}

function splitOnce(part: string): [string, string] {
  const at = part.indexOf('=');
  return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
}

function sign(rawBody: Buffer, timestamp: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(rawBody).digest();
}

function matchesAny(expected: Buffer, signatures: readonly Buffer[]): boolean {
  return signatures.some((signature) => timingSafeEqual(expected, signature));
}
