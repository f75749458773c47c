import { createHash, randomBytes } from 'node:crypto';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function base62(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += alphabet[byte % alphabet.length];
  return text;
}

/** Looks like Stripe's ids: a prefix and 24 letters and digits. */
export function newId(prefix: string): string {
  return `${prefix}_1${base62(randomBytes(23))}`;
}

export function newSecret(prefix: string, length = 32): string {
  return `${prefix}_${base62(randomBytes(length))}`;
}

/** The same secret key always names the same platform, so a restart or a second process finds its books. */
export function derivedId(prefix: string, secret: string, length: number): string {
  const digest = createHash('sha256').update(`${prefix}:${secret}`).digest();
  return `${prefix}_${base62(digest).slice(0, length)}`;
}
