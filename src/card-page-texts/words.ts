import { Money, majorUnitMinor } from '../shared/money';
import { isStripeCategory } from '../stripe/stripe-categories';
import { Locale, locales, Speech, Texts, Words } from './card-page-text.types';
import { de } from './de';
import { en } from './en';
import { es } from './es';
import { fr } from './fr';
import { it } from './it';

export const textsOf: Readonly<Record<Locale, Texts>> = { en, de, es, fr, it };

export class SpokenWords implements Words {
  readonly texts: Texts;
  readonly languages = locales.map((locale) => ({ locale, name: textsOf[locale].language }));
  private readonly countries: Intl.DisplayNames;

  constructor(readonly speech: Speech) {
    this.texts = textsOf[speech.locale];
    this.countries = new Intl.DisplayNames([speech.tag], { type: 'region' });
  }

  money({ amountMinor, currency }: Money): string {
    const format = new Intl.NumberFormat(this.speech.tag, { style: 'currency', currency: currency.toUpperCase() });
    const cents = (amountMinor % majorUnitMinor).toString().padStart(2, '0');
    return format.format(`${amountMinor / majorUnitMinor}.${cents}` as Intl.StringNumericLiteral);
  }

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

  category(name: string): string {
    return isStripeCategory(name) ? this.texts.categories[name] : name.replaceAll('_', ' ');
  }

  number(value: number): string {
    return new Intl.NumberFormat(this.speech.tag).format(value);
  }
}
