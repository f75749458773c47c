import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
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

  /** True when the text was encrypted with an older key and should be written again. */
  isOutdated(text: string): boolean {
    return text.split('.')[1] !== this.currentKeyId;
  }
}

function keyIdOf(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}
