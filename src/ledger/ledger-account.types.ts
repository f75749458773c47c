import { Currency, Money } from '../shared/money';

/**
 * The chart of accounts (docs/money-map.md). Every account has one currency, in its name. Assets mirror Stripe's balances, line by
 * line; liabilities say whose money it is. `payout_*` and `probe_buffer` belong to one payout.
 */
export const accounts = {
  platformPayments: (currency: Currency) => `platform_payments:${currency}`,
  sellerPayments: (connectedAccountId: string, currency: Currency) =>
    `seller_payments:${connectedAccountId}:${currency}`,
  fundsInTransit: (connectedAccountId: string, currency: Currency) =>
    `funds_in_transit:${connectedAccountId}:${currency}`,
  reclaimInTransit: (connectedAccountId: string, currency: Currency) =>
    `reclaim_in_transit:${connectedAccountId}:${currency}`,
  issuingAvailable: (connectedAccountId: string, currency: Currency) =>
    `issuing_available:${connectedAccountId}:${currency}`,
  issuingHeld: (connectedAccountId: string, currency: Currency) => `issuing_held:${connectedAccountId}:${currency}`,
  sellerReceivable: (connectedAccountId: string, currency: Currency) =>
    `seller_receivable:${connectedAccountId}:${currency}`,
  externalBank: (connectedAccountId: string, currency: Currency) => `external_bank:${connectedAccountId}:${currency}`,
  suspense: (connectedAccountId: string, currency: Currency) => `suspense:${connectedAccountId}:${currency}`,
  losses: (currency: Currency) => `losses:${currency}`,
  stripeFees: (currency: Currency) => `stripe_fees:${currency}`,
  marketplaceFunds: (currency: Currency) => `marketplace_funds:${currency}`,
  sellerFloat: (connectedAccountId: string, currency: Currency) => `seller_float:${connectedAccountId}:${currency}`,
  payoutOwed: (payoutId: string, currency: Currency) => `payout_owed:${payoutId}:${currency}`,
  payoutHeld: (payoutId: string, currency: Currency) => `payout_held:${payoutId}:${currency}`,
  payoutReclaiming: (payoutId: string, currency: Currency) => `payout_reclaiming:${payoutId}:${currency}`,
  probeBuffer: (payoutId: string, currency: Currency) => `probe_buffer:${payoutId}:${currency}`,
  aftercare: (payoutId: string, currency: Currency) => `aftercare:${payoutId}:${currency}`,
  disputeProvisional: (disputeId: string, currency: Currency) => `dispute_provisional:${disputeId}:${currency}`,
} as const;

/** One line of a journal entry. `amountMinor`: a debit is above zero, a credit below. */
export type Posting = Readonly<{ account: string; amountMinor: bigint }>;

/** @throws {Error} on an amount that is not above zero: the side says the sign */
export function debit(account: string, amount: Money): Posting {
  assertPositive(account, amount);
  return { account, amountMinor: amount.amountMinor };
}

/** @throws {Error} on an amount that is not above zero: the side says the sign */
export function credit(account: string, amount: Money): Posting {
  assertPositive(account, amount);
  return { account, amountMinor: -amount.amountMinor };
}

function assertPositive(account: string, { amountMinor, currency }: Money): void {
  if (amountMinor <= 0n) throw new Error(`A posting to ${account} must be above zero, not ${amountMinor}.`);
  if (!account.endsWith(`:${currency}`)) throw new Error(`${account} does not hold ${currency}.`);
}
