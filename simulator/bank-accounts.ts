import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { newId } from './ids';
import type { Session } from './session';

interface GivenBankAccount {
  account_number?: string;
  country?: string;
  currency?: string;
  account_holder_name?: string;
  routing_number?: string;
}

/** Where payouts go. A token or a hash adds one; without either, every account has a test bank account. */
export function bankAccountFor(session: Session, account: Stripe.Account, given?: unknown): Stripe.BankAccount {
  const facts: GivenBankAccount = typeof given === 'object' && given !== null ? given : {};
  const number = facts.account_number ?? '000123456789';
  const bank: Stripe.BankAccount & { object: 'bank_account' } = {
    id: newId('ba'),
    object: 'bank_account',
    account: account.id,
    account_holder_name: facts.account_holder_name ?? null,
    account_holder_type: null,
    account_type: null,
    available_payout_methods: ['standard'],
    bank_name: 'STRIPE TEST BANK',
    country: facts.country ?? account.country ?? 'US',
    currency: facts.currency ?? account.default_currency ?? 'usd',
    default_for_currency: true,
    fingerprint: createHash('sha256').update(number).digest('hex').slice(0, 16),
    last4: number.slice(-4),
    metadata: {},
    routing_number: facts.routing_number ?? '110000000',
    status: 'new',
  };
  session.insert<'bank_account'>(bank, {});
  return bank;
}

export function findBankAccount(session: Session): Stripe.BankAccount | undefined {
  return session.objects.page(session.account, 'bank_account', { limit: 1 }).rows[0]?.body;
}
