import { Type } from 'class-transformer';
import {
  IsEmail,
  IsIn,
  IsInt,
  IsIP,
  IsObject,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { IsMoment } from '../platform/http/is-moment.decorator';
import { PageQuery } from '../platform/http/page.dto';
import { cardholderLocales, cardholderStatuses, cardholderTypes } from './cardholder.types';
import type {
  Cardholder,
  CardholderLocale,
  CardholderProfile,
  CardholderStatus,
  CardholderType,
  PostalAddress,
} from './cardholder.types';

/** May be left out. Null is not "left out": it is refused like any other wrong value. */
const Optional = () => ValidateIf((_body, value) => value !== undefined);

export class DateOfBirthBody {
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

export class BillingAddressBody {
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

  /**
   * ISO 3166 alpha-2. A US account's cardholders live in the US, a European account's in the EEA or the UK.
   * @example "US"
   */
  @Matches(/^[A-Z]{2}$/, { message: 'country must be an ISO 3166 alpha-2 code in capitals, like US' })
  country: string;
}

export class UserTermsAcceptanceBody {
  /**
   * From which address the holder accepted the card terms.
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
}

/** What may be told at first and changed later. */
export class CardholderFields {
  /**
   * Individuals only. Left out, it is taken from `name`.
   * @example "Jenny"
   */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(100)
  first_name?: string;

  /** @example "Rosen" */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(100)
  last_name?: string;

  /** Individuals only; at least 13 years ago. */
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => DateOfBirthBody)
  dob?: DateOfBirthBody;

  /** @example "jenny.rosen@example.com" */
  @Optional()
  @IsEmail()
  email?: string;

  /**
   * E.164. Required outside the US, where online purchases are confirmed with it.
   * @example "+14155550199"
   */
  @Optional()
  @Matches(/^\+[1-9]\d{6,14}$/, { message: 'phone_number must be in E.164 form, like +14155550199' })
  phone_number?: string;

  /**
   * Companies only.
   * @example "000000000"
   */
  @Optional()
  @IsString()
  @Matches(/\S/)
  @MaxLength(50)
  tax_id?: string;

  /**
   * The language the holder is spoken to in: by Stripe, and by the page of a card link.
   * @example "de"
   */
  @Optional()
  @IsIn(cardholderLocales)
  preferred_locale?: CardholderLocale;

  /** The holder accepted the card terms. Stripe asks it of individuals in the US before their cards work. */
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => UserTermsAcceptanceBody)
  user_terms_acceptance?: UserTermsAcceptanceBody;
}

/** Everything but `connected_account`, `type` and `name`, which Stripe fixes when it makes the cardholder. */
export class UpdateCardholderBody extends CardholderFields {
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => BillingAddressBody)
  billing_address?: BillingAddressBody;
}

export class CreateCardholderBody extends CardholderFields {
  /** @example "seller_01KAJ0G6W1M4Q8V0T5R2N7XYZA" */
  @IsString()
  @Matches(/\S/)
  @MaxLength(255)
  connected_account: string;

  @Optional()
  @IsIn(cardholderTypes)
  type: CardholderType = 'individual';

  /**
   * As printed on the card: at most 24 characters, letters, digits, spaces and / - & : ( ) . '
   * @example "Jenny Rosen"
   */
  @IsString()
  @MaxLength(255)
  name: string;

  @IsObject()
  @ValidateNested()
  @Type(() => BillingAddressBody)
  billing_address: BillingAddressBody;
}

export class CardholdersQuery extends PageQuery {
  @Optional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  @Optional()
  @IsIn(cardholderStatuses)
  status?: CardholderStatus;
}

export class CardholderRequirementsView {
  /**
   * What Stripe wants to know, by Stripe's names; give it with PATCH.
   * @example ["individual.card_issuing.user_terms_acceptance.ip"]
   */
  past_due: string[];
  /** Any reason makes Stripe decline every purchase. */
  disabled_reason: string | null;
}

export class CardholderFailureView {
  code: string;
  detail: string;
}

/** Personal data is not repeated here: answers are stored and told on. GET of one cardholder adds it for who may see it. */
export class CardholderView {
  /** @example "holder_01KAJ0G6W1M4Q8V0T5R2N7XYZA" */
  id: string;
  connected_account: string;
  /** Null until Stripe has made the cardholder. */
  stripe_cardholder_id: string | null;
  type: CardholderType;
  /** `requested` until Stripe made it (it waits for its account's card_issuing capability), `failed` when Stripe refused to. */
  status: CardholderStatus;
  /** A card can be issued to it and used. */
  eligible: boolean;
  requirements: CardholderRequirementsView;
  /** What Stripe last refused, and why. PATCH what is wrong and it is tried again. */
  failure: CardholderFailureView | null;
  /** When the personal data was erased (`POST …/erase`); null while it is there. */
  erased_at: string | null;
  created_at: string;
  updated_at: string;
}

/** One cardholder; the personal fields only for the roles marketplace and admin. */
export class CardholderDetailView extends CardholderView {
  name?: string;
  first_name?: string;
  last_name?: string;
  dob?: DateOfBirthBody;
  email?: string;
  phone_number?: string;
  tax_id?: string;
  preferred_locale?: CardholderLocale;
  billing_address?: BillingAddressBody;
  user_terms_acceptance?: UserTermsAcceptanceBody;
}

export class CardholderPage {
  data: CardholderView[];
  has_more: boolean;
  next_cursor: string | null;
}

export function toCardholderView(cardholder: Cardholder): CardholderView {
  return {
    id: cardholder.id,
    connected_account: cardholder.connectedAccountId,
    stripe_cardholder_id: cardholder.stripeCardholderId,
    type: cardholder.type,
    status: cardholder.status,
    eligible: cardholder.isEligible,
    requirements: {
      past_due: [...cardholder.requirements.pastDue],
      disabled_reason: cardholder.requirements.disabledReason,
    },
    failure: cardholder.failure && { ...cardholder.failure },
    erased_at: cardholder.erasedAt?.toISOString() ?? null,
    created_at: cardholder.createdAt.toISOString(),
    updated_at: cardholder.updatedAt.toISOString(),
  };
}

export function toCardholderDetailView(cardholder: Cardholder, profile: CardholderProfile): CardholderDetailView {
  return {
    ...toCardholderView(cardholder),
    name: profile.name,
    billing_address: { ...profile.billingAddress },
    ...(profile.firstName === undefined ? {} : { first_name: profile.firstName }),
    ...(profile.lastName === undefined ? {} : { last_name: profile.lastName }),
    ...(profile.dob ? { dob: { ...profile.dob } } : {}),
    ...(profile.email === undefined ? {} : { email: profile.email }),
    ...(profile.phoneNumber === undefined ? {} : { phone_number: profile.phoneNumber }),
    ...(profile.companyTaxId === undefined ? {} : { tax_id: profile.companyTaxId }),
    ...(profile.preferredLocale === undefined ? {} : { preferred_locale: profile.preferredLocale }),
    ...(profile.userTermsAcceptance ? { user_terms_acceptance: { ...profile.userTermsAcceptance } } : {}),
  };
}

// A field that was not told is absent, not undefined: sent on, it would be empty, and Stripe takes empty as an order to unset.
export function toAddress({ line2, state, ...address }: BillingAddressBody): PostalAddress {
  return { ...address, ...(line2 ? { line2 } : {}), ...(state ? { state } : {}) };
}

/** Only what was told: a field that is absent is left as it is. */
export function toProfileChanges(body: UpdateCardholderBody): Partial<Omit<CardholderProfile, 'name'>> {
  const { billing_address: address } = body;
  return {
    ...(body.first_name === undefined ? {} : { firstName: body.first_name }),
    ...(body.last_name === undefined ? {} : { lastName: body.last_name }),
    ...(body.dob ? { dob: { ...body.dob } } : {}),
    ...(body.email === undefined ? {} : { email: body.email }),
    ...(body.phone_number === undefined ? {} : { phoneNumber: body.phone_number }),
    ...(body.tax_id === undefined ? {} : { companyTaxId: body.tax_id }),
    ...(body.preferred_locale === undefined ? {} : { preferredLocale: body.preferred_locale }),
    ...(address ? { billingAddress: toAddress(address) } : {}),
    ...(body.user_terms_acceptance ? { userTermsAcceptance: { ...body.user_terms_acceptance } } : {}),
  };
}
