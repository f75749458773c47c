/**
 * What the rest of the service may know about Stripe's objects. Each shape is an allowlist: names, addresses, telephone numbers,
 * e-mail addresses and card data have no field here, so nobody can store them by accident.
 *
 * Amounts are bigint minor units, signed as Stripe signs them. Times are `Date`. Ids are Stripe's own.
 */

/** Text that Stripe may extend: statuses and reasons are open enums on the wire. */
export type StripeOpenEnum<Known extends string> = Known | (string & Record<never, never>);

export type StripeMetadata = Readonly<Record<string, string>>;

export type StripeCapabilityStatus = StripeOpenEnum<'active' | 'inactive' | 'pending' | 'unrequested'>;

/** https://docs.stripe.com/api/accounts/object , without the person and the address behind it. */
export type StripeAccount = Readonly<{
  stripeAccountId: string;
  country: string | null;
  defaultCurrency: string | null;
  businessType: string | null;
  /** `null` when the capability was never requested. */
  capabilities: Readonly<{ cardIssuing: StripeCapabilityStatus | null; transfers: StripeCapabilityStatus | null }>;
  requirements: Readonly<{
    currentlyDue: readonly string[];
    pastDue: readonly string[];
    pendingVerification: readonly string[];
    disabledReason: string | null;
    currentDeadline: Date | null;
  }>;
  /** What Issuing needs of a connected account: https://docs.stripe.com/issuing/connect */
  controller: Readonly<{
    dashboardType: string | null;
    feesPayer: string | null;
    lossesPayer: string | null;
    requirementCollection: string | null;
  }>;
  /** `manual` keeps Stripe from sweeping the payments balance while money passes through it. */
  payoutInterval: string | null;
  /** Stripe closed the account for good: `requirements.disabled_reason` begins with `rejected`. */
  isRejected: boolean;
  metadata: StripeMetadata;
  createdAt: Date | null;
}>;

/** https://docs.stripe.com/api/issuing/cardholders/object , without the person. */
export type StripeCardholder = Readonly<{
  stripeCardholderId: string;
  type: StripeOpenEnum<'individual' | 'company'>;
  status: StripeOpenEnum<'active' | 'inactive' | 'blocked'>;
  requirements: Readonly<{ disabledReason: string | null; pastDue: readonly string[] }>;
  metadata: StripeMetadata;
  createdAt: Date;
}>;

/** https://docs.stripe.com/api/issuing/cards/object : the number and the CVC do not fit. */
export type StripeCard = Readonly<{
  stripeCardId: string;
  stripeCardholderId: string;
  brand: string;
  last4: string;
  expMonth: number;
  expYear: number;
  currency: string;
  type: StripeOpenEnum<'virtual' | 'physical'>;
  status: StripeOpenEnum<'active' | 'inactive' | 'canceled'>;
  cancellationReason: string | null;
  replacementForStripeCardId: string | null;
  metadata: StripeMetadata;
  createdAt: Date;
}>;

/** Where a purchase happened. The merchant is a business; its name is part of the record that finance reads. */
export type StripeMerchant = Readonly<{
  name: string | null;
  category: string;
  categoryCode: string;
  city: string | null;
  country: string | null;
  networkId: string;
}>;

/** https://docs.stripe.com/api/balance_transactions/object */
export type StripeBalanceTransaction = Readonly<{
  balanceTransactionId: string;
  /** `balance_transfer_inbound` and `balance_transfer_outbound` are documented, though the SDK's list lacks them. */
  type: string;
  balanceType: StripeOpenEnum<'issuing' | 'payments' | 'refund_and_dispute_prefunding' | 'risk_reserved'>;
  /** Gross; negative lowers the balance. */
  amountMinor: bigint;
  feeMinor: bigint;
  /** What the balance moves by: amount less fee. */
  netMinor: bigint;
  currency: string;
  status: StripeOpenEnum<'available' | 'pending'>;
  reportingCategory: string;
  /** The object behind the line: `iauth_`, `ipi_`, `tr_`, `trr_`, `tu_`, `py_`, `po_` … */
  sourceId: string | null;
  createdAt: Date;
  availableOn: Date;
}>;

/** One answer in the life of an authorization: `request_history[]`. */
export type StripeAuthorizationRequest = Readonly<{
  amountMinor: bigint;
  currency: string;
  merchantAmountMinor: bigint;
  merchantCurrency: string;
  approved: boolean;
  reason: string;
  reasonMessage: string | null;
  createdAt: Date;
  requestedAt: Date | null;
}>;

/** https://docs.stripe.com/api/issuing/authorizations/object */
export type StripeAuthorization = Readonly<{
  stripeAuthorizationId: string;
  stripeCardId: string;
  stripeCardholderId: string | null;
  approved: boolean;
  status: StripeOpenEnum<'pending' | 'closed' | 'reversed' | 'expired'>;
  /** What is held now. */
  amountMinor: bigint;
  currency: string;
  merchantAmountMinor: bigint;
  merchantCurrency: string;
  merchant: StripeMerchant;
  authorizationMethod: string;
  /** In the order in which they were asked: the first question, then each increment. */
  requestHistory: readonly StripeAuthorizationRequest[];
  /** Holds and releases, oldest first. */
  balanceTransactions: readonly StripeBalanceTransaction[];
  cardTransactionIds: readonly string[];
  metadata: StripeMetadata;
  createdAt: Date;
}>;

/** https://docs.stripe.com/api/issuing/transactions/object . A refund that is itself reversed comes as a negative `refund`. */
export type StripeCardTransaction = Readonly<{
  stripeCardTransactionId: string;
  type: StripeOpenEnum<'capture' | 'refund'>;
  /** Negative takes from the Issuing balance. */
  amountMinor: bigint;
  currency: string;
  merchantAmountMinor: bigint;
  merchantCurrency: string;
  merchant: StripeMerchant;
  stripeCardId: string;
  stripeCardholderId: string | null;
  stripeAuthorizationId: string | null;
  stripeDisputeId: string | null;
  balanceTransactionId: string | null;
  metadata: StripeMetadata;
  createdAt: Date;
}>;

/** https://docs.stripe.com/api/issuing/disputes/object . Its evidence stays at Stripe. */
export type StripeDispute = Readonly<{
  stripeDisputeId: string;
  stripeCardTransactionId: string;
  status: StripeOpenEnum<'unsubmitted' | 'submitted' | 'won' | 'lost' | 'expired'>;
  reason: string | null;
  lossReason: string | null;
  amountMinor: bigint;
  currency: string;
  /** Credits and what was taken back. */
  balanceTransactions: readonly StripeBalanceTransaction[];
  createdAt: Date;
}>;

/** https://docs.stripe.com/api/balance/balance_object : signed minor units by currency code. */
export type StripeBalance = Readonly<{
  available: ReadonlyMap<string, bigint>;
  pending: ReadonlyMap<string, bigint>;
  /** `null` when Stripe leaves the Issuing balance out: unknown, which is not zero. */
  issuingAvailable: ReadonlyMap<string, bigint> | null;
}>;

/** https://docs.stripe.com/api/transfers/object */
export type StripeTransfer = Readonly<{
  stripeTransferId: string;
  amountMinor: bigint;
  amountReversedMinor: bigint;
  currency: string;
  destinationStripeAccountId: string | null;
  /** The `py_` that the transfer becomes on the connected account: the source of its balance transaction there. */
  destinationPaymentId: string | null;
  balanceTransactionId: string | null;
  transferGroup: string | null;
  metadata: StripeMetadata;
  createdAt: Date;
}>;

/** https://docs.stripe.com/api/topups/object */
export type StripeTopup = Readonly<{
  stripeTopupId: string;
  amountMinor: bigint;
  currency: string;
  status: StripeOpenEnum<'canceled' | 'failed' | 'pending' | 'reversed' | 'succeeded'>;
  balanceTransactionId: string | null;
  expectedAvailabilityAt: Date | null;
  failureCode: string | null;
  metadata: StripeMetadata;
  createdAt: Date;
}>;

/** Stripe's hosted onboarding: https://docs.stripe.com/api/account_links . Ours to hand on, never to store. */
export type StripeAccountLink = Readonly<{ url: string; expiresAt: Date }>;

/** For Issuing Elements in the browser: https://docs.stripe.com/issuing/elements . Ours to hand on, never to store. */
export type StripeEphemeralKey = Readonly<{ stripeEphemeralKeyId: string; secret: string; expiresAt: Date }>;

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export type JsonObject = Readonly<{ [key: string]: JsonValue }>;

/** An event as we keep it: the object cut down to the fields we need, in Stripe's own names. */
export type StripeEventRecord = Readonly<{
  id: string;
  type: string;
  /** The connected account it happened on; `null`: the platform. */
  stripeAccount: string | null;
  /** Resolution of one second; do not order by it. */
  createdAt: Date;
  isLive: boolean;
  apiVersion: string | null;
  objectId: string | null;
  objectType: string | null;
  object: JsonObject;
  previousAttributes: JsonObject | null;
}>;
