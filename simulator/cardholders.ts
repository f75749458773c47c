import type Stripe from 'stripe';
import { isActive } from './accounts';
import { fullAddress } from './address';
import { checkCountry } from './countries';
import { badParameter, refused } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { CardholderFacts, Row } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';
import { cardholderControls } from './spending-controls';

type Cardholder = Stripe.Issuing.Cardholder;

export function requireIssuing(session: Session): void {
  if (isActive(session, 'card_issuing')) return;
  throw refused(
    'Your account is not set up to use Issuing. Please visit https://dashboard.stripe.com/issuing/overview to get started.',
  );
}

export function createCardholder(session: Session, params: Stripe.Issuing.CardholderCreateParams): Cardholder {
  requireIssuing(session);
  checkName(params.name);
  checkContact(params);
  checkBirth(params.individual?.dob, session);
  const type = params.type ?? 'individual';
  const cardholder: Cardholder & { object: 'issuing.cardholder' } = {
    id: newId('ich'),
    object: 'issuing.cardholder',
    billing: { address: fullAddress(params.billing.address) },
    company: params.company || type === 'company' ? { tax_id_provided: params.company?.tax_id !== undefined } : null,
    created: session.now,
    email: params.email ?? null,
    individual: params.individual ? individualFrom(null, params.individual) : null,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    name: params.name,
    phone_number: params.phone_number ?? null,
    preferred_locales: params.preferred_locales ?? [],
    requirements: { disabled_reason: null, past_due: [] },
    spending_controls: cardholderControls(params.spending_controls),
    status: params.status ?? 'active',
    type,
  };
  const hidden: CardholderFacts = { forced_past_due: [], forced_reason: null, tax_id: params.company?.tax_id ?? null };
  assessCardholder(session, cardholder, hidden);
  const row = session.insert<'issuing.cardholder'>(cardholder, hidden);
  emit(session, 'issuing_cardholder.created', row.body);
  return row.body;
}

export function updateCardholder(
  session: Session,
  params: Stripe.Issuing.CardholderUpdateParams,
  id: string,
): Cardholder {
  const row = session.get('issuing.cardholder', id);
  checkContact(params);
  checkBirth(params.individual?.dob, session);
  return changeCardholder(session, row, ({ body, hidden }) => {
    body.metadata = mergedMetadata(body.metadata, params.metadata);
    if (params.billing) body.billing = { address: fullAddress(params.billing.address) };
    if (params.email !== undefined) body.email = params.email;
    if (params.phone_number !== undefined) body.phone_number = params.phone_number;
    if (params.preferred_locales !== undefined) body.preferred_locales = params.preferred_locales;
    if (params.spending_controls !== undefined)
      body.spending_controls = cardholderControls(params.spending_controls, body.spending_controls);
    if (params.status !== undefined) {
      if (body.status === 'blocked')
        throw refused('This cardholder is blocked; its status can no longer be changed.', undefined, 'status');
      body.status = params.status;
    }
    if (params.company?.tax_id !== undefined) {
      hidden.tax_id = params.company.tax_id;
      body.company = { tax_id_provided: true };
    }
    if (params.individual) body.individual = individualFrom(body.individual, params.individual);
  });
}

/** Applies a change, looks again at what is past due, and reports it. */
export function changeCardholder(
  session: Session,
  row: Row<'issuing.cardholder'>,
  change: (row: Row<'issuing.cardholder'>) => void,
): Cardholder {
  const before = structuredClone(row.body);
  change(row);
  assessCardholder(session, row.body, row.hidden);
  session.save(row);
  emit(session, 'issuing_cardholder.updated', row.body, before);
  return row.body;
}

type Individual = NonNullable<Stripe.Issuing.CardholderUpdateParams['individual']>;

function individualFrom(
  current: Stripe.Issuing.Cardholder.Individual | null,
  given: Individual,
): Stripe.Issuing.Cardholder.Individual {
  const terms = given.card_issuing?.user_terms_acceptance;
  const cardIssuing = terms
    ? {
        user_terms_acceptance: { date: terms.date ?? null, ip: terms.ip ?? null, user_agent: terms.user_agent || null },
      }
    : current?.card_issuing;
  return {
    ...(cardIssuing ? { card_issuing: cardIssuing } : {}),
    dob: given.dob ?? current?.dob ?? { day: null, month: null, year: null },
    first_name: given.first_name ?? current?.first_name ?? null,
    last_name: given.last_name ?? current?.last_name ?? null,
    verification: {
      document: {
        back: given.verification?.document?.back ?? current?.verification?.document?.back ?? null,
        front: given.verification?.document?.front ?? current?.verification?.document?.front ?? null,
      },
    },
  };
}

function assessCardholder(session: Session, body: Cardholder, hidden: CardholderFacts): void {
  const pastDue = [...new Set([...missingFrom(session, body), ...hidden.forced_past_due])].sort();
  body.requirements = {
    disabled_reason: hidden.forced_reason ?? (pastDue.length > 0 ? 'requirements.past_due' : null),
    past_due: pastDue,
  };
}

function missingFrom(session: Session, body: Cardholder): string[] {
  const owes =
    session.settings.cardholder_requirements === 'us_individuals' &&
    !session.isPlatform &&
    body.type === 'individual' &&
    body.billing.address.country === 'US';
  if (!owes) return [];
  const { individual } = body;
  const terms = individual?.card_issuing?.user_terms_acceptance;
  const facts: [string, unknown][] = [
    ['individual.card_issuing.user_terms_acceptance.date', terms?.date],
    ['individual.card_issuing.user_terms_acceptance.ip', terms?.ip],
    ['individual.first_name', individual?.first_name],
    ['individual.last_name', individual?.last_name],
  ];
  return facts.filter(([, value]) => value === undefined || value === null).map(([name]) => name);
}

const nameLengthMax = 24;

function checkName(name: string): void {
  if (name.length > nameLengthMax) {
    throw badParameter(
      `Invalid string: ${name}; must be at most ${nameLengthMax} characters`,
      'name',
      'parameter_invalid_string_too_long',
    );
  }
  if (!/^[\p{L}\p{N} /\-&:().']+$/u.test(name) || !/\p{L}/u.test(name)) {
    throw badParameter("The cardholder's name may contain only letters, digits and / - & : ( ) . '", 'name');
  }
}

function checkContact({ billing, email, phone_number: phone }: Stripe.Issuing.CardholderUpdateParams): void {
  if (billing) checkCountry(billing.address.country, 'billing[address][country]');
  if (email !== undefined && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(email))
    throw badParameter(`Invalid email address: ${email}`, 'email', 'email_invalid');
  // E.164, with the spaces and signs that people put into it.
  if (phone !== undefined && !/^\+?\d{7,15}$/.test(phone.replaceAll(/[\s().-]/g, '')))
    throw badParameter(`"${phone}" is not a valid phone number`, 'phone_number');
}

function checkBirth(dob: { day: number; month: number; year: number } | undefined, session: Session): void {
  if (!dob) return;
  const birth = new Date(Date.UTC(dob.year, dob.month - 1, dob.day));
  if (birth.getUTCMonth() !== dob.month - 1 || birth.getUTCDate() !== dob.day)
    throw badParameter('Invalid date of birth', 'individual[dob][day]');
  const thirteenth = Date.UTC(dob.year + 13, dob.month - 1, dob.day);
  if (thirteenth > session.nowMs)
    throw refused('Cardholders must be at least 13 years old.', undefined, 'individual[dob][year]');
}

export function listCardholders(session: Session, params: Stripe.Issuing.CardholderListParams): ListAnswer {
  const filters = filtersFrom(params, ['email', 'phone_number', 'status', 'type']);
  return answerList(session, 'issuing.cardholder', '/v1/issuing/cardholders', params, renderCardholder, filters);
}

export function renderCardholder(_session: Session, row: Row<'issuing.cardholder'>): Cardholder {
  return row.body;
}
