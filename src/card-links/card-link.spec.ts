import {
  clientKind,
  hashPasscode,
  hashToken,
  isPasscodeShaped,
  isSameHash,
  newPasscode,
  newSalt,
  newToken,
  statusOf,
} from './card-link.policy';
import {
  CardPage,
  localMoney,
  renderCardPage,
  renderNoSuchLinkPage,
  renderPasscodePage,
  whereInWords,
} from './card-link.page';

const page: CardPage = {
  marketplaceName: 'Rocket & <Rides>',
  status: 'ready',
  amount: { amountMinor: 250_00n, currency: 'usd' },
  left: { amountMinor: 250_00n, currency: 'usd' },
  held: { amountMinor: 0n, currency: 'usd' },
  paid: { amountMinor: 0n, currency: 'usd' },
  mustMatchExactly: false,
  expiresAt: new Date('2026-12-01T12:00:00Z'),
  country: 'US',
  card: { brand: 'Visa', last4: '4242', expMonth: 3, expYear: 2029 },
  controls: {
    allowedCategories: [],
    blockedCategories: [],
    allowedMerchantCountries: [],
    blockedMerchantCountries: [],
  },
};

describe('card link', () => {
  it('knows its own tokens only by their hash', () => {
    const token = newToken();

    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(hashToken(token)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashToken(newToken())).not.toBe(hashToken(token));
    for (const stranger of ['', 'short', `${token}=`, token.slice(1), '\u0000'.repeat(43)])
      expect(hashToken(stranger)).toBeNull();
  });

  it('takes only six digits for a try', async () => {
    const passcode = newPasscode();
    const salt = newSalt();
    const hash = await hashPasscode(passcode, salt);

    expect(isPasscodeShaped(passcode)).toBe(true);
    for (const other of ['', undefined, 123456, '12345', '1234567', 'abcdef', ['123456']])
      expect(isPasscodeShaped(other)).toBe(false);
    expect(isSameHash(hash, await hashPasscode(passcode, salt))).toBe(true);
    expect(isSameHash(hash, await hashPasscode(passcode, newSalt()))).toBe(false);
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

  it('keeps only the coarse kind of a client', () => {
    expect(clientKind('Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X)')).toBe('phone');
    expect(clientKind('Mozilla/5.0 (Windows NT 10.0; Win64; x64)')).toBe('computer');
    expect(clientKind('Slackbot-LinkExpanding 1.0')).toBe('robot');
    expect(clientKind(undefined)).toBe('robot');
    expect(clientKind('SomethingElse')).toBe('other');
  });
});

describe('card link page', () => {
  it('says amount, place, time and card in plain words', () => {
    const html = renderCardPage(page, 'n0nce');

    expect(html).toContain('<html lang="en">');
    expect(html).toContain('$250.00');
    expect(html).toContain('Anywhere the card brand is accepted.');
    expect(html).toContain('<time datetime="2026-12-01T12:00:00.000Z">');
    expect(html).toContain('New York time');
    expect(html).toContain('4242');
    expect(html).toContain('03/2029');
    expect(html).toContain('<style nonce="n0nce">');
    expect(html).not.toMatch(/<script|https?:\/\/(?!\S*w3)/);
  });

  it('escapes what others wrote', () => {
    expect(renderCardPage(page, 'n')).toContain('Rocket &amp; &lt;Rides&gt;');
    expect(renderPasscodePage('<img src=x>', 'n', true)).not.toContain('<img');
  });

  it('tells the rules of the card', () => {
    expect(
      whereInWords({
        ...page.controls,
        allowedCategories: ['book_stores', 'bakeries'],
        blockedMerchantCountries: ['FR'],
      }),
    ).toEqual(['Only at these kinds of merchants: book stores and bakeries.', 'Not at merchants in France.']);
  });

  it('writes amounts exactly, as the country does', () => {
    expect(localMoney({ amountMinor: 9_007_199_254_740_993_07n, currency: 'usd' }, 'US')).toBe(
      '$9,007,199,254,740,993.07',
    );
    expect(localMoney({ amountMinor: 5n, currency: 'gbp' }, 'GB')).toBe('£0.05');
    expect(localMoney({ amountMinor: 250_00n, currency: 'eur' }, 'DE')).toMatch(/250[.,]00/);
  });

  it.each([
    'pending',
    'funding',
    'issuing',
    'ready',
    'authorized',
    'settled',
    'closed',
    'expired',
    'canceled',
    'failed',
  ])('has words for %s', (status) => {
    expect(renderCardPage({ ...page, status, card: null }, 'n')).toMatch(/<strong>[A-Z][a-z ]+\.<\/strong>/);
  });

  it('looks the same for every link that does not work', () => {
    expect(renderNoSuchLinkPage('n')).toBe(renderNoSuchLinkPage('n'));
    expect(renderNoSuchLinkPage('n')).not.toMatch(/revoked|locked/);
  });
});
