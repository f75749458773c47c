import { ApiError } from './errors';
import { parseForm } from './form';
import { readParameters } from './parameters';
import type { Fields } from './shape';

const shape: Fields = {
  fields: {
    'amount!': 'integer',
    kind: 'big|small',
    live: 'boolean',
    note: 'string?',
    price: 'decimal',
    metadata: 'metadata?',
    created: 'range',
    tags: { list: 'string' },
    limits: { list: { fields: { 'max!': 'integer' } } },
    target: { any: ['string', { fields: { id: 'string' } }] },
  },
};
const read = (form: string) => readParameters(shape, parseForm(form));

function refusal(form: string): object {
  try {
    read(form);
  } catch (error) {
    if (error instanceof ApiError) return error.fields;
  }
  throw new Error(`${form} was not refused`);
}

it.each([
  ['amount=1', { amount: 1 }],
  ['amount=-5&kind=big&live=true&price=1.50', { amount: -5, kind: 'big', live: true, price: '1.50' }],
  ['amount=1&note=&metadata=', { amount: 1, note: '', metadata: '' }],
  ['amount=1&metadata[a]=1&metadata[b]=', { amount: 1, metadata: { a: '1', b: '' } }],
  ['amount=1&created[gte]=5', { amount: 1, created: { gte: 5 } }],
  ['amount=1&created=5', { amount: 1, created: 5 }],
  ['amount=1&tags[]=a&tags[]=b', { amount: 1, tags: ['a', 'b'] }],
  ['amount=1&tags=', { amount: 1, tags: [] }],
  ['amount=1&limits[0][max]=3', { amount: 1, limits: [{ max: 3 }] }],
  ['amount=1&target=x', { amount: 1, target: 'x' }],
  ['amount=1&target[id]=x', { amount: 1, target: { id: 'x' } }],
])('takes %s', (form, expected) => {
  expect(read(form)).toEqual(expected);
});

it.each([
  ['', { code: 'parameter_missing', param: 'amount' }],
  ['amount=1.5', { code: 'parameter_invalid_integer', param: 'amount' }],
  ['amount=99999999999999999999', { code: 'parameter_invalid_integer', param: 'amount' }],
  ['amount=', { code: 'parameter_invalid_empty', param: 'amount' }],
  ['amount=1&kind=huge', { param: 'kind', message: 'Invalid kind: must be one of big or small' }],
  ['amount=1&live=yes', { param: 'live' }],
  ['amount=1&price=x', { param: 'price' }],
  [
    'amount=1&nope=1&other=2',
    { code: 'parameter_unknown', param: 'nope', message: 'Received unknown parameters: nope, other' },
  ],
  ['amount=1&limits[0][mx]=3', { code: 'parameter_unknown', param: 'limits[0][mx]' }],
  ['amount=1&limits[0][max]=', { param: 'limits[0][max]' }],
  ['amount=1&limits[first][max]=1', { param: 'limits', message: 'Invalid array' }],
  ['amount=1&created[since]=3', { code: 'parameter_unknown', param: 'created[since]' }],
  ['amount=1&constructor=1', { code: 'parameter_unknown', param: 'constructor' }],
  ['amount=1&__proto__[toString]=1', { code: 'parameter_unknown', param: '__proto__' }],
  ['amount=1&kind[0]=big', { param: 'kind' }],
  ['amount=1&tags=a', { param: 'tags', message: 'Invalid array' }],
  ['amount=1&target[name]=x', { code: 'parameter_unknown', param: 'target[name]' }],
  ['amount[a]=1', { param: 'amount' }],
  [`amount=1&metadata[${'k'.repeat(41)}]=1`, { param: 'metadata' }],
  [`amount=1&metadata[k]=${'v'.repeat(501)}`, { param: 'metadata[k]' }],
])('refuses %s', (form, expected) => {
  expect(refusal(form)).toMatchObject(expected);
});
