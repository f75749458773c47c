import { isISO31661Alpha2 } from 'class-validator';
import { FieldError } from '../shared/domain-error';
import { majorUnitMinor } from '../shared/money';
import type { StripeCallParams, StripeSpendingControls } from '../stripe/stripe-call.types';
import { isStripeCategory } from '../stripe/stripe-categories';
import { CardControls } from './card.types';

const valuesMax = 300;

type ListName = Exclude<keyof CardControls, 'amount_match'>;

const rules: readonly { allowed: ListName; blocked: ListName; isKnown: (value: string) => boolean; detail: string }[] =
  [
    {
      allowed: 'allowed_categories',
      blocked: 'blocked_categories',
      isKnown: isStripeCategory,
      detail: 'is not a merchant category of Stripe',
    },
    {
      allowed: 'allowed_merchant_countries',
      blocked: 'blocked_merchant_countries',
      isKnown: isCountry,
      detail: 'is not an ISO 3166 alpha-2 country code in capitals',
    },
  ];

function isCountry(code: string): boolean {
  return /^[A-Z]{2}$/.test(code) && isISO31661Alpha2(code);
}

/**
 * What is wrong with spending controls, before Stripe sees them: unknown names, repetitions, and an allow list beside its block list,
 * which Stripe refuses. None: they are good. https://docs.stripe.com/issuing/controls/spending-controls
 */
export function controlErrors(controls: CardControls): FieldError[] {
  return rules.flatMap(({ allowed, blocked, isKnown, detail }) => {
    const errors = [allowed, blocked].flatMap((name) => listErrors(name, controls[name] ?? [], isKnown, detail));
    if ((controls[allowed]?.length ?? 0) > 0 && (controls[blocked]?.length ?? 0) > 0) {
      errors.push({ pointer: `/controls/${blocked}`, detail: `cannot be set together with ${allowed}` });
    }
    return errors;
  });
}

function listErrors(
  name: ListName,
  values: readonly string[],
  isKnown: (value: string) => boolean,
  detail: string,
): FieldError[] {
  if (values.length > valuesMax)
    return [{ pointer: `/controls/${name}`, detail: `must hold at most ${valuesMax} values` }];
  return values.flatMap((value, index): FieldError[] => {
    const pointer = `/controls/${name}/${index}`;
    if (!isKnown(value)) return [{ pointer, detail }];
    if (values.indexOf(value) < index) return [{ pointer, detail: 'is repeated' }];
    return [];
  });
}

export type CardExpiry = Readonly<{ expMonth: number; expYear: number }>;

/**
 * The expiry printed on a card that must be usable until `expiresAt`, or null when that is too far for Stripe, which wants at least
 * one month and under five years ahead. https://docs.stripe.com/changelog/basil/2025-08-27/issuing-custom-expiration-dates
 */
export function cardExpiry(expiresAt: Date, now: Date): CardExpiry | null {
  // Two calendar months: a call that is repeated into the next month still asks for one that is a month ahead.
  const earliest = monthOf(now) + 2;
  const month = Math.max(monthOf(expiresAt), earliest);
  if (month >= monthOf(now) + 5 * 12) return null;
  return { expMonth: (month % 12) + 1, expYear: Math.floor(month / 12) };
}

// Months since the year 0, in UTC as Stripe counts.
function monthOf(date: Date): number {
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

export type CardFacts = Readonly<{
  id: string;
  payoutId: string;
  stripeCardholderId: string;
  amountMinor: bigint;
  currency: string;
  controls: CardControls;
  expiry: CardExpiry;
}>;

/** A virtual card for one payment of at most the amount. https://docs.stripe.com/issuing/controls/lifecycle-controls */
export function cardCreateParams(card: CardFacts): StripeCallParams['card.create'] {
  return {
    cardholder: card.stripeCardholderId,
    currency: card.currency,
    type: 'virtual',
    // Stripe's default is inactive, which declines every purchase.
    status: 'active',
    exp_month: card.expiry.expMonth,
    exp_year: card.expiry.expYear,
    lifecycle_controls: { cancel_after: { payment_count: 1 } },
    spending_controls: spendingControls(card.amountMinor, card.controls),
    metadata: { disburse_payout: card.payoutId, disburse_card: card.id },
  };
}

function spendingControls(amountMinor: bigint, controls: CardControls): StripeSpendingControls {
  return {
    ...listOf(controls, 'allowed_categories'),
    ...listOf(controls, 'blocked_categories'),
    ...listOf(controls, 'allowed_merchant_countries'),
    ...listOf(controls, 'blocked_merchant_countries'),
    spending_limits: [
      { amount: Number(amountMinor), interval: 'per_authorization' },
      // One unit more: an uncaptured card check of at most one unit must not make Stripe refuse the full payment after it.
      { amount: Number(amountMinor + majorUnitMinor), interval: 'all_time' },
    ],
  };
}

// An empty list would unset a control; an absent one leaves it alone.
function listOf<Name extends ListName>(controls: CardControls, name: Name): { [Key in Name]?: readonly string[] } {
  const values = controls[name] ?? [];
  return (values.length === 0 ? {} : { [name]: values }) as { [Key in Name]?: readonly string[] };
}
