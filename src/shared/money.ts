/** The currencies Stripe Issuing accounts hold here; all have two decimals. https://docs.stripe.com/issuing/how-issuing-works */
export const currencies = ['usd', 'eur', 'gbp'] as const;
export type Currency = (typeof currencies)[number];

/** An amount in minor units (cents) with its currency. Never a bare number: two currencies must not meet unseen. */
export type Money = Readonly<{ amountMinor: bigint; currency: Currency }>;

/** One dollar, euro or pound, in minor units. */
export const majorUnitMinor = 100n;

export class CurrencyMismatch extends Error {
  constructor(a: Currency, b: Currency) {
    super(`Amounts in ${a} and ${b} cannot be combined.`);
  }
}

export function isCurrency(text: string): text is Currency {
  return (currencies as readonly string[]).includes(text);
}

/** Reads a currency that a database row or Stripe gave us. @throws {Error} when it is not one of ours */
export function toCurrency(text: string): Currency {
  if (!isCurrency(text)) throw new Error(`${text} is not a currency of this service.`);
  return text;
}

export function money(amountMinor: bigint, currency: Currency): Money {
  return { amountMinor, currency };
}

/** @throws {CurrencyMismatch} */
export function add(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new CurrencyMismatch(a.currency, b.currency);
  return { amountMinor: a.amountMinor + b.amountMinor, currency: a.currency };
}

/** @throws {CurrencyMismatch} */
export function subtract(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new CurrencyMismatch(a.currency, b.currency);
  return { amountMinor: a.amountMinor - b.amountMinor, currency: a.currency };
}

/** @throws {CurrencyMismatch} */
export function min(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new CurrencyMismatch(a.currency, b.currency);
  return a.amountMinor <= b.amountMinor ? a : b;
}

/** The smaller of two amounts in minor units of one currency. */
export function minMinor(a: bigint, b: bigint): bigint {
  return a <= b ? a : b;
}

/** `-250.00 USD`, for logs and people; exact, without floating point. */
export function formatMoney({ amountMinor, currency }: Money): string {
  const sign = amountMinor < 0n ? '-' : '';
  const absolute = amountMinor < 0n ? -amountMinor : amountMinor;
  const cents = (absolute % majorUnitMinor).toString().padStart(2, '0');
  return `${sign}${absolute / majorUnitMinor}.${cents} ${currency.toUpperCase()}`;
}
