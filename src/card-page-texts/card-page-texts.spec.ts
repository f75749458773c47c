import { stripeCategories } from '../stripe/stripe-categories';
import { Locale, locales, Texts } from './card-page-text.types';
import { CardPageTexts } from './card-page-texts.service';
import { chooseSpeech } from './speech.policy';
import { textsOf } from './words';

const words = (locale: Locale, tag: string = locale) =>
  new CardPageTexts().wordsFor({ asked: locale, preferred: null, acceptLanguage: tag });

describe('texts', () => {
  it.each(locales)('have a name in %s for every category of merchants, and no two the same', (locale) => {
    const names = stripeCategories.map((category) => words(locale).category(category));

    expect(new Set(names).size).toBe(stripeCategories.length);
    expect(names.filter((name) => name.trim() === '' || name.includes('_'))).toEqual([]);
  });

  it.each(locales.filter((locale) => locale !== 'en'))('are %s all through, not left in English', (locale) => {
    const sentences = ({ categories: _names, ...texts }: Texts) =>
      [...JSON.stringify(texts).matchAll(/"([^"]{20,})"/g)].map(([, text]) => text);

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
    expect(words('en', 'en-GB').utc(new Date('2026-12-01T12:00:00Z'))).toBe('1 December 2026 at 12:00 UTC');
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
