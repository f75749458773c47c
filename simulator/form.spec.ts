import { parseForm } from './form';

const plain = (text: string): unknown => JSON.parse(JSON.stringify(parseForm(text)));

it.each([
  ['', {}],
  ['a=1&b=two+words&c=%C3%A9', { a: '1', b: 'two words', c: 'é' }],
  ['a[b][c]=1&a[b][d]=2', { a: { b: { c: '1', d: '2' } } }],
  ['a[]=x&a[]=y', { a: { 0: 'x', 1: 'y' } }],
  ['a[1][b]=y&a[0][b]=x', { a: { 0: { b: 'x' }, 1: { b: 'y' } } }],
  ['a[][b]=x&a[][c]=y&a[][b]=z', { a: { 0: { b: 'x', c: 'y' }, 1: { b: 'z' } } }],
  ['a[][b][]=x&a[][b][]=y', { a: { 0: { b: { 0: 'x' } }, 1: { b: { 0: 'y' } } } }],
  ['a', { a: '' }],
  ['a=1&a=2', { a: '2' }],
  ['constructor[prototype]=1', { constructor: { prototype: '1' } }],
])('reads %s', (text, expected) => {
  expect(plain(text)).toEqual(expected);
});

it.each(['a=%zz', '[a]=1', 'a[b=1', 'a[b]c=1', 'a=1&a[b]=2', 'a[b]=1&a=2', `a${'[b]'.repeat(30)}=1`])(
  'refuses %s',
  (text) => {
    expect(() => parseForm(text)).toThrow();
  },
);

it('keeps its hands off prototypes', () => {
  parseForm('__proto__[polluted]=1');

  expect(({} as { polluted?: string }).polluted).toBeUndefined();
});
