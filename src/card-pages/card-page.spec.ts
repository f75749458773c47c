import { declineReasons, stripeReasons, undecidedReasons } from '../authorization-decisions/authorization-reason.types';
import { payoutStatuses } from '../payouts/payout.types';
import { stripeCategories } from '../stripe/stripe-categories';
import { renderPage, whereInWords, PageSetting } from './card-page.html';
import {
  adviceOn,
  approvals,
  isAdvised,
  isPersonal,
  phoneEnding,
  readRevealRequest,
  stateOf,
  versionOf,
} from './card-page.policy';
import { CardPage, cardStates, declineAdvices } from './card-page.types';
import { html, json } from './html';
import { chooseSpeech, textsOf, Words } from './locales/locales';
import { Locale, locales, Texts } from './locales/texts.types';

const usd = (amountMinor: bigint) => ({ amountMinor, currency: 'usd' as const });
const card: CardPage = {
  state: 'ready',
  amount: usd(250_00n),
  left: usd(250_00n),
  paid: usd(0n),
  mustMatchExactly: false,
  expiresAt: new Date('2026-12-01T12:00:00Z'),
  card: { brand: 'Visa', last4: '4242' },
  elements: { publishableKey: 'pk_test_1', stripeAccount: 'acct_1', stripeCardId: 'ic_1' },
  phoneEnding: '78',
  controls: {
    allowedCategories: [],
    blockedCategories: [],
    allowedMerchantCountries: [],
    blockedMerchantCountries: [],
  },
  events: [],
  decline: null,
};
const words = (locale: Locale, tag: string = locale) => new Words({ locale, tag });
const setting = (locale: Locale = 'en', marketplaceName = 'Rocket Rides'): PageSetting => ({
  words: words(locale),
  nonce: 'n0nce',
  marketplaceName,
  stripeJsUrl: 'https://js.stripe.com/clover/stripe.js',
  pageToken: 'token',
});
const render = (change: Partial<CardPage> = {}, locale: Locale = 'en') =>
  renderPage({ face: 'card', page: { ...card, ...change }, version: 'v' }, setting(locale));

describe('templates', () => {
  it('escape whatever they are given, wherever it stands', () => {
    const bad = `"><script>alert('1')</script>&`;

    expect(html`<p title="${bad}">${bad}</p>`.text).not.toMatch(/<script|alert\('|""/);
    expect(html`${[html`<i>${bad}</i>`, bad]}${null}${false}${undefined}${0}`.text).toMatch(/^<i>&quot;.*0$/);
    expect(html`<i>${html`<b>${'<'}</b>`}</i>`.text).toBe('<i><b>&lt;</b></i>');
  });

  it('let no data end its script element', () => {
    const data = { name: '</script><!-- \u2028 &' };

    expect(json(data).text).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(json(data).text)).toEqual(data);
  });

  it('escape merchants and marketplaces on the page', () => {
    const name = `<img src=x onerror="alert(1)">`;
    const page = renderPage(
      {
        face: 'card',
        version: 'v',
        page: {
          ...card,
          events: [{ what: 'charged', amount: usd(5n), merchant: name, at: card.expiresAt }],
          decline: { advice: 'too_much', amount: usd(5n), merchant: name, at: card.expiresAt },
        },
      },
      setting('en', name),
    );

    expect(page).not.toContain('<img');
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;');
  });
});

describe('the page', () => {
  it.each(locales.flatMap((locale) => cardStates.map((state) => [locale, state] as const)))(
    'in %s has words for a card that is %s',
    (locale, state) => {
      const page = render({ state, card: null, elements: null }, locale);

      expect(page).toContain(`<html lang="${locale}">`);
      expect(page).toContain(textsOf[locale].states[state].badge);
      expect(page.replaceAll(/<script[^]*?<\/script>/g, '')).not.toMatch(/undefined|\[object|\bnull\b/);
    },
  );

  it('gives Stripe’s script only to a card that can be shown', () => {
    expect(render()).toContain('src="https://js.stripe.com/clover/stripe.js"');
    expect(render({ elements: null })).not.toContain('js.stripe.com');
  });

  it('tells the rules of the card', () => {
    const controls = {
      ...card.controls,
      allowedCategories: ['book_stores', 'bakeries'],
      blockedMerchantCountries: ['FR'],
    };

    expect(whereInWords(controls, words('en'))).toEqual([
      'Only at these kinds of merchants: bookstores and bakeries.',
      'Not at merchants in: France.',
    ]);
    expect(whereInWords(card.controls, words('de'))).toEqual(['Überall, wo Karten dieser Marke angenommen werden.']);
    expect(whereInWords({ ...card.controls, allowedMerchantCountries: ['DE', 'US'] }, words('it'))).toEqual([
      'Solo presso esercenti in: Germania e Stati Uniti.',
    ]);
  });

  it('has another version whenever it says something else', () => {
    expect(versionOf(card)).toBe(versionOf({ ...card }));
    expect(versionOf({ ...card, left: usd(1n) })).not.toBe(versionOf(card));
  });
});

describe('texts', () => {
  it.each(locales)('have a name in %s for every category of merchants, and no two the same', (locale) => {
    const names = stripeCategories.map((category) => words(locale).category(category));

    expect(new Set(names).size).toBe(stripeCategories.length);
    expect(names.filter((name) => name.trim() === '' || name.includes('_'))).toEqual([]);
  });

  it.each(locales)('advise in %s on every refusal of ours and of Stripe’s', (locale) => {
    const { advice } = textsOf[locale].decline;
    for (const reason of [...declineReasons, ...undecidedReasons, ...stripeReasons]) {
      if (approvals.includes(reason)) continue;
      expect([reason, isAdvised(reason)]).toEqual([reason, true]);
      expect(advice[adviceOn(reason)].what).toMatch(/\S.+[.]$/);
      expect(advice[adviceOn(reason)].now).toMatch(/\S.+[.]$/);
    }
    expect(Object.keys(advice).sort()).toEqual([...declineAdvices].sort());
    expect(adviceOn('a_reason_of_tomorrow')).toBe('ask_marketplace');
  });

  it.each(locales.filter((locale) => locale !== 'en'))('are %s all through, not left in English', (locale) => {
    const sentences = (texts: Texts) => [...JSON.stringify(texts).matchAll(/"([^"]{20,})"/g)].map(([, text]) => text);

    expect(sentences(textsOf[locale]).filter((text) => sentences(textsOf.en).includes(text))).toEqual([]);
    expect(textsOf[locale].show.remaining).toContain('{seconds}');
  });

  it('write amounts exactly, as the region does', () => {
    const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');
    expect(words('en', 'en-US').money({ amountMinor: 9_007_199_254_740_993_07n, currency: 'usd' })).toBe(
      '$9,007,199,254,740,993.07',
    );
    expect(words('en', 'en-GB').money({ amountMinor: 5n, currency: 'gbp' })).toBe('£0.05');
    expect(plain(words('de').money({ amountMinor: 1_250_00n, currency: 'eur' }))).toBe('1.250,00 €');
    expect(plain(words('fr').money({ amountMinor: 1_250_00n, currency: 'eur' }))).toBe('1 250,00 €');
    expect(words('en', 'en-GB').utc(card.expiresAt)).toBe('1 December 2026 at 12:00 UTC');
  });
});

describe('the language', () => {
  const choose = (asked: unknown, preferred: Locale | null, acceptLanguage?: string) =>
    chooseSpeech({ asked, preferred, acceptLanguage });

  it('is the one asked for, else the cardholder’s, else the browser’s, else English', () => {
    expect(choose('fr', 'it', 'de')).toEqual({ locale: 'fr', tag: 'fr' });
    expect(choose('xx', 'it', 'de')).toEqual({ locale: 'it', tag: 'it' });
    expect(choose(undefined, null, 'nl, es-MX;q=0.9, de;q=0.4')).toEqual({ locale: 'es', tag: 'es-MX' });
    expect(choose(undefined, null, 'ja')).toEqual({ locale: 'en', tag: 'en' });
    expect(choose(undefined, null)).toEqual({ locale: 'en', tag: 'en' });
  });

  it('keeps the region its numbers are written with', () => {
    expect(choose('en', null, 'de-AT,de;q=0.9,en-GB;q=0.8')).toEqual({ locale: 'en', tag: 'en-GB' });
    expect(choose(['de'], null, 'de-AT;q=0.2, en;q=broken, *;q=1, ;;;,=')).toEqual({ locale: 'de', tag: 'de-AT' });
  });
});

describe('who is a person', () => {
  it('held the button, or typed the card’s own digits', () => {
    expect(isPersonal({ way: 'hold', ms: 1_000 }, '4242')).toBe(true);
    expect(isPersonal({ way: 'hold', ms: 20 }, '4242')).toBe(false);
    expect(isPersonal({ way: 'hold', ms: NaN }, '4242')).toBe(false);
    expect(isPersonal({ way: 'typed', ending: ' 42 42' }, '4242')).toBe(true);
    for (const ending of ['', '0000', 'test']) expect(isPersonal({ way: 'typed', ending }, '4242')).toBe(false);
    expect(isPersonal({ way: 'typed', ending: '' }, null)).toBe(false);
  });

  it('asks as our script does, and no other way', () => {
    const good = { page: 'p', nonce: 'ephkn_0123456789', gesture: { way: 'hold', ms: 1_000 } };
    expect(readRevealRequest(good)).toEqual({ pageToken: 'p', nonce: good.nonce, gesture: good.gesture });
    for (const change of [
      { page: 1 },
      { nonce: '' },
      { nonce: 'a b c d e f' },
      { gesture: null },
      { gesture: { way: 'click' } },
    ])
      expect(readRevealRequest({ ...good, ...change })).toBeNull();
    for (const odd of [null, undefined, 'x', 7, []]) expect(readRevealRequest(odd)).toBeNull();
  });

  it('knows a phone number by its last two digits', () => {
    expect(phoneEnding('+4915112345678')).toBe('78');
    expect(phoneEnding(undefined)).toBeNull();
  });
});

it.each(payoutStatuses)('a payout that is %s has a face', (status) => {
  expect(cardStates).toContain(stateOf(status, null, false));
  for (const ended of ['closed', 'expired', 'canceled'] as const) expect(stateOf(ended, null, true)).toBe('used');
});
