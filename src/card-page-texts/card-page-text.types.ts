import { CardEvent, CardState, DeclineAdvice, PasscodeProblem } from '../card-page.types';

/** The languages Stripe knows for a cardholder (`preferred_locales`), English first: it is spoken when nothing else fits. */
export const locales = ['en', 'de', 'es', 'fr', 'it'] as const;
export type Locale = (typeof locales)[number];

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
    events: Readonly<Record<CardEvent['what'], (amount: string, merchant: string) => string>>;
    someMerchant: string;
  }>;
  readonly decline: Readonly<{
    title: (amount: string, merchant: string) => string;
    advice: Readonly<Record<DeclineAdvice, Readonly<{ what: string; now: string }>>>;
  }>;
  readonly refresh: string;
  readonly utc: string;
}
