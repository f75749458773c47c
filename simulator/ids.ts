import { createHash, randomBytes } from 'node:crypto';
import { realNowMs } from './clock';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function base62(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += alphabet[byte % alphabet.length];
  return text;
}

const momentLength = 7;

/**
 * Looks like Stripe's ids: a prefix and 24 letters and digits that begin with the moment of creation. So what is made together
 * lies together in every index: among a million rows, an insert touches no more pages than among a hundred.
 */
export function newId(prefix: string): string {
  let moment = '';
  for (let rest = realNowMs(); moment.length < momentLength; rest = Math.floor(rest / alphabet.length)) {
    moment = (alphabet[rest % alphabet.length] ?? '') + moment;
  }
  return `${prefix}_1${moment}${base62(randomBytes(16))}`;
}

export function newSecret(prefix: string, length = 32): string {
  return `${prefix}_${base62(randomBytes(length))}`;
}

/** The same secret key always names the same platform, so a restart or a second process finds its books. */
export function derivedId(prefix: string, secret: string, length: number): string {
  const digest = createHash('sha256').update(`${prefix}:${secret}`).digest();
  return `${prefix}_${base62(digest).slice(0, length)}`;
}
