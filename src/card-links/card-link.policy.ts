import { createHash, randomBytes, randomInt } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { networkOf, plainAddress } from '../platform/http/client-address';
import { CardLinkEnding, CardLinkStatus } from './card-link.types';

/** A seller may find the mail days later; the marketplace can ask for less. */
export const linkLifetimeSecondsDefault = 7 * 24 * 60 * 60;
export const linkLifetimeSecondsMin = 60;
/** As long as a payout may live, so that its link can. */
export const linkLifetimeSecondsMax = 370 * 24 * 60 * 60;
export const passcodeTriesMax = 5;

const tokenBytes = 32;
const tokenShape = /^[A-Za-z0-9_-]{43}$/;
const passcodeShape = /^\d{6}$/;
// argon2id is the package's default. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
const passcodeCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** 256 random bits: the only thing that opens the page, so it must not be guessed. */
export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url');
}

/** What is stored of a token or of a browser's cookie, or null for text that was never one of ours. */
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

/**
 * argon2id. Six digits can all be tried against a stolen table, however slow the hash: `secret` is a key that is not in the
 * database, and without it there is nothing to try.
 */
export async function hashPasscode(passcode: string, secret: Buffer): Promise<string> {
  return hash(passcode, { ...passcodeCost, secret });
}

/** `secrets`: every key that may have been the one, so that keys can be rotated. */
export async function isPasscodeOf(hashed: string, passcode: string, secrets: readonly Buffer[]): Promise<boolean> {
  for (const secret of secrets) {
    if (await verify(hashed, passcode, { ...passcodeCost, secret })) return true;
  }
  return false;
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

// Cubot makes telephones.
const robots =
  /(?<!cu)bot\b|crawl|spider|preview|scan|fetch|curl|wget|python|facebookexternalhit|slack|whatsapp\/|skype|teams|barracuda|safelinks|headless/i;

// The first that fits: what imitates another names it too.
const browsers: readonly (readonly [RegExp, string])[] = [
  [/edg(e|a|ios)?\//i, 'Edge'],
  [/opr\//i, 'Opera'],
  [/samsungbrowser\//i, 'Samsung Internet'],
  [/firefox\/|fxios\//i, 'Firefox'],
  [/chrome\/|crios\//i, 'Chrome'],
  [/safari\/|applewebkit\//i, 'Safari'],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/iphone/i, 'iPhone'],
  [/ipad/i, 'iPad'],
  [/android/i, 'Android'],
  [/windows/i, 'Windows'],
  [/cros/i, 'ChromeOS'],
  [/macintosh/i, 'Mac'],
  [/linux|x11/i, 'Linux'],
];

export const robot = 'robot';

/** `Safari on iPhone`: enough for the marketplace to ask "was that you?". The user agent itself is not kept. */
export function coarseClient(userAgent: string | undefined): string {
  if (!userAgent || robots.test(userAgent)) return robot;
  const named = (list: typeof browsers) => list.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = named(browsers) ?? 'another browser';
  const system = named(systems);
  return system === undefined ? browser : `${browser} on ${system}`;
}

/** What is kept of an address. */
export function addressToKeep(address: string, kept: 'none' | 'network' | 'full'): string | null {
  if (kept === 'none') return null;
  return kept === 'full' ? plainAddress(address) : networkOf(address);
}
