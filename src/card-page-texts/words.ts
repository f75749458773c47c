import { Money, majorUnitMinor } from '../../shared/money';
import { isStripeCategory, StripeCategory } from '../../stripe/stripe-categories';
import { categories as categoriesDe } from './categories.de';
import { categories as categoriesEn } from './categories.en';
import { categories as categoriesEs } from './categories.es';
import { categories as categoriesFr } from './categories.fr';
import { categories as categoriesIt } from './categories.it';
import { de } from './de';
import { en } from './en';
import { es } from './es';
import { fr } from './fr';
import { it } from './it';
import { Locale, locales, Texts } from './texts.types';

export const textsOf: Readonly<Record<Locale, Texts>> = { en, de, es, fr, it };

/** Every category in every language; the compiler finds one that Stripe added. */
export const categoriesOf: Readonly<Record<Locale, Readonly<Record<StripeCategory, string>>>> = {
  en: categoriesEn,
  de: categoriesDe,
  es: categoriesEs,
  fr: categoriesFr,
  it: categoriesIt,
};

/** A language to speak and the region whose numbers and dates it is spoken with. */
export type Speech = Readonly<{ locale: Locale; tag: string }>;

type Wishes = Readonly<{
  /** `?lang=` of the address. */
  asked: unknown;
  /** The cardholder's own. */
  preferred: Locale | null;
  acceptLanguage: string | undefined;
}>;

/** What the visitor asked for, else what the cardholder prefers, else the best the browser names, else English. */
export function chooseSpeech({ asked, preferred, acceptLanguage }: Wishes): Speech {
  const accepted = acceptedTags(acceptLanguage);
  const locale =
    known(asked) ?? preferred ?? accepted.map(known).find((locale): locale is Locale => locale !== null) ?? 'en';
  // Region and number style of the same language, where the browser names one: en-GB writes dates its own way.
  const tag = accepted.find((each) => known(each) === locale) ?? locale;
  return { locale, tag: Intl.DateTimeFormat.supportedLocalesOf([tag])[0] ?? locale };
}

function known(tag: unknown): Locale | null {
  if (typeof tag !== 'string') return null;
  const language = tag.toLowerCase().split('-')[0];
  return locales.find((locale) => locale === language) ?? null;
}

/** RFC 9110, 12.5.4: tags by falling weight; equal weights as they came. Broken ones are left out. */
function acceptedTags(header: string | undefined): string[] {
  return (header ?? '')
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(/\s*;\s*/);
      const weight = parameters.find((each) => each.startsWith('q='))?.slice(2) ?? '1';
      return { tag, weight: /^[01](\.\d{0,3})?$/.test(weight) ? Number(weight) : 0 };
    })
    .filter(({ tag, weight }) => /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag) && weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}

/** Amounts, dates, lists and countries as one speaks them. */
export class Words {
  readonly texts: Texts;
  private readonly countries: Intl.DisplayNames;

  constructor(readonly speech: Speech) {
    this.texts = textsOf[speech.locale];
    this.countries = new Intl.DisplayNames([speech.tag], { type: 'region' });
  }

  /** Exact: whole units and cents are formatted as text, not as a float. */
  money({ amountMinor, currency }: Money): string {
    const format = new Intl.NumberFormat(this.speech.tag, { style: 'currency', currency: currency.toUpperCase() });
    const cents = (amountMinor % majorUnitMinor).toString().padStart(2, '0');
    return format.format(`${amountMinor / majorUnitMinor}.${cents}` as Intl.StringNumericLiteral);
  }

  /** In UTC, and says so: where the seller is, only their browser knows, and its script writes that over this. */
  utc(at: Date): string {
    const format = new Intl.DateTimeFormat(this.speech.tag, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
    return `${format.format(at)} ${this.texts.utc}`;
  }

  list(words: readonly string[]): string {
    return new Intl.ListFormat(this.speech.tag, { type: 'conjunction' }).format(words);
  }

  country(code: string): string {
    return /^[A-Z]{2}$/.test(code) ? (this.countries.of(code) ?? code) : code;
  }

  /** A name that Stripe's list does not have, from an older row say, is at least readable. */
  category(name: string): string {
    return isStripeCategory(name) ? categoriesOf[this.speech.locale][name] : name.replaceAll('_', ' ');
  }

  number(value: number): string {
    return new Intl.NumberFormat(this.speech.tag).format(value);
  }
}
