import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/config';

const ivBytes = 12;
const tagBytes = 16;

/** The text was encrypted with a key that is not configured (any more), or was changed since. */
export class DecryptionFailed extends Error {
  constructor(reason: string) {
    super(`A stored secret cannot be decrypted: ${reason}`);
    this.name = 'DecryptionFailed';
  }
}

/** Made with a key that is derived from the one named, for one purpose. */
export type Signature = Readonly<{ keyId: string; signature: string }>;

/**
 * Encrypts what must not lie readable in the database: signing secrets, cardholders' personal data. AES-256-GCM with
 * `DATA_ENCRYPTION_KEYS`: the first key encrypts, all decrypt, so a key is rotated by putting a new one in front.
 * Text form: `v1.<key id>.<base64url of iv, ciphertext and tag>`; the key id is the start of the key's SHA-256.
 */
@Injectable()
export class Encryption {
  private readonly keys: ReadonlyMap<string, Buffer>;
  private readonly currentKeyId: string | undefined;

  constructor(config: Config) {
    const entries = config.dataEncryptionKeys.map((key): [string, Buffer] => [keyIdOf(key), key]);
    this.keys = new Map(entries);
    this.currentKeyId = entries[0]?.[0];
  }

  /** How every text that the current key encrypts begins. */
  get currentPrefix(): string {
    return `v1.${this.currentKeyId}.`;
  }

  encrypt(plaintext: string): string {
    const keyId = this.currentKeyId;
    const key = keyId === undefined ? undefined : this.keys.get(keyId);
    if (keyId === undefined || key === undefined)
      throw new Error('DATA_ENCRYPTION_KEYS is empty: nothing can be encrypted.');
    const iv = randomBytes(ivBytes);
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(`v1.${keyId}`));
    const sealed = Buffer.concat([iv, cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `v1.${keyId}.${sealed.toString('base64url')}`;
  }

  /** @throws {DecryptionFailed} */
  decrypt(text: string): string {
    const [version, keyId, body] = text.split('.');
    if (version !== 'v1' || keyId === undefined || body === undefined)
      throw new DecryptionFailed('it has no known form.');
    const key = this.keys.get(keyId);
    if (!key) throw new DecryptionFailed(`DATA_ENCRYPTION_KEYS holds no key with id ${keyId}.`);
    const sealed = Buffer.from(body, 'base64url');
    if (sealed.length < ivBytes + tagBytes) throw new DecryptionFailed('it is too short.');
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes });
    decipher.setAAD(Buffer.from(`v1.${keyId}`));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(ivBytes, -tagBytes)), decipher.final()]).toString('utf8');
    } catch {
      throw new DecryptionFailed('it was changed after it was written.');
    }
  }

  /**
   * HMAC-SHA-256 (hex) with a key derived from the current one for `purpose` alone. RFC 2104, RFC 5869.
   * @param write makes the text, given the id of the key, which it may name
   */
  sign(purpose: string, write: (keyId: string) => string): Signature {
    const keyId = this.currentKeyId;
    if (keyId === undefined) throw new Error('DATA_ENCRYPTION_KEYS is empty: nothing can be signed.');
    return { keyId, signature: this.signatureOf(purpose, write(keyId), this.keys.get(keyId)!).toString('hex') };
  }

  /** `unknown_key`: DATA_ENCRYPTION_KEYS no longer holds the key that signed, so nothing can be said. */
  checkSignature(purpose: string, text: string, { keyId, signature }: Signature): 'valid' | 'invalid' | 'unknown_key' {
    const key = this.keys.get(keyId);
    if (!key) return 'unknown_key';
    const expected = this.signatureOf(purpose, text, key);
    const given = Buffer.from(signature, 'hex');
    return given.length === expected.length && timingSafeEqual(given, expected) ? 'valid' : 'invalid';
  }

  private signatureOf(purpose: string, text: string, key: Buffer): Buffer {
    const derived = Buffer.from(hkdfSync('sha256', key, '', `disburse ${purpose}`, 32));
    return createHmac('sha256', derived).update(text, 'utf8').digest();
  }

  /** True when the text was encrypted with an older key and should be written again. */
  isOutdated(text: string): boolean {
    return text.split('.')[1] !== this.currentKeyId;
  }
}

function keyIdOf(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}
