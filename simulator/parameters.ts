import { badParameter } from './errors';
import type { FormHash, FormValue } from './form';
import { choices } from './parameters.generated';
import type { Fields, Shape } from './shape';

/** Turns what the form says into typed parameters, or refuses it in Stripe's words. */
export function readParameters(shape: Fields, form: FormHash): Record<string, unknown> {
  refuseUnknown(shape, form);
  return readFields(shape.fields, form, '');
}

function refuseUnknown(shape: Fields, form: FormHash): void {
  const unknown: string[] = [];
  collectUnknown(shape, form, '', unknown);
  const [first] = unknown;
  if (first === undefined) return;
  const noun = unknown.length > 1 ? 'parameters' : 'parameter';
  throw badParameter(`Received unknown ${noun}: ${unknown.join(', ')}`, first, 'parameter_unknown');
}

function collectUnknown(shape: Shape, value: FormValue, path: string, unknown: string[]): void {
  if (typeof value === 'string') return;
  if (shape === 'range') collectUnknown(rangeShape, value, path, unknown);
  if (typeof shape === 'string') return;
  if ('list' in shape) {
    for (const [index, item] of Object.entries(value)) collectUnknown(shape.list, item, `${path}[${index}]`, unknown);
  } else if ('fields' in shape) {
    for (const [name, item] of Object.entries(value)) {
      const field = findField(shape.fields, name);
      if (field === undefined) unknown.push(join(path, name));
      else collectUnknown(field, item, join(path, name), unknown);
    }
  } else if ('any' in shape) {
    // A choice between shapes: unknown only if every one of them finds something it does not know.
    const structured = shape.any.filter((one) => typeof one !== 'string' || /^(metadata|range)/.test(one));
    const findings = structured.map((one) => {
      const found: string[] = [];
      collectUnknown(one, value, path, found);
      return found;
    });
    if (findings.length > 0 && findings.every((found) => found.length > 0)) unknown.push(...(findings[0] ?? []));
  }
}

// Own fields only: no form may name "constructor" and find something.
function findField(fields: Record<string, Shape>, name: string): Shape | undefined {
  const key = [name, `${name}!`].find((one) => Object.hasOwn(fields, one));
  return key === undefined ? undefined : fields[key];
}

function readFields(fields: Record<string, Shape>, form: FormHash, path: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, shape] of Object.entries(fields)) {
    const required = key.endsWith('!');
    const name = required ? key.slice(0, -1) : key;
    const value = form[name];
    const param = join(path, name);
    if (value !== undefined) result[name] = readValue(shape, value, param);
    else if (required) throw badParameter(`Missing required param: ${param}.`, param, 'parameter_missing');
  }
  return result;
}

function readValue(shape: Shape, value: FormValue, param: string): unknown {
  if (typeof shape === 'string') return readScalar(shape, value, param);
  if ('any' in shape) return readAny(shape.any, value, param);
  if (value === '' && 'list' in shape) return [];
  if (typeof value === 'string') throw badParameter(`Invalid ${'list' in shape ? 'array' : 'object'}`, param);
  if ('list' in shape)
    return listItems(value, param).map((item, index) => readValue(shape.list, item, `${param}[${index}]`));
  if ('fields' in shape) return readFields(shape.fields, value, param);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, readValue(shape.map, item, join(param, key))]),
  );
}

function readAny(shapes: Shape[], value: FormValue, param: string): unknown {
  let refusal: unknown;
  for (const shape of shapes) {
    try {
      return readValue(shape, value, param);
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}

function listItems(value: FormHash, param: string): FormValue[] {
  const indexes = Object.keys(value);
  if (!indexes.every((index) => /^\d+$/.test(index))) throw badParameter('Invalid array', param);
  return indexes.sort((a, b) => Number(a) - Number(b)).map((index) => value[index] ?? '');
}

function readScalar(shape: string, value: FormValue, param: string): unknown {
  const emptyable = shape.endsWith('?');
  const name = emptyable ? shape.slice(0, -1) : shape;
  if (name === 'metadata') return readMetadata(value, param);
  if (name === 'range') return readRange(value, param);
  if (typeof value !== 'string') throw badParameter(`Invalid ${name === 'integer' ? 'integer' : 'string'}`, param);
  if (value === '') {
    if (emptyable || name === 'empty') return '';
    throw badParameter(
      `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
      param,
      'parameter_invalid_empty',
    );
  }
  switch (name) {
    case 'string':
      return value;
    case 'empty':
      throw badParameter('Invalid string: must be empty', param);
    case 'integer':
      return readInteger(value, param);
    case 'number':
    case 'decimal':
      if (!/^-?\d+(\.\d+)?$/.test(value)) throw badParameter(`Invalid decimal: ${value}`, param);
      return name === 'number' ? Number(value) : value;
    case 'boolean':
      if (value !== 'true' && value !== 'false') throw badParameter(`Invalid boolean: ${value}`, param);
      return value === 'true';
    default:
      return readChoice(name, value, param);
  }
}

function readInteger(value: string, param: string): number {
  const integer = Number(value);
  if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(integer)) {
    throw badParameter(`Invalid integer: ${value}`, param, 'parameter_invalid_integer');
  }
  return integer;
}

function readChoice(name: string, value: string, param: string): string {
  const options = name.includes('|') ? name.split('|') : (choices[name]?.split(' ') ?? [name]);
  if (options.includes(value)) return value;
  throw badParameter(`Invalid ${param}: must be ${options.length > 1 ? 'one of ' : ''}${spoken(options)}`, param);
}

/** As Stripe lists what is allowed: "a", "a or b", "a, b, or c". */
function spoken(options: readonly string[]): string {
  const last = options.at(-1) ?? '';
  if (options.length < 3) return options.join(' or ');
  return `${options.slice(0, -1).join(', ')}, or ${last}`;
}

const rangeShape: Fields = { fields: { gt: 'integer', gte: 'integer', lt: 'integer', lte: 'integer' } };

function readRange(value: FormValue, param: string): unknown {
  if (typeof value === 'string') return readInteger(value, param);
  return readFields(rangeShape.fields, value, param);
}

function readMetadata(value: FormValue, param: string): Record<string, string> | '' {
  if (value === '') return '';
  if (typeof value === 'string') throw badParameter('Invalid object', param);
  const metadata: Record<string, string> = {};
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw badParameter('Metadata values must be strings', join(param, key));
    if (key.length > 40) {
      throw badParameter(`Metadata keys can be up to 40 characters in length; yours is ${key.length}.`, param);
    }
    if (text.length > 500) {
      throw badParameter(
        `Metadata values can have up to 500 characters, but you passed in a value that is ${text.length} characters. Invalid value: ${text}`,
        join(param, key),
      );
    }
    metadata[key] = text;
  }
  return metadata;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}[${name}]`;
}
