import { badParameter } from './errors';

/** What a form says before anyone knows its types: lists are hashes of their positions until a schema asks for a list. */
export type FormValue = string | FormHash;
export interface FormHash {
  [key: string]: FormValue;
}

const depthMax = 20;

/** Parses `a[b][0][c]=1&d[]=2`, the way Stripe reads bodies and query strings. */
export function parseForm(text: string): FormHash {
  const form = newHash();
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1));
    assign(form, keysOf(name), value, name);
  }
  return form;
}

// Without a prototype, "__proto__" and "constructor" are names like any other.
function newHash(): FormHash {
  return Object.create(null) as FormHash;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badParameter(`Invalid percent-encoding in the request: ${text}`, text);
  }
}

function keysOf(name: string): string[] {
  const bracket = name.indexOf('[');
  if (bracket < 0) return [name];
  const rest = name.slice(bracket);
  if (bracket === 0 || !/^(\[[^[\]]*\])+$/.test(rest)) throw badParameter(`Invalid parameter name: ${name}`, name);
  const keys = [name.slice(0, bracket), ...rest.slice(1, -1).split('][')];
  if (keys.length > depthMax) throw badParameter(`Parameter nested too deeply: ${name}`, name);
  return keys;
}

/**
 * Where `a[][b]=1&a[][c]=2` puts the next part: into the last item, until that has a `b` already. As Rack reads forms, and so
 * as older clients and many a curl command write lists of hashes.
 */
function nextSlot(target: FormHash, following: string | undefined): string {
  const count = Object.keys(target).length;
  const last = target[String(count - 1)];
  const takesMore = following !== undefined && typeof last === 'object' && last[following] === undefined;
  return String(takesMore ? count - 1 : count);
}

function assign(form: FormHash, keys: string[], value: string, name: string): void {
  let target = form;
  for (const [depth, key] of keys.entries()) {
    const slot = key === '' ? nextSlot(target, keys[depth + 1]) : key;
    if (depth === keys.length - 1) {
      if (typeof target[slot] === 'object') throw badParameter(`Invalid hash: ${name}`, name);
      target[slot] = value;
      return;
    }
    const next = target[slot] ?? (target[slot] = newHash());
    if (typeof next === 'string') throw badParameter(`Invalid hash: ${name}`, name);
    target = next;
  }
}
