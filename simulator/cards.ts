import type Stripe from 'stripe';
import { fullAddress } from './address';
import { issuingCurrencies } from './countries';
import { badParameter, refused } from './errors';
import { emit } from './events';
import { newCardNumber, newCvc } from './card-numbers';
import { renderCardholder, requireIssuing } from './cardholders';
import { newId } from './ids';
import type { Row, StoredCard } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import type { Session } from './session';
import { cardControls } from './spending-controls';

type Card = Stripe.Issuing.Card;

export function createCard(session: Session, params: Stripe.Issuing.CardCreateParams): Card {
  requireIssuing(session);
  const replaced =
    params.replacement_for === undefined
      ? undefined
      : session.get('issuing.card', params.replacement_for, 'replacement_for');
  const cardholderId = params.cardholder ?? replaced?.body.cardholder;
  if (cardholderId === undefined)
    throw badParameter('Missing required param: cardholder.', 'cardholder', 'parameter_missing');
  const cardholder = session.get('issuing.cardholder', cardholderId, 'cardholder');
  checkCreate(session, params, cardholder.body, replaced);

  const number = newCardNumber(session);
  const expiry = expiryFrom(session, params);
  const { lifecycle_controls: lifecycle } = params;
  const card: StoredCard & { object: 'issuing.card' } = {
    id: newId('ic'),
    object: 'issuing.card',
    brand: 'Visa',
    cancellation_reason: null,
    cardholder: cardholderId,
    created: session.now,
    currency: params.currency.toLowerCase(),
    ...expiry,
    last4: number.slice(-4),
    latest_fraud_warning: null,
    lifecycle_controls: lifecycle ? { cancel_after: { payment_count: lifecycle.cancel_after.payment_count } } : null,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    personalization_design: params.personalization_design ?? null,
    replaced_by: null,
    replacement_for: params.replacement_for ?? null,
    replacement_reason: params.replacement_reason ?? null,
    second_line: params.second_line || null,
    shipping: params.type === 'physical' ? shippingFrom(params.shipping, cardholder.body) : null,
    spending_controls: cardControls(params.spending_controls),
    status: params.status ?? 'inactive',
    type: params.type,
    wallets: {
      apple_pay: { eligible: true, ineligible_reason: null },
      google_pay: { eligible: true, ineligible_reason: null },
      primary_account_identifier: null,
    },
  };
  const row = session.insert<'issuing.card'>(card, {
    number,
    cvc: newCvc(),
    chain: replaced?.hidden.chain ?? card.id,
    payments_counted: [],
    probes: [],
    canceled_by_lifecycle: false,
  });
  const created = renderCard(session, row);
  emit(session, 'issuing_card.created', created);
  if (replaced) changeCard(session, replaced, ({ body }) => (body.replaced_by = card.id));
  return created;
}

function checkCreate(
  session: Session,
  params: Stripe.Issuing.CardCreateParams,
  cardholder: Stripe.Issuing.Cardholder,
  replaced: Row<'issuing.card'> | undefined,
): void {
  const currency = params.currency.toLowerCase();
  const account = session.objects.find(session.platform.id, 'account', session.account);
  const own = account?.body.default_currency;
  const allowed = session.isPlatform ? issuingCurrencies : issuingCurrencies.filter((one) => one === own);
  if (!allowed.includes(currency))
    throw badParameter(
      `Invalid currency: ${params.currency}. Cards of this account can be in: ${allowed.join(', ')}.`,
      'currency',
    );
  if (currency === 'eur' && cardholder.phone_number === null) {
    throw refused(
      'The cardholder must have a phone number to create a card.',
      'cardholder_phone_number_required',
      'cardholder',
    );
  }
  if (params.status === 'active') refuseUnlessReady(cardholder);
  if (params.replacement_reason !== undefined && replaced === undefined) {
    throw badParameter('Missing required param: replacement_for.', 'replacement_for', 'parameter_missing');
  }
  if (replaced && params.replacement_reason === undefined) {
    throw badParameter('Missing required param: replacement_reason.', 'replacement_reason', 'parameter_missing');
  }
  if (replaced?.body.replaced_by)
    throw refused(`The card ${replaced.body.id} has already been replaced.`, undefined, 'replacement_for');
  if (params.personalization_design !== undefined) {
    session.get('issuing.personalization_design', params.personalization_design, 'personalization_design');
  }
  if (params.financial_account !== undefined) {
    throw refused(`No such financial account: '${params.financial_account}'`, 'resource_missing', 'financial_account');
  }
  const count = params.lifecycle_controls?.cancel_after.payment_count;
  if (count !== undefined) {
    if (params.type !== 'virtual')
      throw refused('Lifecycle controls are available for virtual cards only.', undefined, 'lifecycle_controls');
    if (count < 1) {
      const param = 'lifecycle_controls[cancel_after][payment_count]';
      throw badParameter('This value must be greater than or equal to 1.', param, 'parameter_invalid_integer');
    }
  }
  if ((params.second_line ?? '').length > 24) {
    throw badParameter(
      'Invalid string: must be at most 24 characters',
      'second_line',
      'parameter_invalid_string_too_long',
    );
  }
  if (params.type === 'physical' && !params.shipping)
    throw badParameter('Missing required param: shipping.', 'shipping', 'parameter_missing');
}

function refuseUnlessReady(cardholder: Stripe.Issuing.Cardholder): void {
  if (cardholder.requirements.disabled_reason === null) return;
  const due = (cardholder.requirements.past_due ?? []).join(', ');
  throw refused(
    `The cardholder has outstanding requirements preventing them from activating cards: ${due || cardholder.requirements.disabled_reason}`,
    undefined,
    'status',
  );
}

const expiryYearsDefault = 3;
const expiryMonthsMax = 60;

/** Month granularity: at least one month and under five years ahead. */
function expiryFrom(
  session: Session,
  params: Stripe.Issuing.CardCreateParams,
): { exp_month: number; exp_year: number } {
  const now = new Date(session.nowMs);
  const thisMonth = now.getUTCFullYear() * 12 + now.getUTCMonth();
  if (params.exp_month === undefined && params.exp_year === undefined) {
    return { exp_month: now.getUTCMonth() + 1, exp_year: now.getUTCFullYear() + expiryYearsDefault };
  }
  const { exp_month: month, exp_year: year } = params;
  if (month === undefined) throw badParameter('Missing required param: exp_month.', 'exp_month', 'parameter_missing');
  if (year === undefined) throw badParameter('Missing required param: exp_year.', 'exp_year', 'parameter_missing');
  if (month < 1 || month > 12)
    throw badParameter('Invalid integer: must be between 1 and 12', 'exp_month', 'parameter_invalid_integer');
  const ahead = year * 12 + month - 1 - thisMonth;
  if (ahead < 1)
    throw refused('The expiration date must be at least one month in the future.', 'invalid_expiry_month', 'exp_month');
  if (ahead >= expiryMonthsMax)
    throw refused('The expiration date must be less than five years in the future.', 'invalid_expiry_year', 'exp_year');
  return { exp_month: month, exp_year: year };
}

function shippingFrom(
  given: Stripe.Issuing.CardCreateParams['shipping'],
  cardholder: Stripe.Issuing.Cardholder,
): Stripe.Issuing.Card.Shipping {
  const address = fullAddress(given?.address ?? cardholder.billing.address);
  return {
    address,
    address_validation: { mode: given?.address_validation?.mode ?? 'disabled', normalized_address: null, result: null },
    business_name: null,
    carrier: null,
    customs: given?.customs?.eori_number === undefined ? null : { eori_number: given.customs.eori_number },
    eta: null,
    name: given?.name ?? cardholder.name,
    phone_number: given?.phone_number ?? null,
    require_signature: given?.require_signature ?? null,
    service: given?.service ?? 'standard',
    status: 'pending',
    tracking_number: null,
    tracking_url: null,
    type: given?.type ?? 'individual',
  };
}

export function updateCard(session: Session, params: Stripe.Issuing.CardUpdateParams, id: string): Card {
  const row = session.get('issuing.card', id);
  const { body } = row;
  if (body.status === 'canceled' && params.status !== undefined && params.status !== 'canceled') {
    throw refused('This card has been canceled; its status can no longer be changed.', undefined, 'status');
  }
  if (params.cancellation_reason !== undefined && params.status !== 'canceled') {
    throw refused('cancellation_reason can only be set when status is canceled.', undefined, 'cancellation_reason');
  }
  if (params.status === 'active' && body.status !== 'active')
    refuseUnlessReady(session.get('issuing.cardholder', body.cardholder).body);
  return changeCard(session, row, () => {
    body.metadata = mergedMetadata(body.metadata, params.metadata);
    if (params.spending_controls !== undefined)
      body.spending_controls = cardControls(params.spending_controls, body.spending_controls);
    if (params.status !== undefined) body.status = params.status;
    if (params.cancellation_reason !== undefined) body.cancellation_reason = params.cancellation_reason;
    if (params.personalization_design !== undefined) body.personalization_design = params.personalization_design;
  });
}

/** Applies a change and reports it, the card's embedded cardholder included. */
export function changeCard(
  session: Session,
  row: Row<'issuing.card'>,
  change: (row: Row<'issuing.card'>) => void,
): Card {
  const before = structuredClone(renderCard(session, row));
  change(row);
  session.save(row);
  const after = renderCard(session, row);
  emit(session, 'issuing_card.updated', after, before);
  return after;
}

export function listCards(session: Session, params: Stripe.Issuing.CardListParams): ListAnswer {
  const filters = filtersFrom(params, [
    'last4',
    'cardholder',
    'personalization_design',
    'status',
    'type',
    'exp_year',
    'exp_month',
  ]);
  return answerList(session, 'issuing.card', '/v1/issuing/cards', params, renderCard, filters);
}

export function renderCard(session: Session, row: Row<'issuing.card'>): Card {
  const cardholder = session.get('issuing.cardholder', row.body.cardholder);
  return { ...row.body, cardholder: renderCardholder(session, cardholder) };
}

type ShippingStep = 'submitted' | 'shipped' | 'delivered' | 'returned' | 'failure';

const stepsBefore: Record<ShippingStep, readonly string[]> = {
  submitted: ['pending'],
  shipped: ['pending', 'submitted'],
  delivered: ['shipped'],
  returned: ['shipped'],
  failure: ['shipped'],
};

/** The test helpers that move a physical card through the post. */
export function shipCard(session: Session, step: ShippingStep, id: string): Card {
  const row = session.get('issuing.card', id);
  const { shipping } = row.body;
  if (!shipping) throw refused('Only physical cards are shipped.');
  if (!stepsBefore[step].includes(shipping.status ?? ''))
    throw refused(`This card's shipping status is ${shipping.status}; it cannot become ${step}.`);
  return changeCard(session, row, () => {
    shipping.status = step;
    if (step === 'shipped') shipping.shipped_at = session.now;
    if (step === 'delivered') shipping.delivered_at = session.now;
  });
}
