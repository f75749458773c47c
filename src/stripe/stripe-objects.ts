import type Stripe from 'stripe';
import type {
  StripeAccount,
  StripeAuthorization,
  StripeBalance,
  StripeBalanceTransaction,
  StripeCard,
  StripeCardTransaction,
  StripeDispute,
  StripeCardholder,
  StripeMerchant,
  StripeTopup,
  StripeTransfer,
} from './stripe.types';
import type { StripeBalanceTransfer, StripeBankPayout, StripeTransferReversal } from './stripe-call.types';

// From the SDK's objects to ours: every field is named here, so what is not named stays outside.

/** An expandable field: the id, whether or not Stripe expanded it. */
function idOf(field: string | { id: string } | null | undefined): string | null {
  if (field === null || field === undefined) return null;
  return typeof field === 'string' ? field : field.id;
}

function dateOf(seconds: number): Date {
  return new Date(seconds * 1_000);
}

function dateOrNull(seconds: number | null | undefined): Date | null {
  return seconds === null || seconds === undefined ? null : dateOf(seconds);
}

export function toStripeAccount(account: Stripe.Account): StripeAccount {
  const disabledReason = account.requirements?.disabled_reason ?? null;
  return {
    stripeAccountId: account.id,
    country: account.country ?? null,
    defaultCurrency: account.default_currency ?? null,
    businessType: account.business_type ?? null,
    capabilities: {
      cardIssuing: account.capabilities?.card_issuing ?? null,
      transfers: account.capabilities?.transfers ?? null,
    },
    requirements: {
      currentlyDue: account.requirements?.currently_due ?? [],
      pastDue: account.requirements?.past_due ?? [],
      pendingVerification: account.requirements?.pending_verification ?? [],
      disabledReason,
      currentDeadline: dateOrNull(account.requirements?.current_deadline),
    },
    controller: {
      dashboardType: account.controller?.stripe_dashboard?.type ?? null,
      feesPayer: account.controller?.fees?.payer ?? null,
      lossesPayer: account.controller?.losses?.payments ?? null,
      requirementCollection: account.controller?.requirement_collection ?? null,
    },
    payoutInterval: account.settings?.payouts?.schedule?.interval ?? null,
    isRejected: disabledReason?.startsWith('rejected') ?? false,
    metadata: account.metadata ?? {},
    createdAt: dateOrNull(account.created),
  };
}

export function toStripeCardholder(cardholder: Stripe.Issuing.Cardholder): StripeCardholder {
  return {
    stripeCardholderId: cardholder.id,
    type: cardholder.type,
    status: cardholder.status,
    requirements: {
      disabledReason: cardholder.requirements.disabled_reason,
      pastDue: cardholder.requirements.past_due ?? [],
    },
    metadata: cardholder.metadata,
    createdAt: dateOf(cardholder.created),
  };
}

export function toStripeCard(card: Stripe.Issuing.Card): StripeCard {
  return {
    stripeCardId: card.id,
    stripeCardholderId: card.cardholder.id,
    brand: card.brand,
    last4: card.last4,
    expMonth: card.exp_month,
    expYear: card.exp_year,
    currency: card.currency,
    type: card.type,
    status: card.status,
    cancellationReason: card.cancellation_reason,
    replacementForStripeCardId: idOf(card.replacement_for),
    metadata: card.metadata,
    createdAt: dateOf(card.created),
  };
}

export function toStripeBalanceTransaction(line: Stripe.BalanceTransaction): StripeBalanceTransaction {
  return {
    balanceTransactionId: line.id,
    type: line.type,
    balanceType: line.balance_type,
    amountMinor: BigInt(line.amount),
    feeMinor: BigInt(line.fee),
    netMinor: BigInt(line.net),
    currency: line.currency,
    status: line.status,
    reportingCategory: line.reporting_category,
    sourceId: idOf(line.source),
    createdAt: dateOf(line.created),
    availableOn: dateOf(line.available_on),
  };
}

function toStripeMerchant(merchant: Stripe.Issuing.Authorization.MerchantData): StripeMerchant {
  return {
    name: merchant.name,
    category: merchant.category,
    categoryCode: merchant.category_code,
    city: merchant.city,
    country: merchant.country,
    networkId: merchant.network_id,
  };
}

export function toStripeAuthorization(authorization: Stripe.Issuing.Authorization): StripeAuthorization {
  return {
    stripeAuthorizationId: authorization.id,
    stripeCardId: authorization.card.id,
    stripeCardholderId: idOf(authorization.cardholder),
    approved: authorization.approved,
    status: authorization.status,
    amountMinor: BigInt(authorization.amount),
    currency: authorization.currency,
    merchantAmountMinor: BigInt(authorization.merchant_amount),
    merchantCurrency: authorization.merchant_currency,
    merchant: toStripeMerchant(authorization.merchant_data),
    authorizationMethod: authorization.authorization_method,
    requestHistory: inOrderOfAsking(authorization.request_history).map((request) => ({
      amountMinor: BigInt(request.amount),
      currency: request.currency,
      merchantAmountMinor: BigInt(request.merchant_amount),
      merchantCurrency: request.merchant_currency,
      approved: request.approved,
      reason: request.reason,
      reasonMessage: request.reason_message,
      createdAt: dateOf(request.created),
      requestedAt: dateOrNull(request.requested_at),
    })),
    balanceTransactions: authorization.balance_transactions.map(toStripeBalanceTransaction).sort(oldestFirst),
    cardTransactionIds: authorization.transactions.map((transaction) => transaction.id),
    metadata: authorization.metadata,
    createdAt: dateOf(authorization.created),
  };
}

/**
 * Stripe does not say which end of the history is the first question, and lists most things newest first. The times tell; within one
 * second the verdicts do: only what was approved can be incremented, so a refusal stands at the later end.
 * https://docs.stripe.com/api/issuing/authorizations/object#issuing_authorization_object-request_history
 */
function inOrderOfAsking(
  history: readonly Stripe.Issuing.Authorization.RequestHistory[],
): readonly Stripe.Issuing.Authorization.RequestHistory[] {
  const [first, last] = [history[0], history.at(-1)];
  if (!first || !last) return history;
  const isNewestFirst = first.created === last.created ? last.approved : first.created > last.created;
  return isNewestFirst ? history.toReversed() : history;
}

// A stable sort: lines of the same second stay in Stripe's own order.
function oldestFirst(a: StripeBalanceTransaction, b: StripeBalanceTransaction): number {
  return a.createdAt.getTime() - b.createdAt.getTime();
}

export function toStripeCardTransaction(transaction: Stripe.Issuing.Transaction): StripeCardTransaction {
  return {
    stripeCardTransactionId: transaction.id,
    type: transaction.type,
    amountMinor: BigInt(transaction.amount),
    currency: transaction.currency,
    merchantAmountMinor: BigInt(transaction.merchant_amount),
    merchantCurrency: transaction.merchant_currency,
    merchant: toStripeMerchant(transaction.merchant_data),
    stripeCardId: typeof transaction.card === 'string' ? transaction.card : transaction.card.id,
    stripeCardholderId: idOf(transaction.cardholder),
    stripeAuthorizationId: idOf(transaction.authorization),
    stripeDisputeId: idOf(transaction.dispute),
    balanceTransactionId: idOf(transaction.balance_transaction),
    metadata: transaction.metadata,
    createdAt: dateOf(transaction.created),
  };
}

export function toStripeDispute(
  dispute: Stripe.Issuing.Dispute,
  balanceTransactions: readonly StripeBalanceTransaction[],
): StripeDispute {
  return {
    stripeDisputeId: dispute.id,
    stripeCardTransactionId: typeof dispute.transaction === 'string' ? dispute.transaction : dispute.transaction.id,
    status: dispute.status,
    reason: dispute.evidence.reason,
    lossReason: dispute.loss_reason ?? null,
    amountMinor: BigInt(dispute.amount),
    currency: dispute.currency,
    balanceTransactions,
    createdAt: dateOf(dispute.created),
  };
}

export function toStripeBalance(balance: Stripe.Balance): StripeBalance {
  return {
    available: byCurrency(balance.available),
    pending: byCurrency(balance.pending),
    issuingAvailable: balance.issuing ? byCurrency(balance.issuing.available) : null,
  };
}

function byCurrency(amounts: readonly { amount: number; currency: string }[]): ReadonlyMap<string, bigint> {
  return new Map(amounts.map(({ amount, currency }) => [currency, BigInt(amount)]));
}

export function toStripeTransfer(transfer: Stripe.Transfer): StripeTransfer {
  return {
    stripeTransferId: transfer.id,
    amountMinor: BigInt(transfer.amount),
    amountReversedMinor: BigInt(transfer.amount_reversed),
    currency: transfer.currency,
    destinationStripeAccountId: idOf(transfer.destination),
    destinationPaymentId: idOf(transfer.destination_payment),
    balanceTransactionId: idOf(transfer.balance_transaction),
    transferGroup: transfer.transfer_group,
    metadata: transfer.metadata,
    createdAt: dateOf(transfer.created),
  };
}

export function toStripeTransferReversal(reversal: Stripe.TransferReversal): StripeTransferReversal {
  return {
    stripeTransferReversalId: reversal.id,
    stripeTransferId: typeof reversal.transfer === 'string' ? reversal.transfer : reversal.transfer.id,
    amountMinor: BigInt(reversal.amount),
    currency: reversal.currency,
    balanceTransactionId: idOf(reversal.balance_transaction),
    destinationPaymentRefundId: idOf(reversal.destination_payment_refund),
    createdAt: dateOf(reversal.created),
  };
}

export function toStripeTopup(topup: Stripe.Topup): StripeTopup {
  return {
    stripeTopupId: topup.id,
    amountMinor: BigInt(topup.amount),
    currency: topup.currency,
    status: topup.status,
    balanceTransactionId: idOf(topup.balance_transaction),
    expectedAvailabilityAt: dateOrNull(topup.expected_availability_date),
    failureCode: topup.failure_code,
    metadata: topup.metadata,
    createdAt: dateOf(topup.created),
  };
}

export function toStripeBankPayout(payout: Stripe.Payout): StripeBankPayout {
  return {
    stripePayoutId: payout.id,
    amountMinor: BigInt(payout.amount),
    currency: payout.currency,
    status: payout.status,
    balanceTransactionId: idOf(payout.balance_transaction),
    createdAt: dateOf(payout.created),
  };
}

/** The preview object, which the SDK does not type: https://docs.stripe.com/issuing/adding-funds-to-your-card-program */
export interface BalanceTransferObject {
  id: string;
  amount: number;
  created: number;
  currency: string;
  source_balance: BalanceTransferSide;
  destination_balance: BalanceTransferSide;
}

interface BalanceTransferSide {
  type: string;
  issuing?: { balance_transaction?: string | { id: string } | null } | null;
  payments?: { balance_transaction?: string | { id: string } | null } | null;
}

export function toStripeBalanceTransfer(transfer: BalanceTransferObject): StripeBalanceTransfer {
  return {
    stripeBalanceTransferId: transfer.id,
    amountMinor: BigInt(transfer.amount),
    currency: transfer.currency,
    sourceBalanceTransactionId: lineOf(transfer.source_balance),
    destinationBalanceTransactionId: lineOf(transfer.destination_balance),
    createdAt: dateOf(transfer.created),
  };
}

function lineOf(side: BalanceTransferSide): string | null {
  return idOf(side.issuing?.balance_transaction ?? side.payments?.balance_transaction);
}
