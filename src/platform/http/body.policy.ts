import { FieldError } from '../../shared/domain-error';

/** How deep arrays and objects may nest. Our own shapes need five. */
export const jsonDepthMax = 32;

const loneSurrogate = /\p{Surrogate}/u;
const allLoneSurrogates = /\p{Surrogate}/gu;

/**
 * Finds the first thing in a parsed body that must not reach the database: a NUL or half a surrogate pair (PostgreSQL stores
 * neither), a number too large for a double, or nesting too deep to walk. Undefined when all is well.
 */
export function findUnstorable(value: unknown, pointer = '', depth = 0): FieldError | undefined {
  if (typeof value === 'string') {
    if (value.includes('\0')) return { pointer, detail: 'must not hold a NUL character', code: 'nul_character' };
    if (loneSurrogate.test(value))
      return { pointer, detail: 'must be well-formed Unicode text', code: 'invalid_unicode' };
    return undefined;
  }
  if (typeof value === 'number') {
    return Number.isFinite(value)
      ? undefined
      : { pointer, detail: 'is a number too large to represent', code: 'number_too_large' };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= jsonDepthMax)
    return { pointer, detail: `is nested deeper than ${jsonDepthMax} levels`, code: 'too_deep' };
  for (const [key, child] of Object.entries(value)) {
    const found =
      findUnstorable(key, `${pointer}/${escapePointer(key)}`) ??
      findUnstorable(child, `${pointer}/${escapePointer(key)}`, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** One reference token of a JSON pointer. https://www.rfc-editor.org/rfc/rfc6901 */
export function escapePointer(token: string): string {
  return token
    .replace(allLoneSurrogates, '\ufffd')
    .replaceAll('\0', '')
    .replaceAll('~', '~0')
    .replaceAll('/', '~1')
    .slice(0, 255);
}

/** JSON with sorted keys: the same content gives the same text, however a client ordered it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, child]) => `${JSON.stringify(key)}:${canonicalJson(child)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
