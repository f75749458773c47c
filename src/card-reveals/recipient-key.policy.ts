import { FieldError } from '../shared/domain-error';

/** A JSON Web Key as it arrived. https://www.rfc-editor.org/rfc/rfc7517 */
export type GivenKey = Readonly<Record<string, unknown>>;

export type RecipientKeyChoice =
  | { readonly algorithm: string; readonly publicMembers: Readonly<Record<string, string>> }
  | { readonly errors: FieldError[] };

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const;
const rsaBitsMin = 2_048;
const rsaBitsMax = 8_192;
const rsaAlgorithms = ['RSA-OAEP-256'];
const ecdhAlgorithms = ['ECDH-ES', 'ECDH-ES+A256KW'];
/** Bytes of a coordinate. https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1.2 https://www.rfc-editor.org/rfc/rfc8037#section-2 */
const curves: Readonly<Record<string, { kty: string; bytes: number; members: readonly string[] }>> = {
  'P-256': { kty: 'EC', bytes: 32, members: ['x', 'y'] },
  'P-384': { kty: 'EC', bytes: 48, members: ['x', 'y'] },
  'P-521': { kty: 'EC', bytes: 66, members: ['x', 'y'] },
  X25519: { kty: 'OKP', bytes: 32, members: ['x'] },
};

/**
 * Whether a card may be sealed for this key, and how: RSA of at least 2,048 bits by RSA-OAEP-256, or P-256, P-384, P-521 or X25519 by
 * ECDH-ES. RSA1_5 and SHA-1 OAEP are old, symmetric keys are no public keys, and a private key has no business here.
 */
export function chooseRecipientKey(jwk: GivenKey): RecipientKeyChoice {
  const errors: FieldError[] = [];
  const refuse = (member: string, detail: string, code: string) => errors.push({ pointer: `/${member}`, detail, code });

  for (const member of privateMembers) {
    if (jwk[member] !== undefined)
      refuse(
        member,
        'belongs to a private or symmetric key: send the public key only, and replace this one',
        'private_key',
      );
  }
  if (jwk['use'] !== undefined && jwk['use'] !== 'enc') refuse('use', 'must be enc', 'wrong_use');

  const isRsa = jwk['kty'] === 'RSA';
  const curve = isRsa ? undefined : curves[String(jwk['crv'])];
  if (isRsa) errors.push(...rsaErrors(jwk));
  else if (jwk['kty'] !== 'EC' && jwk['kty'] !== 'OKP') refuse('kty', 'must be RSA, EC or OKP', 'unsupported_key');
  else if (!curve || curve.kty !== jwk['kty'])
    refuse('crv', 'must be P-256, P-384, P-521 or X25519', 'unsupported_curve');
  else {
    for (const member of curve.members) {
      if (bytesOf(jwk[member])?.length !== curve.bytes)
        refuse(member, `must be ${curve.bytes} bytes in base64url`, 'malformed_key');
    }
  }

  const algorithms = isRsa ? rsaAlgorithms : ecdhAlgorithms;
  const algorithm = jwk['alg'] ?? algorithms[0]!;
  if (typeof algorithm !== 'string' || !algorithms.includes(algorithm))
    refuse('alg', `must be ${algorithms.join(' or ')}, or left out`, 'unsupported_algorithm');
  if (errors.length > 0) return { errors };
  const members = isRsa ? ['kty', 'n', 'e'] : ['kty', 'crv', ...curve!.members];
  return {
    algorithm: algorithm as string,
    publicMembers: Object.fromEntries(members.map((member) => [member, jwk[member] as string])),
  };
}

function rsaErrors(jwk: GivenKey): FieldError[] {
  const [modulus, exponent] = [bytesOf(jwk['n']), bytesOf(jwk['e'])];
  if (!modulus) return [{ pointer: '/n', detail: 'must be base64url', code: 'malformed_key' }];
  if (!exponent) return [{ pointer: '/e', detail: 'must be base64url', code: 'malformed_key' }];
  const errors: FieldError[] = [];
  const bits = bitsOf(modulus);
  if (bits < rsaBitsMin || bits > rsaBitsMax)
    errors.push({
      pointer: '/n',
      detail: `must have ${rsaBitsMin} to ${rsaBitsMax} bits, not ${bits}`,
      code: 'weak_key',
    });
  // Small exponents undo padding mistakes; even ones are no exponents. Everybody uses 65537.
  const value = exponent.length <= 6 ? exponent.readUIntBE(0, exponent.length) : NaN;
  if (!(value >= 65_537 && value % 2 === 1))
    errors.push({ pointer: '/e', detail: 'must be an odd number of at least 65537', code: 'weak_key' });
  return errors;
}

function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || !/^[\w-]+$/.test(value)) return undefined;
  return Buffer.from(value, 'base64url');
}

function bitsOf(bytes: Buffer): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first]!) + 24;
}
