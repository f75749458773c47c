import { Type } from 'class-transformer';
import {
  IsEmail,
  IsIn,
  IsInt,
  IsIP,
  IsObject,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { AccountBalance } from '../ledger/ledger.types';
import { IsMoment } from '../platform/http/is-moment.decorator';
import { PageQuery } from '../platform/http/page.dto';
import { currencies } from '../shared/money';
import type { Currency } from '../shared/money';
import { businessTypes, connectedAccountStatuses, fundingRails } from './connected-account.types';
import type {
  BalanceComparison,
  BusinessType,
  CapabilityStatus,
  ConnectedAccount,
  ConnectedAccountStatus,
  FundingRailName,
} from './connected-account.types';

/** May be left out. Null is not "left out": it is refused like any other wrong value. */
const Optional = () => ValidateIf((_body, value) => value !== undefined);

/** Needed to make an account; an adopted one has it at Stripe already. */
const NeededToOnboard = () =>
  ValidateIf((body: CreateConnectedAccountBody, value) => body.stripe_account_id === undefined || value !== undefined);

export class SellerAddress {
  /**
   * Street address; PO boxes are refused.
   * @example "354 Oyster Point Blvd"
   */
  @IsString()
  @Matches(/\S/)
  @MaxLength(200)
  line1: string;

  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(200)
  line2?: string;

  /** @example "South San Francisco" */
  @IsString()
  @Matches(/\S/)
  @MaxLength(100)
  city: string;

  /**
   * State, county or province.
   * @example "CA"
   */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(100)
  state?: string;

  /** @example "94080" */
  @IsString()
  @Matches(/\S/)
  @MaxLength(20)
  postal_code: string;
}

export class SellerDateOfBirth {
  /** @example 9 */
  @IsInt()
  @Min(1)
  @Max(31)
  day: number;

  /** @example 12 */
  @IsInt()
  @Min(1)
  @Max(12)
  month: number;

  /** @example 1985 */
  @IsInt()
  @Min(1900)
  @Max(2200)
  year: number;
}

export class SellerRepresentativeBody {
  /** @example "Jenny" */
  @IsString()
  @Matches(/\S/)
  @MaxLength(100)
  first_name: string;

  /** @example "Rosen" */
  @IsString()
  @Matches(/\S/)
  @MaxLength(100)
  last_name: string;

  /** @example "jenny.rosen@example.com" */
  @Optional()
  @IsEmail()
  email?: string;

  /** @example "+14155550199" */
  @Optional()
  @Matches(/^\+[1-9]\d{6,14}$/, { message: 'phone must be in E.164 form, like +14155550199' })
  phone?: string;

  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => SellerDateOfBirth)
  dob?: SellerDateOfBirth;

  /** In the seller's country. */
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => SellerAddress)
  address?: SellerAddress;
}

export class SellerBusinessProfileBody {
  /**
   * Merchant category code of the seller's own business.
   * @example "5734"
   */
  @Optional()
  @Matches(/^\d{4}$/, { message: 'mcc must be four digits' })
  mcc?: string;

  /**
   * The seller's website; `product_description` will do where there is none.
   * @example "https://rocketrides.example.com"
   */
  @Optional()
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true })
  @MaxLength(2048)
  url?: string;

  /** @example "Refurbished computers" */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(2048)
  product_description?: string;

  /** @example 12 */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(10_000_000)
  estimated_worker_count?: number;
}

export class SellerTermsAcceptance {
  /**
   * From which address the seller accepted the card issuing terms.
   * @example "203.0.113.7"
   */
  @IsIP()
  ip: string;

  /**
   * When.
   * @example "2026-11-02T09:30:00Z"
   */
  @IsMoment()
  date: string;

  /** The browser it was accepted with. */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(500)
  user_agent?: string;
}

/** Onboards a seller: makes the Stripe account, or adopts one that exists when `stripe_account_id` is given. */
export class CreateConnectedAccountBody {
  /**
   * Adopt this account of yours at Stripe instead of making one. Its bank payouts must be manual. Together with it only
   * `legal_name`, `external_reference` and `funding_rail` are taken.
   * @example "acct_1032D82eZvKYlo2C"
   */
  @Optional()
  @Matches(/^acct_\w{1,200}$/, { message: 'stripe_account_id must be an id of a Stripe account, acct_…' })
  stripe_account_id?: string;

  /**
   * Your own id of the seller; unique.
   * @example "seller-4711"
   */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(255)
  external_reference?: string;

  /** How money reaches the seller's Issuing balance. */
  @Optional()
  @IsIn(fundingRails)
  funding_rail: FundingRailName = 'transfer';

  /**
   * US, GB or a country of the European Economic Area (ISO 3166 alpha-2). Needed, as `business_type`, `email` and `legal_name`
   * are, unless `stripe_account_id` is given.
   * @example "US"
   */
  @NeededToOnboard()
  @Matches(/^[A-Z]{2}$/, { message: 'country must be an ISO 3166 alpha-2 code in capitals, like US' })
  country?: string;

  /**
   * Follows from the country (usd, gbp, eur); refused when it differs.
   * @example "usd"
   */
  @Optional()
  @IsIn(currencies)
  currency?: Currency;

  @NeededToOnboard()
  @IsIn(businessTypes)
  business_type?: BusinessType;

  /** @example "owner@rocketrides.example.com" */
  @NeededToOnboard()
  @IsEmail()
  email?: string;

  /**
   * The company's or the person's legal name; what this service shows of the seller.
   * @example "Rocket Rides LLC"
   */
  @NeededToOnboard()
  @IsString()
  @Matches(/\S/)
  @MaxLength(100)
  legal_name?: string;

  /** Registered street address, in `country`. */
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => SellerAddress)
  address?: SellerAddress;

  /** @example "+14155550100" */
  @Optional()
  @Matches(/^\+[1-9]\d{6,14}$/, { message: 'phone must be in E.164 form, like +14155550100' })
  phone?: string;

  /**
   * The company's tax id; passed on to Stripe and not kept here.
   * @example "000000000"
   */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(50)
  tax_id?: string;

  /** For `business_type` individual: the person. The people of a company are entered on the onboarding page. */
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => SellerRepresentativeBody)
  representative?: SellerRepresentativeBody;

  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => SellerBusinessProfileBody)
  business_profile?: SellerBusinessProfileBody;

  /** The seller accepted Stripe's card issuing terms; without it the seller accepts them on the onboarding page. */
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => SellerTermsAcceptance)
  terms_acceptance?: SellerTermsAcceptance;
}

/** What an adopted account may be given: the rest is at Stripe. */
export const adoptionFields: readonly string[] = [
  'stripe_account_id',
  'external_reference',
  'funding_rail',
  'legal_name',
];

export class ConnectedAccountsQuery extends PageQuery {
  @Optional()
  @IsIn(connectedAccountStatuses)
  status?: ConnectedAccountStatus;

  /** Your own id of the seller. */
  @Optional()
  @IsString()
  @MaxLength(255)
  external_reference?: string;
}

export class OnboardingLinkBody {
  /**
   * Where Stripe sends the seller when the link has expired or was used: make a new one there.
   * @example "https://marketplace.example.com/onboarding/again"
   */
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false })
  @MaxLength(2048)
  refresh_url: string;

  /**
   * Where Stripe sends the seller afterwards. Coming back does not mean that nothing is due: read the account.
   * @example "https://marketplace.example.com/onboarding/done"
   */
  @IsUrl({ protocols: ['http', 'https'], require_protocol: true, require_tld: false })
  @MaxLength(2048)
  return_url: string;
}

export class OnboardingLinkView {
  /** Stripe's page; works once, for a few minutes. */
  url: string;
  expires_at: string;
}

export class CapabilitiesView {
  /** @example "active" */
  card_issuing: CapabilityStatus;
  /** @example "active" */
  transfers: CapabilityStatus;
}

export class AccountRequirementsView {
  /**
   * What Stripe wants to know now, by Stripe's names.
   * @example ["company.tax_id"]
   */
  currently_due: string[];
  past_due: string[];
  pending_verification: string[];
  disabled_reason: string | null;
}

export class AccountFailureView {
  code: string;
  detail: string;
}

export class ConnectedAccountView {
  /** @example "seller_01KAJ0G6W1M4Q8V0T5R2N7XYZA" */
  id: string;
  /** Null until Stripe has made the account. */
  stripe_account_id: string | null;
  external_reference: string | null;
  legal_name: string;
  business_type: BusinessType;
  country: string;
  currency: Currency;
  status: ConnectedAccountStatus;
  funding_rail: FundingRailName;
  capabilities: CapabilitiesView;
  requirements: AccountRequirementsView;
  /** The kill switch. */
  suspended: boolean;
  /** May receive payouts now. */
  eligible: boolean;
  /**
   * Every reason why not.
   * @example ["card_issuing_not_active"]
   */
  ineligible_because: string[];
  /** Why Stripe refused to make the account. */
  failure: AccountFailureView | null;
  created_at: string;
  updated_at: string;
}

export class ConnectedAccountPage {
  data: ConnectedAccountView[];
  has_more: boolean;
  next_cursor: string | null;
}

export class StripeBalanceView {
  /** Null: Stripe leaves the figure out, which is not zero. Minor units. */
  issuing_available: number | null;
  payments_available: number;
  payments_pending: number;
}

export class LedgerBalanceView {
  issuing_available: number;
  issuing_held: number;
  funds_in_transit: number;
  reclaim_in_transit: number;
  seller_payments: number;
  seller_receivable: number;
}

export class BalanceDifferenceView {
  /** Stripe less ledger; null when Stripe leaves its figure out. */
  issuing_available: number | null;
  /** Stripe's available and pending payments balance less the ledger's. */
  payments: number;
}

/** Amounts in minor units of `currency`. */
export class ConnectedAccountBalanceView {
  connected_account: string;
  currency: Currency;
  as_of: string;
  stripe: StripeBalanceView;
  ledger: LedgerBalanceView;
  difference: BalanceDifferenceView;
}

export function toConnectedAccountView(account: ConnectedAccount): ConnectedAccountView {
  return {
    id: account.id,
    stripe_account_id: account.stripeAccountId,
    external_reference: account.externalReference,
    legal_name: account.displayName,
    business_type: account.businessType,
    country: account.country,
    currency: account.currency,
    status: account.status,
    funding_rail: account.fundingRail,
    capabilities: { ...account.capabilities },
    requirements: {
      currently_due: [...account.requirements.currentlyDue],
      past_due: [...account.requirements.pastDue],
      pending_verification: [...account.requirements.pendingVerification],
      disabled_reason: account.requirements.disabledReason,
    },
    suspended: account.isSuspended,
    eligible: account.isEligible,
    ineligible_because: [...account.ineligibleBecause],
    failure: account.failure && { ...account.failure },
    created_at: account.createdAt.toISOString(),
    updated_at: account.updatedAt.toISOString(),
  };
}

export function toBalanceView({ account, stripe, ledger, asOf }: BalanceComparison): ConnectedAccountBalanceView {
  const { currency } = account;
  const ours = (name: string) => ledgerFigure(ledger, name, currency);
  const issuing = stripe.issuingAvailable === null ? null : (stripe.issuingAvailable.get(currency) ?? 0n);
  const available = stripe.available.get(currency) ?? 0n;
  const pending = stripe.pending.get(currency) ?? 0n;
  return {
    connected_account: account.id,
    currency,
    as_of: asOf.toISOString(),
    stripe: {
      issuing_available: issuing === null ? null : Number(issuing),
      payments_available: Number(available),
      payments_pending: Number(pending),
    },
    ledger: {
      issuing_available: Number(ours('issuing_available')),
      issuing_held: Number(ours('issuing_held')),
      funds_in_transit: Number(ours('funds_in_transit')),
      reclaim_in_transit: Number(ours('reclaim_in_transit')),
      seller_payments: Number(ours('seller_payments')),
      seller_receivable: Number(ours('seller_receivable')),
    },
    difference: {
      issuing_available: issuing === null ? null : Number(issuing - ours('issuing_available')),
      payments: Number(available + pending - ours('seller_payments')),
    },
  };
}

function ledgerFigure(ledger: readonly AccountBalance[], name: string, currency: Currency): bigint {
  return ledger.find((line) => line.account === name && line.currency === currency)?.amountMinor ?? 0n;
}
