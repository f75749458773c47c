import type { StripeAccount, StripeCard, StripeCardholder, StripeTopup, StripeTransfer } from './stripe.types';

/**
 * The calls that change something at Stripe. Each is one row of `stripe_calls`: its intent, its idempotency key, its attempts, its outcome.
 * Parameters are Stripe's own (snake_case, amounts as whole numbers of minor units) because they are sent as they are stored;
 * results are ours (camelCase, bigint, Date) because the rest of the service reads them.
 */
export const stripeCallKinds = [
  'account.create',
  'account.update',
  'cardholder.create',
  'cardholder.update',
  'transfer.create',
  'transfer_reversal.create',
  'balance_transfer.create',
  'topup.create',
  'payout.create',
  'card.create',
  'card.update',
] as const;

export type StripeCallKind = (typeof stripeCallKinds)[number];

/**
 * `intended`: written, not sent (or waiting for its lane); `sent`: sent at least once, to be repeated with the same key until the outcome is known;
 * `unknown`: Stripe will not say under this key and the object has been neither found nor ruled out; `done`, `failed`: settled.
 */
export type StripeCallStatus = 'intended' | 'sent' | 'unknown' | 'done' | 'failed';

export type StripeMetadataParam = Readonly<Record<string, string>>;

export type StripeAddressParam = Readonly<{
  line1?: string;
  line2?: string;
  city?: string;
  state?: string;
  postal_code?: string;
  country?: string;
}>;

/** Issuing wants the whole address: no PO box. https://docs.stripe.com/issuing/connect/cardholders-and-cards */
export type StripeBillingAddressParam = Readonly<{
  line1: string;
  line2?: string;
  city: string;
  state?: string;
  postal_code: string;
  country: string;
}>;

type DateOfBirthParam = Readonly<{ day: number; month: number; year: number }>;

/** https://docs.stripe.com/api/accounts/update */
export type StripeAccountUpdateParams = Readonly<{
  email?: string;
  business_type?: 'individual' | 'company' | 'non_profit' | 'government_entity';
  business_profile?: Readonly<{
    mcc?: string;
    name?: string;
    url?: string;
    product_description?: string;
    estimated_worker_count?: number;
    annual_revenue?: Readonly<{ amount: number; currency: string; fiscal_year_end: string }>;
    support_email?: string;
    support_phone?: string;
    support_url?: string;
  }>;
  capabilities?: Readonly<{
    card_issuing?: Readonly<{ requested: boolean }>;
    transfers?: Readonly<{ requested: boolean }>;
    card_payments?: Readonly<{ requested: boolean }>;
  }>;
  company?: Readonly<{
    name?: string;
    phone?: string;
    tax_id?: string;
    vat_id?: string;
    registration_number?: string;
    address?: StripeAddressParam;
    structure?: string;
    directors_provided?: boolean;
    executives_provided?: boolean;
    owners_provided?: boolean;
  }>;
  individual?: Readonly<{
    first_name?: string;
    last_name?: string;
    email?: string;
    phone?: string;
    address?: StripeAddressParam;
    dob?: DateOfBirthParam;
    ssn_last_4?: string;
    id_number?: string;
  }>;
  settings?: Readonly<{
    card_issuing?: Readonly<{ tos_acceptance: Readonly<{ date: number; ip: string; user_agent?: string }> }>;
    payouts?: Readonly<{ schedule: Readonly<{ interval: 'manual' | 'daily' | 'weekly' | 'monthly' }> }>;
  }>;
  tos_acceptance?: Readonly<{
    date: number;
    ip: string;
    user_agent?: string;
    service_agreement?: 'full' | 'recipient';
  }>;
  metadata?: StripeMetadataParam;
}>;

/** https://docs.stripe.com/api/accounts/create . The controller settings that Issuing needs cannot be changed later. */
export type StripeAccountCreateParams = StripeAccountUpdateParams &
  Readonly<{
    country: string;
    default_currency?: string;
    controller?: Readonly<{
      stripe_dashboard?: Readonly<{ type: 'none' | 'express' | 'full' }>;
      fees?: Readonly<{ payer: 'application' | 'account' }>;
      losses?: Readonly<{ payments: 'application' | 'stripe' }>;
      requirement_collection?: 'application' | 'stripe';
    }>;
  }>;

/** https://docs.stripe.com/api/issuing/cardholders/update */
export type StripeCardholderUpdateParams = Readonly<{
  email?: string;
  phone_number?: string;
  preferred_locales?: readonly ('de' | 'en' | 'es' | 'fr' | 'it')[];
  status?: 'active' | 'inactive';
  billing?: Readonly<{ address: StripeBillingAddressParam }>;
  individual?: Readonly<{
    first_name?: string;
    last_name?: string;
    dob?: DateOfBirthParam;
    card_issuing?: Readonly<{ user_terms_acceptance: Readonly<{ date: number; ip: string; user_agent?: string }> }>;
  }>;
  company?: Readonly<{ tax_id: string }>;
  metadata?: StripeMetadataParam;
}>;

/** https://docs.stripe.com/api/issuing/cardholders/create */
export type StripeCardholderCreateParams = StripeCardholderUpdateParams &
  Readonly<{
    name: string;
    type: 'individual' | 'company';
    billing: Readonly<{ address: StripeBillingAddressParam }>;
  }>;

/** https://docs.stripe.com/api/issuing/cards/create , `spending_controls`. Categories: see stripe-categories.ts. */
export type StripeSpendingControls = Readonly<{
  allowed_categories?: readonly string[];
  blocked_categories?: readonly string[];
  allowed_merchant_countries?: readonly string[];
  blocked_merchant_countries?: readonly string[];
  spending_limits?: readonly Readonly<{
    amount: number;
    interval: 'per_authorization' | 'daily' | 'weekly' | 'monthly' | 'yearly' | 'all_time';
    categories?: readonly string[];
  }>[];
}>;

/** What is sent to Stripe, per kind. `*.update` and reversals name their object under `id` / `transfer`, which goes into the path. */
export interface StripeCallParams {
  'account.create': StripeAccountCreateParams;
  /** `id`: `acct_…` */
  'account.update': StripeAccountUpdateParams & Readonly<{ id: string }>;
  'cardholder.create': StripeCardholderCreateParams;
  /** `id`: `ich_…` */
  'cardholder.update': StripeCardholderUpdateParams & Readonly<{ id: string }>;
  /** https://docs.stripe.com/api/transfers/create */
  'transfer.create': Readonly<{
    amount: number;
    currency: string;
    destination: string;
    description?: string;
    transfer_group?: string;
    metadata?: StripeMetadataParam;
  }>;
  /** https://docs.stripe.com/api/transfer_reversals/create . `transfer`: `tr_…` */
  'transfer_reversal.create': Readonly<{
    transfer: string;
    amount: number;
    description?: string;
    metadata?: StripeMetadataParam;
  }>;
  /** Preview API, create only: https://docs.stripe.com/issuing/adding-funds-to-your-card-program */
  'balance_transfer.create': Readonly<{
    amount: number;
    currency: string;
    source_balance: Readonly<{ type: 'issuing' | 'payments' }>;
    destination_balance: Readonly<{ type: 'issuing' | 'payments' }>;
    metadata?: StripeMetadataParam;
  }>;
  /** https://docs.stripe.com/api/topups/create ; `destination_balance` is documented for Issuing on Connect, though the SDK does not type it. */
  'topup.create': Readonly<{
    amount: number;
    currency: string;
    destination_balance: 'issuing';
    description?: string;
    statement_descriptor?: string;
    source?: string;
    transfer_group?: string;
    metadata?: StripeMetadataParam;
  }>;
  /** A *bank* payout from the Issuing balance: https://docs.stripe.com/issuing/connect/funding . `source_balance` is not typed by the SDK. */
  'payout.create': Readonly<{
    amount: number;
    currency: string;
    source_balance: 'issuing';
    destination?: string;
    description?: string;
    statement_descriptor?: string;
    metadata?: StripeMetadataParam;
  }>;
  /** https://docs.stripe.com/api/issuing/cards/create */
  'card.create': Readonly<{
    cardholder: string;
    currency: string;
    type: 'virtual';
    status?: 'active' | 'inactive';
    exp_month?: number;
    exp_year?: number;
    lifecycle_controls?: Readonly<{ cancel_after: Readonly<{ payment_count: number }> }>;
    spending_controls?: StripeSpendingControls;
    metadata?: StripeMetadataParam;
  }>;
  /** https://docs.stripe.com/api/issuing/cards/update . `id`: `ic_…` */
  'card.update': Readonly<{
    id: string;
    status?: 'active' | 'inactive' | 'canceled';
    cancellation_reason?: 'lost' | 'stolen';
    spending_controls?: StripeSpendingControls;
    metadata?: StripeMetadataParam;
  }>;
}

export type StripeTransferReversal = Readonly<{
  stripeTransferReversalId: string;
  stripeTransferId: string;
  amountMinor: bigint;
  currency: string;
  balanceTransactionId: string | null;
  /** The `pyr_` on the connected account: the source of its balance transaction there. */
  destinationPaymentRefundId: string | null;
  createdAt: Date;
}>;

export type StripeBalanceTransfer = Readonly<{
  /** `null` when the transfer was found by its balance transactions, which do not always name it. */
  stripeBalanceTransferId: string | null;
  amountMinor: bigint;
  currency: string;
  /** The debit: the line that left the source balance. */
  sourceBalanceTransactionId: string | null;
  /** The credit; `null` until Stripe has written it (a business day in the UK and the EU). */
  destinationBalanceTransactionId: string | null;
  createdAt: Date;
}>;

/** Stripe's payout to a bank, never ours. */
export type StripeBankPayout = Readonly<{
  stripePayoutId: string;
  amountMinor: bigint;
  currency: string;
  status: string;
  balanceTransactionId: string | null;
  createdAt: Date;
}>;

/** What came of it, per kind. */
export interface StripeCallResults {
  'account.create': StripeAccount;
  'account.update': StripeAccount;
  'cardholder.create': StripeCardholder;
  'cardholder.update': StripeCardholder;
  'transfer.create': StripeTransfer;
  'transfer_reversal.create': StripeTransferReversal;
  'balance_transfer.create': StripeBalanceTransfer;
  'topup.create': StripeTopup;
  'payout.create': StripeBankPayout;
  'card.create': StripeCard;
  'card.update': StripeCard;
}

/** Why Stripe said no, or why we cannot tell. `code` is Stripe's own where it gave one; `detail` holds no personal data. */
export type StripeCallFailure = Readonly<{ code: string; detail: string; param: string | null }>;

export type IntendStripeCall<K extends StripeCallKind> = Readonly<{
  kind: K;
  /** The caller's own id (a funding transfer, a card …): comes back in the outcome, and goes to Stripe as `disburse_reference`. */
  reference: string;
  connectedAccountId: string;
  payoutId?: string;
  /** `acct_…` for the `Stripe-Account` header; absent: the platform. */
  stripeAccount?: string;
  params: StripeCallParams[K];
  /**
   * Calls of one lane go out one after the other, in the order of their intents, each when the one before has settled.
   * Default: a lane per updated object, and per account and direction of balance transfers; none for everything else.
   */
  lane?: string;
}>;

type SettledStripeCallCommon<K extends StripeCallKind> = Readonly<{
  id: string;
  kind: K;
  reference: string;
  connectedAccountId: string;
  payoutId: string | null;
  stripeAccount: string | null;
  params: StripeCallParams[K];
  attempts: number;
}>;

/** What a handler gets, once per status. An `unknown` call may be reported again later, as `done` or `failed`. */
export type SettledStripeCall<K extends StripeCallKind = StripeCallKind> = SettledStripeCallCommon<K> &
  (
    | Readonly<{ status: 'done'; result: StripeCallResults[K]; failure?: undefined }>
    | Readonly<{ status: 'failed'; result?: undefined; failure: StripeCallFailure }>
    | Readonly<{ status: 'unknown'; result?: undefined; failure: StripeCallFailure }>
  );

/** A line for timelines: what we meant, under which key, how often we tried, what came of it. */
export type StripeCallRecord = Readonly<{
  id: string;
  kind: StripeCallKind;
  status: StripeCallStatus;
  reference: string;
  connectedAccountId: string;
  payoutId: string | null;
  idempotencyKey: string;
  attempts: number;
  stripeObjectId: string | null;
  failure: StripeCallFailure | null;
  intendedAt: Date;
  sentAt: Date | null;
  settledAt: Date | null;
}>;
