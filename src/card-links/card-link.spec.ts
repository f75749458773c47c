import {
  addressToKeep,
  coarseClient,
  hashPasscode,
  hashToken,
  isPasscodeOf,
  isPasscodeShaped,
  newPasscode,
  newToken,
  statusOf,
} from './card-link.policy';

describe('card link', () => {
  it('knows its own tokens only by their hash', () => {
    const token = newToken();

    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(hashToken(token)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashToken(newToken())).not.toBe(hashToken(token));
    for (const stranger of ['', 'short', `${token}=`, token.slice(1), '\u0000'.repeat(43)])
      expect(hashToken(stranger)).toBeNull();
  });

  it('takes only six digits for a try', () => {
    expect(isPasscodeShaped(newPasscode())).toBe(true);
    for (const other of ['', undefined, 123456, '12345', '1234567', 'abcdef', ['123456']])
      expect(isPasscodeShaped(other)).toBe(false);
  });

  it('hashes passcodes with argon2id and a key that no table holds', async () => {
    const [key, older] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const hashed = await hashPasscode('123456', key);

    expect(hashed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hashPasscode('123456', key)).not.toBe(hashed);
    expect(await isPasscodeOf(hashed, '123456', [key])).toBe(true);
    expect(await isPasscodeOf(hashed, '123457', [key])).toBe(false);
    expect(await isPasscodeOf(hashed, '123456', [older])).toBe(false);
    // Keys are rotated by putting a new one in front.
    expect(await isPasscodeOf(hashed, '123456', [older, key])).toBe(true);
  });

  it('is active until it expires, is revoked, replaced or locked', () => {
    const now = new Date('2026-11-21T00:00:00Z');
    const later = new Date('2026-11-22T00:00:00Z');
    const earlier = new Date('2026-11-20T00:00:00Z');

    expect(statusOf({ endedBecause: null, endedAt: null, expiresAt: later }, now)).toBe('active');
    expect(statusOf({ endedBecause: null, endedAt: null, expiresAt: now }, now)).toBe('expired');
    expect(statusOf({ endedBecause: 'revoked', endedAt: earlier, expiresAt: later }, now)).toBe('revoked');
    expect(statusOf({ endedBecause: 'replaced', endedAt: now, expiresAt: earlier }, now)).toBe('expired');
  });

  it.each([
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36',
      'Samsung Internet on Android',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0',
      'Edge on Windows',
    ],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 14.7; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox on Mac'],
    ['Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)', 'robot'],
    ['WhatsApp/2.23.20.0', 'robot'],
    [undefined, 'robot'],
    ['', 'robot'],
    [
      'Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)', 'robot'],
    ['SomethingElse', 'another browser'],
  ])('calls %s %s', (userAgent, client) => {
    expect(coarseClient(userAgent)).toBe(client);
  });

  it('keeps of an address what was asked for', () => {
    expect(addressToKeep('203.0.113.77', 'none')).toBeNull();
    expect(addressToKeep('203.0.113.77', 'network')).toBe('203.0.113.0/24');
    expect(addressToKeep('203.0.113.77', 'full')).toBe('203.0.113.77');
    expect(addressToKeep('unknown', 'full')).toBeNull();
  });
});
