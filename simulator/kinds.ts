import type Stripe from 'stripe';

/** What the simulator keeps of each object: Stripe's shape, with ids where Stripe embeds other objects. */
export interface Kinds {
  account: { body: Stripe.Account; hidden: AccountFacts };
  person: { body: Stripe.Person; hidden: NoFacts };
  'issuing.cardholder': { body: Stripe.Issuing.Cardholder; hidden: CardholderFacts };
  'issuing.card': { body: StoredCard; hidden: CardFacts };
  'issuing.authorization': { body: StoredAuthorization; hidden: AuthorizationFacts };
  'issuing.transaction': { body: Stripe.Issuing.Transaction; hidden: TransactionFacts };
  'issuing.personalization_design': { body: Stripe.Issuing.PersonalizationDesign; hidden: NoFacts };
  'issuing.dispute': { body: Stripe.Issuing.Dispute; hidden: NoFacts };
  transfer: { body: StoredTransfer; hidden: NoFacts };
  transfer_reversal: { body: Stripe.TransferReversal; hidden: NoFacts };
  topup: { body: StoredTopup; hidden: TopupFacts };
  payout: { body: Stripe.Payout; hidden: PayoutFacts };
  payment_intent: { body: Stripe.PaymentIntent; hidden: NoFacts };
  charge: { body: Stripe.Charge; hidden: NoFacts };
  refund: { body: Stripe.Refund; hidden: NoFacts };
  bank_account: { body: Stripe.BankAccount; hidden: NoFacts };
  balance_transaction: { body: Stripe.BalanceTransaction; hidden: BalanceTransactionFacts };
  balance_transfer: { body: BalanceTransfer; hidden: NoFacts };
  event: { body: StoredEvent; hidden: NoFacts };
  webhook_endpoint: { body: Stripe.WebhookEndpoint; hidden: EndpointFacts };
  ephemeral_key: { body: Stripe.EphemeralKey; hidden: EphemeralKeyFacts };
}

export type Kind = keyof Kinds;
export type NoFacts = Record<string, never>;

export interface Row<K extends Kind> {
  body: Kinds[K]['body'];
  hidden: Kinds[K]['hidden'];
  seq: number;
  created: number;
}

export type StoredCard = Omit<Stripe.Issuing.Card, 'cardholder'> & { cardholder: string };
export type StoredAuthorization = Omit<
  Stripe.Issuing.Authorization,
  'card' | 'balance_transactions' | 'transactions'
> & {
  card: string;
  balance_transactions: string[];
  transactions: string[];
};
export type StoredTransfer = Omit<Stripe.Transfer, 'reversals'>;
export type StoredTopup = Stripe.Topup & { destination_balance?: string };

/** Snapshots are JSON as it was sent, whatever the object; nothing inside is read again. */
export interface StoredEvent {
  id: string;
  object: 'event';
  account?: string;
  api_version: string;
  created: number;
  data: { object: object; previous_attributes?: object };
  livemode: false;
  request: { id: string | null; idempotency_key: string | null };
  type: string;
}

/** Private preview: known from Stripe's other SDKs, not typed in this one. */
export interface BalanceTransfer {
  id: string;
  object: 'balance_transfer';
  amount: number;
  created: number;
  currency: string;
  destination_balance: BalanceTransferSide;
  hosted_regulatory_receipt_url: string | null;
  livemode: false;
  metadata: Record<string, string>;
  source_balance: BalanceTransferSide;
}

export interface BalanceTransferSide {
  type: 'issuing' | 'payments';
  issuing?: { balance_transaction: string };
  payments?: { balance_transaction: string; source_type?: string };
}

export interface AccountFacts {
  /** Requirements that a control has put on a capability by hand, with the reason it is disabled for. */
  forced: Record<string, { requirements: string[]; disabled_reason: string | null }>;
  /** What was given that Stripe never says back: numbers, addresses of the representative. */
  given: Record<string, unknown>;
  is_platform: boolean;
  /** Onboarding pages handed out, by their token. */
  links: Record<string, { expires_at: number; return_url: string | null; refresh_url: string | null }>;
  requested_at: Record<string, number>;
  /** Stripe itself collected what it needs: accounts with their own Dashboard. */
  reviewed: boolean;
}

export interface CardholderFacts {
  forced_past_due: string[];
  forced_reason: Stripe.Issuing.Cardholder.Requirements.DisabledReason | null;
  tax_id: string | null;
}

export interface CardFacts {
  number: string;
  cvc: string;
  /** The first card of its replacement chain: spending limits follow it. */
  chain: string;
  /** Approved authorizations that counted toward `lifecycle_controls`, and the small ones that did not. */
  payments_counted: string[];
  probes: string[];
  canceled_by_lifecycle: boolean;
  /** Purchases the cardholder has answered for, and may try again. */
  confirmed_purchases?: { amount: number; merchant: string; until: number }[];
}

export interface AuthorizationFacts {
  held: number;
  captured: number;
  /** Waiting for the real-time endpoint: a killed process finds these when it starts again. */
  awaits_decision: boolean;
}

export interface TransactionFacts {
  refunded: number;
  /** Said only when expanded. */
  purchase_details: Stripe.Issuing.Transaction['purchase_details'] | null;
}

export interface TopupFacts {
  destination_balance: 'issuing' | 'payments';
}

export interface PayoutFacts {
  source_balance: 'issuing' | 'payments';
}

export interface BalanceTransactionFacts {
  place: Place;
  payout: string | null;
}

export interface EndpointFacts {
  connect: boolean;
  secrets: { secret: string; until: number | null }[];
}

export interface EphemeralKeyFacts {
  secret: string;
  issuing_card: string;
  nonce: string;
}

/** Where the money of a balance transaction comes from or goes to, so that all books of a platform sum to zero. */
export type Place =
  'bank' | 'buyers' | 'connect_reserve' | 'holds' | 'merchants' | 'networks' | 'other_accounts' | 'other_balances';
