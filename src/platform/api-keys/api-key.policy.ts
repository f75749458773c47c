import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretLength = 40;
const checksumLength = 6;
const shape = new RegExp(`^(dsb_(?:test|live)_[0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`);

/**
 * A new key: `dsb_test_` or `dsb_live_`, 40 random letters and digits (238 bits), and a checksum, so that scanners can tell a leaked
 * key from noise and a mistyped one is refused without asking the database.
 */
export function makeKey(isLiveMode: boolean): string {
  let secret = '';
  while (secret.length < secretLength) {
    for (const byte of randomBytes(secretLength)) {
      // 248 is the largest multiple of 62 in a byte: larger ones would favour the first letters.
      if (byte < 248 && secret.length < secretLength) secret += alphabet[byte % 62];
    }
  }
  const body = `dsb_${isLiveMode ? 'live' : 'test'}_${secret}`;
  return body + checksumOf(body);
}

/** True when the text has our shape and its checksum fits; says nothing about whether the key exists. */
export function isWellFormedKey(text: string): boolean {
  const [, body, checksum] = shape.exec(text) ?? [];
  return body !== undefined && checksum === checksumOf(body);
}

/** What is stored. A plain SHA-256 is enough: the key is random, so there is nothing to guess. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key, 'utf8').digest();
}

/** `dsb_test_4fK…9aZ2`: enough to recognise a key, far too little to use it. */
export function hintOf(key: string): string {
  return `${key.slice(0, 12)}…${key.slice(-4)}`;
}

function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let i = 0; i < checksumLength; i++) {
    text = alphabet[rest % 62] + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
