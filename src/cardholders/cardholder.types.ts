export const cardholderTypes = ['individual', 'company'] as const;
export type CardholderType = (typeof cardholderTypes)[number];

/** Languages Stripe speaks to cardholders: `preferred_locales`. https://docs.stripe.com/api/issuing/cardholders/create */
export const cardholderLocales = ['de', 'en', 'es', 'fr', 'it'] as const;
export type CardholderLocale = (typeof cardholderLocales)[number];

/** `requested` until Stripe made it, `failed` when Stripe refused to; the rest are Stripe's own. */
export const cardholderStatuses = ['requested', 'active', 'inactive', 'blocked', 'failed'] as const;
export type CardholderStatus = (typeof cardholderStatuses)[number];

/** What Stripe still wants to know, by Stripe's names. Any `disabledReason` makes Stripe decline every authorization. */
export type CardholderRequirements = Readonly<{ pastDue: readonly string[]; disabledReason: string | null }>;

/** Who may hold a card, as the other modules see it: nothing personal in it. */
export type Cardholder = Readonly<{
  id: string;
  connectedAccountId: string;
  /** Null until Stripe has made the cardholder. */
  stripeCardholderId: string | null;
  type: CardholderType;
  status: CardholderStatus;
  requirements: CardholderRequirements;
  /** A card may be issued to it and used: made at Stripe, active, nothing that disables it. */
  isEligible: boolean;
  /** Why Stripe refused to make or change it. */
  failure: Readonly<{ code: string; detail: string }> | null;
  /** When the personal data was erased. Such a cardholder holds no card any more. */
  erasedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}>;

/** Calendar date of birth, as Stripe takes it. */
export type DateOfBirth = Readonly<{ day: number; month: number; year: number }>;

export type PostalAddress = Readonly<{
  line1: string;
  line2?: string;
  city: string;
  state?: string;
  postal_code: string;
  /** ISO 3166 alpha-2. */
  country: string;
}>;

/** Personal data: encrypted in our rows, never logged, never announced. */
export type CardholderProfile = Readonly<{
  /** As printed on the card; at most 24 characters. */
  name: string;
  firstName?: string;
  lastName?: string;
  dob?: DateOfBirth;
  email?: string;
  phoneNumber?: string;
  companyTaxId?: string;
  /** Which language Stripe, and the page of a card link, speaks to them. */
  preferredLocale?: CardholderLocale;
  billingAddress: PostalAddress;
  /** When (ISO 8601) and from which address the holder accepted the card terms. */
  userTermsAcceptance?: Readonly<{ ip: string; date: string }>;
}>;
