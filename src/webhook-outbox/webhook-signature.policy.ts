import { createHmac, randomBytes } from 'node:crypto';

const secretPrefix = 'whsec_';
const secretBytes = 32;

/** A new signing secret: `whsec_` and base64. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
export function makeSigningSecret(): string {
  return secretPrefix + randomBytes(secretBytes).toString('base64');
}

/**
 * The headers of one delivery by Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, one signature per secret, so that both
 * the old and the new secret verify during a rotation.
 */
export function signedHeaders(
  id: string,
  sentAt: Date,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = Math.floor(sentAt.getTime() / 1_000).toString();
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(secretPrefix.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
