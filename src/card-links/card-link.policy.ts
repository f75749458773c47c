import { createHash, randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { CardLinkEnding, CardLinkStatus, ClientKind } from './card-link.types';

/** A seller may find the mail days later; the marketplace can ask for less. */
export const linkLifetimeSecondsDefault = 7 * 24 * 60 * 60;
export const linkLifetimeSecondsMin = 60;
/** As long as a payout may live, so that its link can. */
export const linkLifetimeSecondsMax = 370 * 24 * 60 * 60;
export const passcodeTriesMax = 5;

const tokenBytes = 32;
const tokenShape = /^[A-Za-z0-9_-]{43}$/;
const passcodeShape = /^\d{6}$/;

/** 256 random bits: the only thing that opens the page, so it must not be guessed. */
export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

/** What is stored of a token, or null for text that was never a token of ours. */
export function hashToken(token: string): string | null {
  return tokenShape.test(token) ? createHash('sha256').update(token).digest('hex') : null;
}

/** Six digits: short enough for a phone call; guessing is stopped by the lock, not by their number. */
export function newPasscode(): string {
  return randomInt(1_000_000).toString().padStart(6, '0');
}

/** Anything else is not a try: a mail scanner that submits the empty form must not lock the seller out. */
export function isPasscodeShaped(text: unknown): text is string {
  return typeof text === 'string' && passcodeShape.test(text);
}

export function newSalt(): string {
  return randomBytes(16).toString('hex');
}

/** scrypt with 32 MB: a stolen table must not give six digits away for the price of a loop. */
export async function hashPasscode(passcode: string, salt: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(passcode, Buffer.from(salt, 'hex'), 32, { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 }, (error, key) =>
      error ? reject(error) : resolve(key.toString('hex')),
    );
  });
}

export function isSameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, 'hex');
  const right = Buffer.from(b, 'hex');
  return left.length === right.length && timingSafeEqual(left, right);
}

export function statusOf(
  link: { endedBecause: CardLinkEnding | null; endedAt: Date | null; expiresAt: Date },
  now: Date,
): CardLinkStatus {
  // Replacing a link that had already expired does not change what its holder met.
  const endedInTime = link.endedAt !== null && link.endedAt <= link.expiresAt;
  if (link.endedBecause && endedInTime) return link.endedBecause;
  return link.expiresAt <= now ? 'expired' : 'active';
}

const robots =
  /bot|crawl|spider|preview|scan|fetch|curl|wget|python|facebookexternalhit|slack|whatsapp|skype|teams|outlook|headless/i;
const phones = /mobile|iphone|android/i;
const computers = /windows|macintosh|x11|cros/i;

/** The coarse kind of a client; the user agent itself is not kept. */
export function clientKind(userAgent: string | undefined): ClientKind {
  if (userAgent === undefined || robots.test(userAgent)) return 'robot';
  if (phones.test(userAgent)) return 'phone';
  return computers.test(userAgent) ? 'computer' : 'other';
}
