import type Stripe from 'stripe';
import { checkCountry } from './countries';
import { badParameter } from './errors';

/** What cards and cardholders have in common; only a cardholder's currency may be set. */
type Controls = Stripe.Issuing.Card.SpendingControls;
type GivenToCard = NonNullable<Stripe.Issuing.CardUpdateParams['spending_controls']>;
type GivenToCardholder = NonNullable<Stripe.Issuing.CardholderUpdateParams['spending_controls']>;
type Given = GivenToCard & GivenToCardholder;

const twins = ['card_presences', 'categories', 'merchant_countries'] as const;

export function cardControls(given: GivenToCard | undefined, current?: Controls | null): Controls {
  return controlsFrom(given, current ?? null, null);
}

export function cardholderControls(
  given: GivenToCardholder | undefined,
  current?: Stripe.Issuing.Cardholder.SpendingControls | null,
): Stripe.Issuing.Cardholder.SpendingControls {
  const currency = given?.spending_limits_currency ?? current?.spending_limits_currency ?? null;
  return controlsFrom(given, current ?? null, currency);
}

/** Lists given replace the lists there were; an empty one unsets. */
function controlsFrom(given: Given | undefined, current: Controls | null, currency: string | null): Controls {
  const controls: Controls = {
    allowed_card_presences: given?.allowed_card_presences ?? current?.allowed_card_presences ?? null,
    allowed_categories: given?.allowed_categories ?? current?.allowed_categories ?? null,
    allowed_merchant_countries: given?.allowed_merchant_countries ?? current?.allowed_merchant_countries ?? null,
    blocked_card_presences: given?.blocked_card_presences ?? current?.blocked_card_presences ?? null,
    blocked_categories: given?.blocked_categories ?? current?.blocked_categories ?? null,
    blocked_merchant_countries: given?.blocked_merchant_countries ?? current?.blocked_merchant_countries ?? null,
    spending_limits: given?.spending_limits?.map(limitFrom) ?? current?.spending_limits ?? [],
    spending_limits_currency: currency,
  };
  for (const list of ['allowed_merchant_countries', 'blocked_merchant_countries'] as const) {
    for (const [index, code] of (given?.[list] ?? []).entries())
      checkCountry(code, `spending_controls[${list}][${index}]`);
  }
  for (const twin of twins) {
    const allowed = `allowed_${twin}` as const;
    const blocked = `blocked_${twin}` as const;
    if ((controls[allowed]?.length ?? 0) > 0 && (controls[blocked]?.length ?? 0) > 0) {
      throw badParameter(
        `You may only specify one of these parameters: spending_controls[${allowed}], spending_controls[${blocked}].`,
        `spending_controls[${allowed}]`,
      );
    }
  }
  return controls;
}

function limitFrom(
  limit: { amount: number; categories?: Controls['allowed_categories'] | null; interval: string },
  index: number,
): Stripe.Issuing.Card.SpendingControls.SpendingLimit {
  if (limit.amount < 0) {
    throw badParameter(
      'This value must be greater than or equal to 0.',
      `spending_controls[spending_limits][${index}][amount]`,
      'parameter_invalid_integer',
    );
  }
  return { amount: limit.amount, categories: limit.categories ?? [], interval: limit.interval };
}
