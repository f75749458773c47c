import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';

/**
 * Hashes that only this service can make, for what must be recognised but not read (an address as a rate limit's key) and for what
 * goes through foreign hands and comes back (a page's token). HMAC-SHA-256 under a key of its own per purpose, derived (HKDF, RFC 5869)
 * from `DATA_ENCRYPTION_KEYS`: the first key makes, all recognise.
 */
@Injectable()
export class KeyedHashes {
  private readonly derived = new Map<string, readonly Buffer[]>();

  constructor(private readonly config: Config) {}

  /** base64url. @throws {Error} when no key is configured */
  make(purpose: string, text: string): string {
    return this.hash(this.currentKey(purpose), text).toString('base64url');
  }

  isMadeOf(hash: string, purpose: string, text: string): boolean {
    const given = Buffer.from(hash, 'base64url');
    return this.keys(purpose)
      .map((key) => this.hash(key, text))
      .some((made) => made.length === given.length && timingSafeEqual(made, given));
  }

  /** The key a purpose hashes with now: 32 bytes. @throws {Error} when no key is configured */
  currentKey(purpose: string): Buffer {
    const [key] = this.keys(purpose);
    if (!key) throw new Error('DATA_ENCRYPTION_KEYS is empty: nothing can be hashed with a key.');
    return key;
  }

  /** Every key that may have been used for a purpose, the current one first. */
  keys(purpose: string): readonly Buffer[] {
    const known = this.derived.get(purpose);
    if (known) return known;
    const made = this.config.dataEncryptionKeys.map((key) =>
      Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `disburse:${purpose}`, 32)),
    );
    this.derived.set(purpose, made);
    return made;
  }

  private hash(key: Buffer, text: string): Buffer {
    return createHmac('sha256', key).update(text).digest();
  }
}
