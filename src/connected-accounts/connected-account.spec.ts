import type { StripeAccount } from '../stripe/stripe.types';
import {
  accountCreateParams,
  adoptionRefusal,
  ineligibleBecause,
  profileErrors,
  SellerProfile,
  statusFrom,
  toAccountFacts,
} from './connected-account.policy';
import { ConnectedAccountStatus } from './connected-account.types';

const now = new Date('2026-11-21T12:00:00Z');

const active: StripeAccount = {
  stripeAccountId: 'acct_1',
  country: 'US',
  defaultCurrency: 'usd',
  businessType: 'company',
  capabilities: { cardIssuing: 'active', transfers: 'active' },
  requirements: { currentlyDue: [], pastDue: [], pendingVerification: [], disabledReason: null, currentDeadline: null },
  controller: {
    dashboardType: 'none',
    feesPayer: 'application',
    lossesPayer: 'application',
    requirementCollection: 'application',
  },
  payoutInterval: 'manual',
  isRejected: false,
  metadata: {},
  createdAt: now,
};
const withoutTransfers: StripeAccount = { ...active, capabilities: { cardIssuing: 'active', transfers: 'pending' } };
const withoutIssuing: StripeAccount = { ...active, capabilities: { cardIssuing: 'pending', transfers: 'active' } };

const profile: SellerProfile = {
  country: 'US',
  businessType: 'company',
  email: 'a@example.com',
  legalName: 'Rocket Rides LLC',
};

describe('an account’s status', () => {
  const status = (account: StripeAccount, before: ConnectedAccountStatus, rail: 'transfer' | 'topup' = 'transfer') =>
    statusFrom(toAccountFacts(account), rail, before);

  it('is active with the capabilities that its rail needs, and not before', () => {
    expect(status(active, 'onboarding')).toBe('active');
    expect(status(withoutIssuing, 'onboarding')).toBe('onboarding');
    expect(status(withoutTransfers, 'onboarding')).toBe('onboarding');
    expect(status(withoutTransfers, 'onboarding', 'topup')).toBe('active');
  });

  it('tells an account that fell from one that never stood', () => {
    expect(status(withoutIssuing, 'active')).toBe('restricted');
    expect(status(withoutIssuing, 'restricted')).toBe('restricted');
    expect(status(active, 'restricted')).toBe('active');
  });

  it('follows Stripe into rejection and out of it', () => {
    expect(status({ ...active, isRejected: true }, 'active')).toBe('rejected');
    expect(status(active, 'rejected')).toBe('active');
  });

  it('does not count an account whose money Stripe would sweep to a bank', () => {
    expect(status({ ...active, payoutInterval: 'daily' }, 'active')).toBe('restricted');
    expect(status({ ...active, payoutInterval: null }, 'onboarding')).toBe('active');
  });

  it('reads a word it does not know as not usable', () => {
    const facts = toAccountFacts({ ...active, capabilities: { cardIssuing: 'paused', transfers: null } });

    expect(facts.capabilities).toEqual({ card_issuing: 'inactive', transfers: 'unrequested' });
  });
});

describe('an account’s eligibility', () => {
  const standing = {
    ...toAccountFacts(active),
    stripeAccountId: 'acct_1',
    status: 'active',
    fundingRail: 'transfer',
    isSuspended: false,
  } as const;

  it('is whole or says everything that lacks', () => {
    expect(ineligibleBecause(standing)).toEqual([]);
    expect(ineligibleBecause({ ...standing, isSuspended: true })).toEqual(['suspended']);
    expect(ineligibleBecause({ ...standing, ...toAccountFacts(withoutTransfers) })).toEqual(['transfers_not_active']);
    expect(ineligibleBecause({ ...standing, ...toAccountFacts(withoutTransfers), fundingRail: 'topup' })).toEqual([]);
    expect(ineligibleBecause({ ...standing, stripeAccountId: null, isSuspended: true })).toEqual([
      'suspended',
      'stripe_account_not_ready',
    ]);
  });
});

describe('adoption', () => {
  const code = (changes: Partial<StripeAccount>) => adoptionRefusal({ ...active, ...changes })?.code;

  it('takes an account of the right kind, active or not yet', () => {
    expect(adoptionRefusal(active)).toBeNull();
    expect(adoptionRefusal(withoutIssuing)).toBeNull();
  });

  it('refuses what could never issue cards or keep its money', () => {
    expect(code({ payoutInterval: 'daily' })).toBe('automatic_stripe_payouts');
    expect(code({ isRejected: true })).toBe('stripe_account_rejected');
    expect(code({ country: 'JP' })).toBe('country_not_supported');
    expect(code({ capabilities: { cardIssuing: null, transfers: 'active' } })).toBe('card_issuing_not_requested');
    for (const controller of [
      { dashboardType: 'express' },
      { feesPayer: 'account' },
      { lossesPayer: 'stripe' },
      { requirementCollection: 'stripe' },
    ]) {
      expect(code({ controller: { ...active.controller, ...controller } })).toBe(
        'stripe_account_controller_unsuitable',
      );
    }
  });
});

describe('a seller’s profile', () => {
  const pointers = (changes: Partial<SellerProfile>, currency?: string) =>
    profileErrors({ ...profile, ...changes }, currency, now).map((error) => error.pointer);

  it('has the currency of its country', () => {
    expect(pointers({}, 'usd')).toEqual([]);
    expect(pointers({ country: 'DE' }, 'eur')).toEqual([]);
    expect(pointers({ country: 'GB' }, 'eur')).toEqual(['/currency']);
    expect(pointers({ country: 'CA' })).toEqual(['/country']);
  });

  it('has a street, people only when it is one, and no terms from the future', () => {
    expect(pointers({ address: { line1: 'PO Box 1', city: 'Reno', postal_code: '89501' } })).toEqual([
      '/address/line1',
    ]);
    expect(pointers({ representative: { firstName: 'J', lastName: 'R' } })).toEqual(['/representative']);
    expect(pointers({ businessType: 'individual', representative: { firstName: 'J', lastName: 'R' } })).toEqual([]);
    expect(pointers({ termsAcceptance: { ip: '203.0.113.7', date: new Date('2026-11-22T00:00:00Z') } })).toEqual([
      '/terms_acceptance/date',
    ]);
  });
});

describe('what Stripe is asked to make', () => {
  it('is the one kind of account that may issue, its bank payouts manual', () => {
    const params = accountCreateParams('seller_1', {
      ...profile,
      taxId: '000000000',
      address: { line1: '1 Main St', city: 'Reno', postal_code: '89501' },
      termsAcceptance: { ip: '203.0.113.7', date: now },
    });

    expect(params).toEqual({
      country: 'US',
      email: 'a@example.com',
      business_type: 'company',
      controller: {
        stripe_dashboard: { type: 'none' },
        fees: { payer: 'application' },
        losses: { payments: 'application' },
        requirement_collection: 'application',
      },
      capabilities: { card_issuing: { requested: true }, transfers: { requested: true } },
      business_profile: { name: 'Rocket Rides LLC' },
      company: {
        name: 'Rocket Rides LLC',
        tax_id: '000000000',
        address: { line1: '1 Main St', city: 'Reno', postal_code: '89501', country: 'US' },
      },
      settings: {
        payouts: { schedule: { interval: 'manual' } },
        card_issuing: { tos_acceptance: { date: 1_795_262_400, ip: '203.0.113.7' } },
      },
      tos_acceptance: { date: 1_795_262_400, ip: '203.0.113.7' },
      metadata: { disburse_connected_account: 'seller_1' },
    });
  });

  it('is a person for an individual', () => {
    const params = accountCreateParams('seller_1', {
      ...profile,
      businessType: 'individual',
      phone: '+14155550199',
      representative: { firstName: 'Jenny', lastName: 'Rosen', dob: { day: 9, month: 12, year: 1985 } },
    });

    expect(params.individual).toEqual({
      first_name: 'Jenny',
      last_name: 'Rosen',
      email: 'a@example.com',
      phone: '+14155550199',
      dob: { day: 9, month: 12, year: 1985 },
    });
    expect(params).not.toHaveProperty('company');
    expect(params).not.toHaveProperty('tos_acceptance');
  });
});
