import { hashKey, hintOf, isWellFormedKey, makeKey } from './api-key.policy';

describe('API keys', () => {
  it('say whether they are for tests or live, and check their own spelling', () => {
    const key = makeKey(false);

    expect(key).toMatch(/^dsb_test_[0-9A-Za-z]{46}$/);
    expect(makeKey(true)).toMatch(/^dsb_live_/);
    expect(isWellFormedKey(key)).toBe(true);
  });

  it('notice any one wrong letter', () => {
    const key = makeKey(false);
    for (let i = 9; i < key.length; i++) {
      const wrong = key.slice(0, i) + (key[i] === 'a' ? 'b' : 'a') + key.slice(i + 1);
      expect(isWellFormedKey(wrong)).toBe(false);
    }
  });

  it('do not pass as live when made for tests', () => {
    expect(isWellFormedKey(makeKey(false).replace('dsb_test_', 'dsb_live_'))).toBe(false);
  });

  it('leave only a hash and a hint behind', () => {
    const key = makeKey(false);

    expect(hashKey(key)).toHaveLength(32);
    expect(hintOf(key).length).toBeLessThan(18);
    expect(new Set(Array.from({ length: 100 }, () => makeKey(false))).size).toBe(100);
  });
});
