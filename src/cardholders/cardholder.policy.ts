import { isPostOfficeBox, mayLiveIn } from '../connected-accounts/connected-account.types';
import { FieldError } from '../shared/domain-error';
import type { StripeCardholderCreateParams, StripeCardholderUpdateParams } from '../stripe/stripe-call.types';
import {
  CardholderProfile,
  CardholderRequirements,
  CardholderStatus,
  CardholderType,
  DateOfBirth,
} from './cardholder.types';

const nameLengthMax = 24;
const ageYearsMin = 13;

export type CardholderFacts = Readonly<{ type: CardholderType; accountCountry: string; profile: CardholderProfile }>;

/**
 * What Stripe would refuse, and what would make Stripe decline later without a word.
 * https://docs.stripe.com/issuing/connect/cardholders-and-cards
 */
export function cardholderErrors({ type, accountCountry, profile }: CardholderFacts, now: Date): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (pointer: string, detail: string) => errors.push({ pointer, detail });

  if (profile.name.length > nameLengthMax) refuse('/name', `must be at most ${nameLengthMax} characters`);
  if (!/^[\p{L}\p{N} /\-&:().']+$/u.test(profile.name) || !/\p{L}/u.test(profile.name)) {
    refuse('/name', "may hold only letters, digits, spaces and / - & : ( ) . ', and needs a letter");
  }
  for (const line of ['line1', 'line2'] as const) {
    if (isPostOfficeBox(profile.billingAddress[line] ?? '')) {
      refuse(`/billing_address/${line}`, 'must be a street address, not a PO box');
    }
  }
  if (!mayLiveIn(profile.billingAddress.country, accountCountry)) {
    const where = accountCountry === 'US' ? 'the US' : 'the European Economic Area or the UK';
    refuse('/billing_address/country', `must be in ${where}, as the connected account is`);
  }
  // Without a number the bank cannot send the code that European cards need for online purchases.
  if (accountCountry !== 'US' && profile.phoneNumber === undefined) {
    refuse('/phone_number', 'is required for accounts outside the US: online purchases are confirmed with it');
  }
  if (type === 'company') {
    for (const [field, value] of Object.entries({
      first_name: profile.firstName,
      last_name: profile.lastName,
      dob: profile.dob,
    })) {
      if (value !== undefined) refuse(`/${field}`, 'is taken for individuals only');
    }
  } else if (profile.companyTaxId !== undefined) {
    refuse('/tax_id', 'is taken for companies only');
  }
  if (profile.dob) errors.push(...birthErrors(profile.dob, now));
  if (profile.userTermsAcceptance && new Date(profile.userTermsAcceptance.date) > now) {
    refuse('/user_terms_acceptance/date', 'must not be in the future');
  }
  return errors;
}

function birthErrors(dob: DateOfBirth, now: Date): FieldError[] {
  const born = new Date(Date.UTC(dob.year, dob.month - 1, dob.day));
  if (born.getUTCDate() !== dob.day || born.getUTCMonth() !== dob.month - 1) {
    return [{ pointer: '/dob', detail: 'is not a day of the calendar' }];
  }
  if (Date.UTC(dob.year + ageYearsMin, dob.month - 1, dob.day) > now.getTime()) {
    return [{ pointer: '/dob', detail: `must be at least ${ageYearsMin} years ago` }];
  }
  return [];
}

type Standing = Readonly<{
  stripeCardholderId: string | null;
  status: CardholderStatus;
  requirements: CardholderRequirements;
  erasedAt: Date | null;
}>;

/** A card can be issued to it and used. Any disabled reason makes Stripe decline every purchase. */
export function isEligible({ stripeCardholderId, status, requirements, erasedAt }: Standing): boolean {
  return (
    erasedAt === null && stripeCardholderId !== null && status === 'active' && requirements.disabledReason === null
  );
}

/** What the call that makes a cardholder says. */
export function cardholderCreateParams(
  id: string,
  type: CardholderType,
  profile: CardholderProfile,
): StripeCardholderCreateParams {
  return {
    ...cardholderUpdateParams(type, profile),
    name: profile.name,
    type,
    billing: { address: { ...profile.billingAddress } },
    metadata: { disburse_cardholder: id },
  };
}

/** Everything Stripe lets us change, as it stands now: sent whole, so that repeating or skipping an update loses nothing. */
export function cardholderUpdateParams(type: CardholderType, profile: CardholderProfile): StripeCardholderUpdateParams {
  const { userTermsAcceptance: terms } = profile;
  return {
    billing: { address: { ...profile.billingAddress } },
    ...(profile.email === undefined ? {} : { email: profile.email }),
    ...(profile.phoneNumber === undefined ? {} : { phone_number: profile.phoneNumber }),
    ...(profile.preferredLocale === undefined ? {} : { preferred_locales: [profile.preferredLocale] }),
    ...(type === 'company' && profile.companyTaxId !== undefined ? { company: { tax_id: profile.companyTaxId } } : {}),
    ...(type === 'individual'
      ? {
          individual: {
            ...personName(profile),
            ...(profile.dob ? { dob: { ...profile.dob } } : {}),
            ...(terms
              ? {
                  card_issuing: {
                    user_terms_acceptance: { date: Math.floor(Date.parse(terms.date) / 1_000), ip: terms.ip },
                  },
                }
              : {}),
          },
        }
      : {}),
  };
}

/** Stripe wants the two parts of a person's name; when they were not told, the last word of the card's name is the last name. */
function personName(profile: CardholderProfile): { first_name?: string; last_name?: string } {
  const words = profile.name.trim().split(/\s+/);
  const first = profile.firstName ?? words.slice(0, -1).join(' ');
  const last = profile.lastName ?? (words.length > 1 ? words.at(-1)! : '');
  return { ...(first === '' ? {} : { first_name: first }), ...(last === '' ? {} : { last_name: last }) };
}
