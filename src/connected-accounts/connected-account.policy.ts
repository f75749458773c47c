import { FieldError } from '../shared/domain-error';
import type { StripeAccountCreateParams, StripeAddressParam } from '../stripe/stripe-call.types';
import type { StripeAccount } from '../stripe/stripe.types';
import {
  AccountRequirements,
  BusinessType,
  Capabilities,
  CapabilityStatus,
  capabilityStatuses,
  ConnectedAccountStatus,
  FundingRailName,
  isPostOfficeBox,
  issuingCurrencyOf,
} from './connected-account.types';

/** What Stripe said about an account, cut down to what the row keeps. */
export type AccountFacts = Readonly<{
  capabilities: Capabilities;
  requirements: AccountRequirements;
  payoutInterval: string | null;
  isRejected: boolean;
}>;

export function toAccountFacts(account: StripeAccount): AccountFacts {
  return {
    capabilities: {
      card_issuing: toCapabilityStatus(account.capabilities.cardIssuing),
      transfers: toCapabilityStatus(account.capabilities.transfers),
    },
    requirements: {
      currentlyDue: account.requirements.currentlyDue,
      pastDue: account.requirements.pastDue,
      pendingVerification: account.requirements.pendingVerification,
      disabledReason: account.requirements.disabledReason,
    },
    payoutInterval: account.payoutInterval,
    isRejected: account.isRejected,
  };
}

/** Stripe no longer shows us the account: it was closed, or it left the platform. */
export const accountLost: AccountFacts = {
  capabilities: { card_issuing: 'inactive', transfers: 'inactive' },
  requirements: { currentlyDue: [], pastDue: [], pendingVerification: [], disabledReason: 'platform_access_lost' },
  payoutInterval: null,
  isRejected: false,
};

// A word Stripe adds later means "not usable" until somebody has read what it means.
function toCapabilityStatus(status: string | null): CapabilityStatus {
  if (status === null) return 'unrequested';
  return capabilityStatuses.find((known) => known === status) ?? 'inactive';
}

type Standing = Readonly<{
  stripeAccountId: string | null;
  status: ConnectedAccountStatus;
  fundingRail: FundingRailName;
  capabilities: Capabilities;
  requirements: AccountRequirements;
  payoutInterval: string | null;
  isSuspended: boolean;
}>;

/** Every reason, by a stable name, why the account may receive no payout now. None: it is eligible. */
export function ineligibleBecause(account: Standing): string[] {
  const reasons = stripeHindrances(account.fundingRail, account);
  if (account.stripeAccountId === null) reasons.unshift('stripe_account_not_ready');
  if (account.status === 'rejected') reasons.unshift('rejected');
  if (account.isSuspended) reasons.unshift('suspended');
  return reasons;
}

/** The account's status from what Stripe says now; `before` tells an account that fell from one that never stood. */
export function statusFrom(
  facts: AccountFacts,
  fundingRail: FundingRailName,
  before: ConnectedAccountStatus,
): ConnectedAccountStatus {
  if (facts.isRejected) return 'rejected';
  if (stripeHindrances(fundingRail, facts).length === 0) return 'active';
  return before === 'onboarding' ? 'onboarding' : 'restricted';
}

function stripeHindrances(
  fundingRail: FundingRailName,
  { capabilities, requirements, payoutInterval }: Omit<AccountFacts, 'isRejected'>,
): string[] {
  const reasons: string[] = [];
  if (capabilities.card_issuing !== 'active') reasons.push('card_issuing_not_active');
  // Only this rail moves money by a platform transfer.
  if (fundingRail === 'transfer' && capabilities.transfers !== 'active') reasons.push('transfers_not_active');
  if (requirements.disabledReason !== null) reasons.push('disabled_by_stripe');
  // Money passes through the payments balance on its way out and back; an automatic bank payout would sweep it away.
  if (isAutomatic(payoutInterval)) reasons.push('automatic_stripe_payouts');
  return reasons;
}

function isAutomatic(payoutInterval: string | null): boolean {
  return payoutInterval !== null && payoutInterval !== 'manual';
}

export type Refusal = Readonly<{ code: string; reason: string }>;

/**
 * Why an existing Stripe account cannot be adopted, or null. Automatic bank payouts are refused rather than switched off
 * here: that schedule is the seller's way to money we know nothing about, so the marketplace changes it knowingly.
 */
export function adoptionRefusal(account: StripeAccount): Refusal | null {
  const { controller } = account;
  // https://docs.stripe.com/issuing/connect : only such accounts may issue, and a controller cannot be changed later.
  const isCustom =
    controller.dashboardType === 'none' &&
    controller.feesPayer !== 'account' &&
    controller.lossesPayer === 'application' &&
    controller.requirementCollection === 'application';
  if (!isCustom) {
    return {
      code: 'stripe_account_controller_unsuitable',
      reason:
        'the platform must pay its fees, cover its losses and collect its requirements, and it must have no Stripe Dashboard.',
    };
  }
  if (account.isRejected) return { code: 'stripe_account_rejected', reason: 'Stripe has rejected it.' };
  if (account.country === null || issuingCurrencyOf(account.country) === undefined) {
    return {
      code: 'country_not_supported',
      reason: 'Issuing is offered in the US, the UK and the European Economic Area.',
    };
  }
  if (isAutomatic(account.payoutInterval)) {
    return {
      code: 'automatic_stripe_payouts',
      reason: `its bank payouts are ${account.payoutInterval}; set settings.payouts.schedule.interval to manual at Stripe first.`,
    };
  }
  if (account.capabilities.cardIssuing === null) {
    return { code: 'card_issuing_not_requested', reason: 'request its card_issuing capability at Stripe first.' };
  }
  return null;
}

/** Everything a marketplace may tell about a seller. Not kept here: it goes to Stripe with the call that makes the account. */
export type SellerProfile = Readonly<{
  country: string;
  businessType: BusinessType;
  email: string;
  legalName: string;
  address?: Omit<StripeAddressParam, 'country'> | undefined;
  phone?: string | undefined;
  taxId?: string | undefined;
  representative?: SellerRepresentative | undefined;
  businessProfile?: SellerBusinessProfile | undefined;
  termsAcceptance?: Readonly<{ ip: string; date: Date; userAgent?: string | undefined }> | undefined;
}>;

export type SellerRepresentative = Readonly<{
  firstName: string;
  lastName: string;
  email?: string | undefined;
  phone?: string | undefined;
  dob?: Readonly<{ day: number; month: number; year: number }> | undefined;
  address?: StripeAddressParam | undefined;
}>;

export type SellerBusinessProfile = Readonly<{
  mcc?: string | undefined;
  url?: string | undefined;
  productDescription?: string | undefined;
  estimatedWorkerCount?: number | undefined;
}>;

/** Rules that a field's shape alone does not show. */
export function profileErrors(profile: SellerProfile, currency: string | undefined, now: Date): FieldError[] {
  const errors: FieldError[] = [];
  const issuingCurrency = issuingCurrencyOf(profile.country);
  if (issuingCurrency === undefined) {
    errors.push({ pointer: '/country', detail: 'must be US, GB or a country of the European Economic Area' });
  } else if (currency !== undefined && currency !== issuingCurrency) {
    errors.push({
      pointer: '/currency',
      detail: `must be ${issuingCurrency}, the Issuing currency of ${profile.country}`,
    });
  }
  for (const line of ['line1', 'line2'] as const) {
    if (isPostOfficeBox(profile.address?.[line] ?? '')) {
      errors.push({ pointer: `/address/${line}`, detail: 'must be a street address, not a PO box' });
    }
    if (isPostOfficeBox(profile.representative?.address?.[line] ?? '')) {
      errors.push({ pointer: `/representative/address/${line}`, detail: 'must be a street address, not a PO box' });
    }
  }
  if (profile.representative && profile.businessType !== 'individual') {
    errors.push({
      pointer: '/representative',
      detail:
        'is taken for individuals only; the people of a company are entered on the onboarding page (onboarding-links)',
    });
  }
  if (profile.termsAcceptance && profile.termsAcceptance.date > now) {
    errors.push({ pointer: '/terms_acceptance/date', detail: 'must not be in the future' });
  }
  return errors;
}

/** The only kind of account that may issue cards, its bank payouts manual. https://docs.stripe.com/issuing/connect */
export function accountCreateParams(id: string, profile: SellerProfile): StripeAccountCreateParams {
  const { representative, businessProfile, termsAcceptance } = profile;
  const address = defined({ ...profile.address, country: profile.country });
  const acceptance = termsAcceptance && {
    date: Math.floor(termsAcceptance.date.getTime() / 1_000),
    ip: termsAcceptance.ip,
    ...defined({ user_agent: termsAcceptance.userAgent }),
  };
  const legalEntity =
    profile.businessType === 'individual'
      ? {
          individual: defined({
            first_name: representative?.firstName,
            last_name: representative?.lastName,
            email: representative?.email ?? profile.email,
            phone: representative?.phone ?? profile.phone,
            dob: representative?.dob,
            address: representative?.address ? defined(representative.address) : profile.address ? address : undefined,
          }),
        }
      : {
          company: defined({
            name: profile.legalName,
            phone: profile.phone,
            tax_id: profile.taxId,
            address: profile.address ? address : undefined,
          }),
        };
  return {
    country: profile.country,
    email: profile.email,
    business_type: profile.businessType,
    controller: {
      stripe_dashboard: { type: 'none' },
      fees: { payer: 'application' },
      losses: { payments: 'application' },
      requirement_collection: 'application',
    },
    capabilities: { card_issuing: { requested: true }, transfers: { requested: true } },
    business_profile: defined({
      name: profile.legalName,
      mcc: businessProfile?.mcc,
      url: businessProfile?.url,
      product_description: businessProfile?.productDescription,
      estimated_worker_count: businessProfile?.estimatedWorkerCount,
    }),
    ...legalEntity,
    settings: {
      payouts: { schedule: { interval: 'manual' } },
      ...(acceptance ? { card_issuing: { tos_acceptance: acceptance } } : {}),
    },
    ...(acceptance ? { tos_acceptance: acceptance } : {}),
    metadata: { disburse_connected_account: id },
  };
}

type Defined<Fields> = { [Field in keyof Fields]?: Exclude<Fields[Field], undefined> };

/** Without the fields that are undefined: sent on, they would be empty, and Stripe takes empty as an order to unset. */
function defined<Fields extends object>(fields: Fields): Defined<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>;
}
