import { CardLinkStatus } from '../card-links/card-link.types';
import { CardEventKind, CardState, DeclineAdvice, PasscodeProblem } from '../card-page-texts/card-page-text.types';
import { Money } from '../shared/money';

/** Something that happened with the card, in the seller's eyes. */
export type CardEvent = Readonly<{
  what: CardEventKind;
  amount: Money;
  /** As the merchant calls itself at the network; null when it does not say. */
  merchant: string | null;
  at: Date;
}>;

export type Decline = Readonly<{ advice: DeclineAdvice; amount: Money; merchant: string | null; at: Date }>;

/** All the page may say. There is no card number or CVC among it, so none can be shown. */
export type CardPage = Readonly<{
  state: CardState;
  /** Asked for, left to spend, charged less what came back. */
  amount: Money;
  left: Money;
  spent: Money;
  mustMatchExactly: boolean;
  expiresAt: Date;
  card: Readonly<{ brand: string; last4: string }> | null;
  /** What Stripe.js needs to show this card; null when it cannot be shown now. */
  elements: Readonly<{ publishableKey: string; stripeAccount: string; stripeCardId: string }> | null;
  /** The last two digits of the number that gets confirmation codes. */
  phoneEnding: string | null;
  controls: Readonly<{
    allowedCategories: readonly string[];
    blockedCategories: readonly string[];
    allowedMerchantCountries: readonly string[];
    blockedMerchantCountries: readonly string[];
  }>;
  /** Newest first. */
  events: readonly CardEvent[];
  /** The last try to pay, where it was refused. */
  decline: Decline | null;
}>;

/** What a visitor gets to see. `gone` is one answer for every reason, and for no link at all. */
export type Face =
  | Readonly<{ face: 'gone' }>
  | Readonly<{ face: 'arriving' }>
  | Readonly<{ face: 'busy'; retryAfterSeconds: number }>
  | Readonly<{ face: 'ended'; because: Exclude<CardLinkStatus, 'active'> }>
  | Readonly<{ face: 'elsewhere' }>
  | Readonly<{ face: 'passcode'; problem: PasscodeProblem | null; isMove: boolean }>
  | Readonly<{ face: 'card'; page: CardPage; version: string }>;

/** Why a card is not shown, for the page's script. */
export type RevealRefusal = 'gone' | 'reload' | 'not_a_person' | 'robot' | 'too_often' | 'unavailable';

export type RevealAnswer =
  | Readonly<{ isShown: true; ephemeralKeySecret: string }>
  | Readonly<{ isShown: false; because: RevealRefusal; retryAfterSeconds?: number }>;
