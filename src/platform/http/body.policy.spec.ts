import { canonicalJson, findUnstorable, jsonDepthMax } from './body.policy';

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

describe('bodies', () => {
  it('are the same request whatever the order of their fields', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe(
      canonicalJson({ a: true, b: [1, { c: 'x', d: null }] }),
    );
    expect(canonicalJson({ a: [1, 2] })).not.toBe(canonicalJson({ a: [2, 1] }));
    expect(canonicalJson({ a: '1' })).not.toBe(canonicalJson({ a: 1 }));
  });

  it.each([
    [{ a: { b: 'x\0' } }, '/a/b', 'nul_character'],
    [{ 'x\0': 1 }, '/x', 'nul_character'],
    [{ a: ['\ud800'] }, '/a/0', 'invalid_unicode'],
    [{ 'a/b': Infinity }, '/a~1b', 'number_too_large'],
  ])('%j is refused at its place', (body, pointer, code) => {
    expect(findUnstorable(body)).toMatchObject({ pointer, code });
  });

  it('may nest, but not without end', () => {
    expect(findUnstorable(nested(jsonDepthMax))).toBeUndefined();
    expect(findUnstorable(nested(jsonDepthMax + 1))).toMatchObject({ code: 'too_deep' });
    expect(findUnstorable({ text: 'pair \u{1f600}', list: [1, null, false] })).toBeUndefined();
  });
});
