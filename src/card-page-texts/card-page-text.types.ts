import { CardholderLocale } from '../cardholders/cardholder.types';
import { Money } from '../shared/money';
import { StripeCategory } from '../stripe/stripe-categories';

/** The languages Stripe speaks to cardholders, English first: it is spoken when nothing else fits. */
export const locales = ['en', 'de', 'es', 'fr', 'it'] as const satisfies readonly CardholderLocale[];
export type Locale = CardholderLocale;

/** What the page says about the card as a whole. */
export const cardStates = [
  'funding',
  'making',
  'ready',
  'paused',
  'reserved',
  'used',
  'unused',
  'expired',
  'canceled',
  'failed',
] as const;
export type CardState = (typeof cardStates)[number];

/** What somebody whose payment was refused is told. Many reasons share one piece of advice: what to do is what counts. */
export const declineAdvices = [
  'not_ready',
  'ended',
  'already_used',
  'newer_card',
  'paused',
  'wrong_currency',
  'kind_of_merchant',
  'merchant_country',
  'second_check',
  'exact_amount',
  'too_much',
  'extra_amount',
  'no_open_charge',
  'card_rules',
  'check_details',
  'other_way',
  'try_again',
  'ask_marketplace',
] as const;
export type DeclineAdvice = (typeof declineAdvices)[number];

export type CardEventKind = 'reserved' | 'released' | 'charged' | 'refunded' | 'refund_taken_back';
export type PasscodeProblem = 'wrong' | 'not_six_digits' | 'stale';

type TitleAndText = Readonly<{ title: string; text: string }>;

/** Every sentence of the page. A language that lacks one does not compile. Arguments come formatted and are escaped by the template. */
export interface Texts {
  /** Its own name, for the list of languages. */
  readonly language: string;
  readonly languages: string;
  readonly cardFrom: (marketplace: string) => string;
  readonly gone: TitleAndText;
  readonly arriving: Readonly<{ title: string; go: string }>;
  readonly busy: Readonly<{ title: string; text: (seconds: string) => string }>;
  readonly ended: Readonly<Record<'expired' | 'revoked' | 'replaced' | 'locked', TitleAndText>>;
  readonly elsewhere: TitleAndText;
  readonly passcode: Readonly<{
    title: string;
    text: (marketplace: string) => string;
    move: string;
    label: string;
    hint: string;
    submit: string;
    problems: Readonly<Record<PasscodeProblem, string>>;
  }>;
  readonly states: Readonly<Record<CardState, Readonly<{ badge: string; text: string }>>>;
  readonly left: string;
  /** Charged less what came back. */
  readonly spent: string;
  readonly card: Readonly<{
    title: string;
    /** For the picture: `Visa card ending in 4242`. */
    picture: (brand: string, last4: string) => string;
    number: string;
    expiry: string;
    cvc: string;
    hidden: string;
    copy: Readonly<Record<'number' | 'expiry' | 'cvc', string>>;
  }>;
  readonly show: Readonly<{
    title: string;
    hold: string;
    holdHint: string;
    holding: string;
    tooShort: string;
    cannotHold: string;
    typeLabel: (last4: string) => string;
    typeSubmit: string;
    typeWrong: string;
    loading: string;
    /** Said once, when the details are there. */
    shown: string;
    remaining: string;
    hide: string;
    hiddenAgain: string;
    copied: string;
    needsScript: string;
    automated: string;
    tooOften: string;
    unavailable: string;
    loadFailed: string;
  }>;
  readonly where: Readonly<{
    title: string;
    anywhere: string;
    onlyKinds: (list: string) => string;
    notKinds: (list: string) => string;
    onlyCountries: (list: string) => string;
    notCountries: (list: string) => string;
  }>;
  readonly when: Readonly<{ title: string; until: string }>;
  readonly rules: Readonly<{
    title: string;
    once: string;
    exact: (amount: string) => string;
    upTo: (amount: string) => string;
    phone: (ending: string) => string;
    noPhone: (marketplace: string) => string;
  }>;
  readonly history: Readonly<{
    title: string;
    events: Readonly<Record<CardEventKind, (amount: string, merchant: string) => string>>;
    someMerchant: string;
  }>;
  readonly decline: Readonly<{
    title: (amount: string, merchant: string) => string;
    advice: Readonly<Record<DeclineAdvice, Readonly<{ what: string; now: string }>>>;
  }>;
  readonly refresh: string;
  readonly utc: string;
  /** What Stripe's merchant categories are called; the compiler finds one that Stripe added. https://docs.stripe.com/issuing/categories */
  readonly categories: Readonly<Record<StripeCategory, string>>;
}

/** A language to speak and the region whose numbers and dates it is spoken with. */
export type Speech = Readonly<{ locale: Locale; tag: string }>;

/** How a visitor would like to be spoken to. */
export type Wishes = Readonly<{
  /** `?lang=` of the address. */
  asked: unknown;
  /** The cardholder's own. */
  preferred: Locale | null;
  acceptLanguage: string | undefined;
}>;

/** One language, spoken: its sentences, and amounts, dates, lists and names as it writes them. */
export interface Words {
  readonly speech: Speech;
  readonly texts: Texts;
  /** Every language by its own name, this one included. */
  readonly languages: readonly Readonly<{ locale: Locale; name: string }>[];
  /** Exact: whole units and cents are formatted as text, not as a float. */
  money(amount: Money): string;
  /** In UTC, and says so: where the seller is, only their browser knows, and its script writes that over this. */
  utc(at: Date): string;
  list(words: readonly string[]): string;
  country(code: string): string;
  /** A name that Stripe's list does not have, from an older row say, is at least readable. */
  category(name: string): string;
  number(value: number): string;
}
