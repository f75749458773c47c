import { generateKeyPairSync, KeyObject } from 'node:crypto';
import { chooseRecipientKey, GivenKey } from './recipient-key.policy';

const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const jwk = (key: KeyObject): GivenKey => key.export({ format: 'jwk' });

const strong = rsa(2_048);
const curve = ec('P-256');
const codes = (key: GivenKey) => {
  const choice = chooseRecipientKey(key);
  return 'errors' in choice ? choice.errors.map(({ pointer, code }) => `${pointer} ${code}`) : choice.algorithm;
};

describe('a key to seal a card for', () => {
  it.each([
    ['RSA of 2,048 bits', jwk(strong.publicKey), 'RSA-OAEP-256'],
    ['P-256', jwk(curve.publicKey), 'ECDH-ES'],
    ['P-384', jwk(ec('P-384').publicKey), 'ECDH-ES'],
    ['P-521', jwk(ec('P-521').publicKey), 'ECDH-ES'],
    ['X25519', jwk(generateKeyPairSync('x25519').publicKey), 'ECDH-ES'],
    ['a named algorithm', { ...jwk(curve.publicKey), alg: 'ECDH-ES+A256KW', use: 'enc', kid: 'k1' }, 'ECDH-ES+A256KW'],
  ])('may be %s', (_name, key, algorithm) => {
    expect(codes(key)).toBe(algorithm);
  });

  it('keeps public members only', () => {
    const choice = chooseRecipientKey({ ...jwk(curve.publicKey), kid: 'k1', x5u: 'https://example.com' });

    expect(choice).toMatchObject({ publicMembers: { kty: 'EC', crv: 'P-256' } });
    expect(Object.keys((choice as { publicMembers: object }).publicMembers)).toEqual(['kty', 'crv', 'x', 'y']);
  });

  it.each([
    ['RSA of 1,024 bits', jwk(rsa(1_024).publicKey), ['/n weak_key']],
    ['RSA with exponent 3', jwk(rsa(2_048, 3).publicKey), ['/e weak_key']],
    [
      'a modulus padded with zeros',
      { kty: 'RSA', n: Buffer.concat([Buffer.alloc(200), Buffer.alloc(100, 255)]).toString('base64url'), e: 'AQAB' },
      ['/n weak_key'],
    ],
    ['SHA-1', { ...jwk(strong.publicKey), alg: 'RSA-OAEP' }, ['/alg unsupported_algorithm']],
    ['PKCS #1 v1.5', { ...jwk(strong.publicKey), alg: 'RSA1_5' }, ['/alg unsupported_algorithm']],
    ['a signing key', { ...jwk(curve.publicKey), use: 'sig' }, ['/use wrong_use']],
    ['a curve for signatures', jwk(generateKeyPairSync('ed25519').publicKey), ['/crv unsupported_curve']],
    ['secp256k1', jwk(ec('secp256k1').publicKey), ['/crv unsupported_curve']],
    [
      'a shared secret',
      { kty: 'oct', k: 'AAAA' },
      ['/k private_key', '/kty unsupported_key', '/alg unsupported_algorithm'].slice(0, 2),
    ],
    ['half a point', { ...jwk(curve.publicKey), y: 'AAAA' }, ['/y malformed_key']],
    ['nothing', {}, ['/kty unsupported_key']],
    ['a prototype', { kty: 'EC', crv: 'constructor' }, ['/crv unsupported_curve']],
  ])('is not %s', (_name, key, refusals) => {
    expect(codes(key)).toEqual(refusals);
  });

  it('is never a private one, whatever else is right', () => {
    expect(codes(jwk(strong.privateKey))).toContain('/d private_key');
    expect(codes(jwk(curve.privateKey))).toEqual(['/d private_key']);
  });
});
