import { Config, readConfig } from '../config/config';
import { DecryptionFailed, Encryption } from './encryption.service';

const key = (fill: number) => Buffer.alloc(32, fill);

function encryptionWith(...keys: Buffer[]): Encryption {
  return new Encryption(new Config({ ...readConfig({}), dataEncryptionKeys: keys }));
}

describe('encryption', () => {
  it('gives back what it took, and never the same text twice', () => {
    const encryption = encryptionWith(key(1));

    const [first, second] = [encryption.encrypt('Jürgen Mørk'), encryption.encrypt('Jürgen Mørk')];

    expect(encryption.decrypt(first)).toBe('Jürgen Mørk');
    expect(first).not.toBe(second);
    expect(first).not.toContain('Mørk');
  });

  it('reads what an older key wrote, and says that it is outdated', () => {
    const old = encryptionWith(key(1)).encrypt('whsec_a');
    const rotated = encryptionWith(key(2), key(1));

    expect(rotated.decrypt(old)).toBe('whsec_a');
    expect(rotated.isOutdated(old)).toBe(true);
    expect(rotated.isOutdated(rotated.encrypt('whsec_a'))).toBe(false);
  });

  it('names the key it lacks', () => {
    const text = encryptionWith(key(1)).encrypt('a');

    expect(() => encryptionWith(key(2)).decrypt(text)).toThrow(/no key with id [0-9a-f]{8}/);
  });

  it('notices a changed byte', () => {
    const encryption = encryptionWith(key(1));
    const [version, keyId, body] = encryption.encrypt('a').split('.');
    const bytes = Buffer.from(body!, 'base64url');
    bytes[13]! ^= 1;

    expect(() => encryption.decrypt(`${version}.${keyId}.${bytes.toString('base64url')}`)).toThrow(DecryptionFailed);
    expect(() => encryption.decrypt('nonsense')).toThrow(DecryptionFailed);
  });

  it('signs for one purpose, with a key that may be older', () => {
    const signed = encryptionWith(key(1)).sign('seal', () => 'text');
    const rotated = encryptionWith(key(2), key(1));

    expect(rotated.checkSignature('seal', 'text', signed)).toBe('valid');
    expect(rotated.sign('seal', () => 'text').keyId).not.toBe(signed.keyId);
    expect(rotated.checkSignature('seal', 'text2', signed)).toBe('invalid');
    expect(rotated.checkSignature('other', 'text', signed)).toBe('invalid');
    expect(rotated.checkSignature('seal', 'text', { ...signed, signature: 'ab' })).toBe('invalid');
    expect(encryptionWith(key(2)).checkSignature('seal', 'text', signed)).toBe('unknown_key');
  });
});
