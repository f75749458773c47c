import { AccountBalance } from '../ledger/ledger.types';
import { Currency } from '../shared/money';
import type { StripeBalance } from '../stripe/stripe.types';

/**
 * `onboarding` until Stripe has switched the capabilities on; `active`; `restricted` when an account that was active
 * lost one; `rejected` when Stripe closed it, or refused to make it.
 */
export const connectedAccountStatuses = ['onboarding', 'active', 'restricted', 'rejected'] as const;
export type ConnectedAccountStatus = (typeof connectedAccountStatuses)[number];

/** How money reaches the account's Issuing balance; the adapters live in `funding-transfers`. */
export const fundingRails = ['transfer', 'topup', 'prefunded'] as const;
export type FundingRailName = (typeof fundingRails)[number];

export const businessTypes = ['company', 'individual', 'non_profit'] as const;
export type BusinessType = (typeof businessTypes)[number];

/** Stripe's own words. https://docs.stripe.com/api/capabilities/object */
export const capabilityStatuses = ['unrequested', 'inactive', 'pending', 'active'] as const;
export type CapabilityStatus = (typeof capabilityStatuses)[number];

export type Capabilities = Readonly<{ card_issuing: CapabilityStatus; transfers: CapabilityStatus }>;

/** What Stripe still wants to know, by Stripe's names (`company.tax_id`, `individual.dob.day` …). */
export type AccountRequirements = Readonly<{
  currentlyDue: readonly string[];
  pastDue: readonly string[];
  pendingVerification: readonly string[];
  disabledReason: string | null;
}>;

/** A seller's account at Stripe, as the other modules see it. */
export type ConnectedAccount = Readonly<{
  id: string;
  /** Null until Stripe has made the account. */
  stripeAccountId: string | null;
  externalReference: string | null;
  displayName: string;
  businessType: BusinessType;
  /** ISO 3166 alpha-2. */
  country: string;
  currency: Currency;
  status: ConnectedAccountStatus;
  fundingRail: FundingRailName;
  capabilities: Capabilities;
  requirements: AccountRequirements;
  /** The kill switch: no new payout, and every authorization declined. */
  isSuspended: boolean;
  /** May receive payouts now: active, the capabilities its rail needs, not suspended. */
  isEligible: boolean;
  /** Every reason why not, by a stable name (`card_issuing_not_active`, `suspended` …). */
  ineligibleBecause: readonly string[];
  /** Why Stripe refused to make the account. */
  failure: Readonly<{ code: string; detail: string }> | null;
  createdAt: Date;
  updatedAt: Date;
}>;

/** Stripe's figures beside the ledger's. */
export type BalanceComparison = Readonly<{
  account: ConnectedAccount;
  /** As Stripe answered when asked at `asOf`. */
  stripe: StripeBalance;
  ledger: readonly AccountBalance[];
  asOf: Date;
}>;

/** European Economic Area, as of 2026. */
const eeaCountries: readonly string[] =
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK'.split(' ');

/** The currency Issuing has in a country, or undefined where it is not offered. https://docs.stripe.com/issuing/how-issuing-works */
export function issuingCurrencyOf(country: string): Currency | undefined {
  if (country === 'US') return 'usd';
  if (country === 'GB') return 'gbp';
  return eeaCountries.includes(country) ? 'eur' : undefined;
}

/** Stripe takes street addresses only. https://docs.stripe.com/issuing/connect */
export function isPostOfficeBox(line: string): boolean {
  return /\bp\.?\s*o\.?\s*box\b|\bpost\s+office\s+box\b|\bpostfach\b|\bbo[iî]te\s+postale\b|\bapartado\s+(de\s+correos|postal)\b/iu.test(
    line,
  );
}

/**
 * Where a cardholder of an account may live: a US account's in the US, a European account's anywhere in the EEA and the UK.
 * https://docs.stripe.com/issuing/connect/cardholders-and-cards
 */
export function mayLiveIn(country: string, accountCountry: string): boolean {
  if (accountCountry === 'US') return country === 'US';
  return country === 'GB' || eeaCountries.includes(country);
}
