import type Stripe from 'stripe';
import { checkNotNegative } from './amounts';
import { zeroDecimal } from './currencies';
import { badParameter } from './errors';
import { categoryCodes } from './merchant-categories';
import type { Settings } from './settings';

type MerchantData = Stripe.Issuing.Authorization.MerchantData;

interface GivenMerchant {
  category?: string;
  city?: string;
  country?: string;
  name?: string;
  network_id?: string;
  postal_code?: string;
  state?: string;
  terminal_id?: string;
  url?: string;
}

/** The merchant of a test purchase, with Stripe's own example where nothing is said. */
export function merchantFrom(given: GivenMerchant | undefined): MerchantData {
  const category = given?.category ?? 'ac_refrigeration_repair';
  return {
    category,
    category_code: categoryCodes[category] ?? '5999',
    city: given?.city ?? null,
    country: given?.country ?? 'US',
    name: given?.name ?? 'Rocket Rides',
    network_id: given?.network_id ?? '1234567890',
    postal_code: given?.postal_code ?? null,
    state: given?.state ?? null,
    tax_id: null,
    terminal_id: given?.terminal_id ?? null,
    url: given?.url ?? null,
  };
}

export interface PurchaseAmount {
  amount: number;
  currency: string;
  merchant_amount: number;
  merchant_currency: string;
}

interface GivenAmount {
  amount?: number;
  currency?: string;
  merchant_amount?: number;
  merchant_currency?: string;
}

/** What a purchase costs in the card's currency and in the merchant's, whichever was given. */
export function purchaseAmount(given: GivenAmount, cardCurrency: string, settings: Settings): PurchaseAmount {
  // Without a merchant currency, an amount in another currency than the card's is the merchant's.
  const foreign = given.currency !== undefined && given.currency !== cardCurrency;
  const merchantCurrency = (
    given.merchant_currency ??
    (foreign ? given.currency : undefined) ??
    cardCurrency
  ).toLowerCase();
  const merchantAmount = given.merchant_amount ?? (foreign ? given.amount : undefined);
  const amount = foreign ? undefined : given.amount;
  if (amount === undefined && merchantAmount === undefined)
    throw badParameter('Missing required param: amount.', 'amount', 'parameter_missing');
  for (const [name, value] of [
    ['amount', amount],
    ['merchant_amount', merchantAmount],
  ] as const) {
    if (value !== undefined) checkNotNegative(value, name);
  }
  if (merchantCurrency === cardCurrency) {
    const same = amount ?? merchantAmount ?? 0;
    return {
      amount: same,
      currency: cardCurrency,
      merchant_amount: merchantAmount ?? same,
      merchant_currency: merchantCurrency,
    };
  }
  const rate = exchangeRate(merchantCurrency, cardCurrency, settings);
  return {
    amount: amount ?? Math.round((merchantAmount ?? 0) * rate),
    currency: cardCurrency,
    merchant_amount: merchantAmount ?? Math.round((amount ?? 0) / rate),
    merchant_currency: merchantCurrency,
  };
}

/** How many of the card's smallest units one of the merchant's is worth. */
function exchangeRate(from: string, to: string, settings: Settings): number {
  const rate = settings.exchange_rates[`${from}_${to}`];
  if (rate === undefined) {
    throw badParameter(
      `Invalid currency: ${from}. This simulator has no exchange rate for ${from}_${to}; add it to its settings.`,
      'merchant_currency',
    );
  }
  return zeroDecimal.includes(from) ? rate * 100 : rate;
}
