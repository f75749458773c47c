import { randomInt } from 'node:crypto';
import type Stripe from 'stripe';
import { isActive } from './accounts';
import { changeAuthorization, hold, renderAuthorization } from './authorizations';
import { checkAmount } from './amounts';
import { availableIn } from './balance';
import { dayMs } from './clock';
import { refused } from './errors';
import { emit } from './events';
import { afterwards, type Answer } from './deferred';
import { type AmountBounds, type Decision, findAmountProblem } from './decisions';
import { findDecider } from './deliveries';
import { sendFraudChallenge, takeConfirmation } from './fraud-challenges';
import { newId } from './ids';
import type { Row, StoredAuthorization } from './kinds';
import { allowsProbe, countApproval, probeMax } from './lifecycle';
import { mergedMetadata } from './metadata';
import { merchantFrom, purchaseAmount, type PurchaseAmount } from './merchants';
import { travelCategories } from './merchant-categories';
import { fleetFrom, fuelFrom } from './purchase-details';
import { schedule } from './schedule';
import type { Session } from './session';
import { countSpending, findBrokenLimit } from './spending-limits';

type CreateParams = NonNullable<Parameters<Stripe['testHelpers']['issuing']['authorizations']['create']>[0]>;
type IncrementParams = NonNullable<Parameters<Stripe['testHelpers']['issuing']['authorizations']['increment']>[1]>;
type Reason = Stripe.Issuing.Authorization.RequestHistory.Reason;

interface Verdict {
  approved: boolean;
  reason: Reason;
  reasonMessage?: string | undefined;
  amount?: number | undefined;
  metadata?: Record<string, string> | undefined;
  /** The endpoint asks for the cardholder to be asked. */
  challenges?: boolean | undefined;
}

const fuelDispenser = 'automated_fuel_dispensers';

/** A merchant asks: the card network's side of a purchase. */
export function createAuthorization(session: Session, params: CreateParams): Answer {
  const card = session.get('issuing.card', params.card, 'card');
  const purchase = purchaseAmount(params, card.body.currency, session.settings);
  const merchant = merchantFrom(params.merchant_data);
  // A pump's status check of one unit holds what a tank may cost, until the amount is known.
  const requested =
    merchant.category === fuelDispenser && purchase.amount <= probeMax ? session.settings.fuel_hold : purchase.amount;
  const body = newAuthorization(session, params, card, { ...purchase, amount: requested }, merchant);
  if (takeConfirmation(session, card, { amount: requested, merchant: merchant.network_id }))
    body.verified_by_fraud_challenge = true;
  const row = session.insert<'issuing.authorization'>(body, { held: 0, captured: 0, awaits_decision: true });
  const suspected = !body.verified_by_fraud_challenge && isBlockedAsFraud(session, params);
  return request(session, row, { probeAmount: purchase.amount, suspected }, (verdict) =>
    concludeFirst(session, body.id, verdict),
  );
}

function newAuthorization(
  session: Session,
  params: CreateParams,
  card: Row<'issuing.card'>,
  purchase: PurchaseAmount,
  merchant: Stripe.Issuing.Authorization.MerchantData,
): StoredAuthorization & { object: 'issuing.authorization' } {
  const method = params.authorization_method ?? 'online';
  const details = params.amount_details
    ? { atm_fee: params.amount_details.atm_fee ?? null, cashback_amount: params.amount_details.cashback_amount ?? null }
    : null;
  const checks = params.verification_data;
  return {
    id: newId('iauth'),
    object: 'issuing.authorization',
    amount: 0,
    amount_details: details,
    approved: false,
    authorization_method: method,
    balance_transactions: [],
    card: card.body.id,
    card_presence: ['chip', 'contactless', 'swipe'].includes(method) ? 'present' : 'not_present',
    cardholder: card.body.cardholder,
    created: session.now,
    currency: purchase.currency,
    fleet: fleetFrom(params.fleet),
    fuel: fuelFrom(params.fuel),
    livemode: false,
    merchant_amount: 0,
    merchant_currency: purchase.merchant_currency,
    merchant_data: merchant,
    metadata: {},
    network_data: {
      acquiring_institution_id: params.network_data?.acquiring_institution_id ?? null,
      system_trace_audit_number: String(randomInt(1_000_000)).padStart(6, '0'),
      transaction_id: String(randomInt(2 ** 47)).padStart(15, '0'),
    },
    pending_request: {
      amount: purchase.amount,
      amount_details: details,
      currency: purchase.currency,
      is_amount_controllable: params.is_amount_controllable ?? false,
      merchant_amount: purchase.merchant_amount,
      merchant_currency: purchase.merchant_currency,
      network_risk_score: null,
    },
    request_history: [],
    status: 'pending',
    token: null,
    transactions: [],
    verification_data: {
      address_line1_check: checks?.address_line1_check ?? 'not_provided',
      address_postal_code_check: checks?.address_postal_code_check ?? 'not_provided',
      authentication_exemption: checks?.authentication_exemption ?? null,
      cvc_check: checks?.cvc_check ?? 'match',
      expiry_check: checks?.expiry_check ?? 'match',
      postal_code: null,
      three_d_secure: checks?.three_d_secure ?? null,
    },
    verified_by_fraud_challenge: null,
    wallet: params.wallet ?? null,
  };
}

/** The merchant asks for more on an authorization it already has. */
export function incrementAuthorization(session: Session, params: IncrementParams, id: string): Answer {
  const row = session.get('issuing.authorization', id);
  const { body, hidden } = row;
  if (!body.approved || body.status !== 'pending')
    throw refused(`The authorization ${id} is ${body.status} and cannot be incremented.`);
  if (hidden.awaits_decision) throw refused(`The authorization ${id} has a pending request.`);
  const extra = params.increment_amount;
  checkAmount(extra, 'increment_amount');
  body.pending_request = {
    amount: extra,
    amount_details: null,
    currency: body.currency,
    is_amount_controllable: params.is_amount_controllable ?? false,
    merchant_amount: merchantShare(body, extra),
    merchant_currency: body.merchant_currency,
    network_risk_score: null,
  };
  hidden.awaits_decision = true;
  session.save(row);
  return request(session, row, { probeAmount: extra, suspected: false }, (verdict) =>
    concludeIncrement(session, id, verdict),
  );
}

function merchantShare(body: StoredAuthorization, amount: number): number {
  return body.amount === 0 ? amount : Math.round((body.merchant_amount * amount) / body.amount);
}

function isBlockedAsFraud({ settings }: Session, { risk_assessment: risk }: CreateParams): boolean {
  const level = risk?.fraud_risk?.level;
  const { fraud_risk_blocked_from: from } = settings;
  return (level === 'highest' && from !== 'never') || (level === 'elevated' && from === 'elevated');
}

interface RequestFacts {
  /** What the merchant named, before a pump's hold. */
  probeAmount: number;
  suspected: boolean;
}

/** Stripe's own declines first, then the endpoint that decides, then the verdict. */
function request(
  session: Session,
  row: Row<'issuing.authorization'>,
  facts: RequestFacts,
  conclude: (verdict: Verdict) => object,
): Answer {
  const refusal = findRefusal(session, row, facts);
  if (refusal) return conclude({ approved: false, ...refusal });
  const fault = session.outside.takeNetworkFault(session);
  if (fault?.action === 'decline') return conclude({ approved: false, reason: fault.reason ?? 'not_allowed' });
  if (fault?.action === 'stand_in') return conclude({ approved: true, reason: 'network_fallback' });
  const decider = findDecider(session);
  if (!decider) return conclude({ approved: true, reason: 'card_active' });
  const event = emit(session, 'issuing_authorization.request', renderAuthorization(session, row));
  const question = {
    authorization: row.body.id,
    url: decider.endpoint.body.url,
    secrets: decider.endpoint.hidden.secrets,
    body: JSON.stringify({ ...event.body, pending_webhooks: 1 }),
    timeoutMs: session.settings.authorization_timeout_ms,
    ...boundsOf(row),
  };
  return afterwards(
    () => session.outside.askDecider(session, question),
    (decision) => {
      const current = session.get('issuing.authorization', row.body.id);
      if (!current.hidden.awaits_decision) return renderAuthorization(session, current);
      return conclude(verdictFrom(session, decision));
    },
  );
}

function boundsOf({ body: { pending_request: pending } }: Row<'issuing.authorization'>): AmountBounds {
  return {
    amountMax: pending?.amount ?? 0,
    amountMin: pending?.amount_details?.cashback_amount ?? 0,
    amountControllable: pending?.is_amount_controllable ?? false,
  };
}

/** The calls that answered before webhooks could. Deprecated, and still first where both are used. */
export function answerByCall(
  session: Session,
  id: string,
  params: Stripe.Issuing.AuthorizationApproveParams,
  approved: boolean,
): object {
  const row = session.get('issuing.authorization', id);
  const { decisions } = session.outside;
  if (!row.hidden.awaits_decision || !decisions.isOpen(id)) {
    throw refused(`The authorization ${id} can no longer be ${approved ? 'approved' : 'declined'}.`);
  }
  const { amount } = params;
  const problem = amount === undefined ? undefined : findAmountProblem(boundsOf(row), amount);
  if (problem !== undefined) throw refused(problem, undefined, 'amount');
  row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
  session.save(row);
  const verdict: Verdict = { approved, reason: approved ? 'webhook_approved' : 'webhook_declined', amount };
  const answer = row.body.approved ? concludeIncrement(session, id, verdict) : concludeFirst(session, id, verdict);
  session.db.onCommit(() => decisions.close(id));
  return answer;
}

function verdictFrom(session: Session, decision: Decision): Verdict {
  const byDefault = session.settings.authorization_default === 'approve';
  switch (decision.kind) {
    case 'answered':
      return {
        approved: decision.approved,
        reason: decision.approved ? 'webhook_approved' : 'webhook_declined',
        amount: decision.amount,
        metadata: decision.metadata,
        challenges: decision.challenges,
      };
    case 'concluded':
      throw new Error('A request that a call has concluded was concluded again.');
    case 'timeout':
      return { approved: byDefault, reason: 'webhook_timeout' };
    case 'error':
      return { approved: byDefault, reason: 'webhook_error', reasonMessage: decision.message };
  }
}

interface Refusal {
  reason: Reason;
  reasonMessage?: string;
}

/** Why Stripe itself says no, asking nobody. In the order its decline reasons are usually met. */
function findRefusal(
  session: Session,
  row: Row<'issuing.authorization'>,
  { probeAmount, suspected }: RequestFacts,
): Refusal | undefined {
  const { body } = row;
  const card = session.get('issuing.card', body.card);
  const cardholder = session.get('issuing.cardholder', card.body.cardholder).body;
  const amount = body.pending_request?.amount ?? 0;
  const isIncrement = body.approved;
  if (!isActive(session, 'card_issuing')) return { reason: 'account_disabled' };
  const state = cardRefusal(session, card, isIncrement);
  if (state) return { reason: state };
  if (cardholder.status === 'inactive') return { reason: 'cardholder_inactive' };
  if (cardholder.status === 'blocked') return { reason: 'cardholder_blocked' };
  if (cardholder.requirements.disabled_reason !== null) return { reason: 'cardholder_verification_required' };
  if (body.verification_data.cvc_check === 'mismatch' || body.verification_data.expiry_check === 'mismatch') {
    return { reason: 'verification_failed' };
  }
  if (suspected) return { reason: 'suspected_fraud' };
  const control = [card.body.spending_controls, cardholder.spending_controls].find((one) => one && blocks(one, body));
  if (control) return { reason: 'spending_controls' };
  const spend = {
    authorization: body.id,
    card,
    cardholder,
    amount,
    alreadyHeld: body.amount,
    category: body.merchant_data.category,
  };
  const broken = findBrokenLimit(session, spend);
  if (broken) return { reason: 'spending_controls', reasonMessage: broken };
  if (!isIncrement && probeAmount <= probeMax && amount <= probeMax && !allowsProbe(card)) {
    return { reason: 'spending_controls', reasonMessage: 'more small authorizations than payments allowed' };
  }
  if (availableIn(session, 'issuing', body.currency) < amount) return { reason: 'insufficient_funds' };
  return undefined;
}

function cardRefusal(session: Session, card: Row<'issuing.card'>, isIncrement: boolean): Reason | undefined {
  const { status, exp_month: month, exp_year: year } = card.body;
  const byCount = card.hidden.canceled_by_lifecycle && isIncrement;
  if (status === 'canceled' && !(byCount && session.settings.increment_after_lifecycle_cancel === 'allow'))
    return 'card_canceled';
  if (status === 'inactive') return 'card_inactive';
  // A card lives to the end of its month.
  if (session.nowMs >= Date.UTC(year, month, 1)) return 'card_expired';
  return undefined;
}

type AnyControls = Stripe.Issuing.Card.SpendingControls | Stripe.Issuing.Cardholder.SpendingControls;

function blocks(
  controls: AnyControls,
  { merchant_data: merchant, card_presence: presence }: StoredAuthorization,
): boolean {
  const outside = (allowed: string[] | null, value: string | null) =>
    (allowed?.length ?? 0) > 0 && !allowed?.includes(value ?? '');
  const inside = (blocked: string[] | null, value: string | null) => blocked?.includes(value ?? '') ?? false;
  return (
    outside(controls.allowed_categories, merchant.category) ||
    inside(controls.blocked_categories, merchant.category) ||
    outside(controls.allowed_merchant_countries, merchant.country) ||
    inside(controls.blocked_merchant_countries, merchant.country) ||
    outside(controls.allowed_card_presences, presence) ||
    inside(controls.blocked_card_presences, presence)
  );
}

/**
 * While the endpoint was thinking, another purchase may have used up the balance or the card, or the merchant may have
 * settled what it wants to increase. Stripe does not say how it orders the two; here an approval that no longer fits is
 * declined, so that no approval overdraws and nothing is held on what is over.
 */
function recheck(session: Session, row: Row<'issuing.authorization'>, verdict: Verdict): Verdict {
  const reason = verdict.approved ? lateRefusal(session, row, verdict) : undefined;
  return reason ? { approved: false, reason, metadata: verdict.metadata } : verdict;
}

function lateRefusal(session: Session, { body }: Row<'issuing.authorization'>, verdict: Verdict): Reason | undefined {
  if (body.status !== 'pending') return 'not_allowed';
  const card = session.get('issuing.card', body.card);
  const amount = verdict.amount ?? body.pending_request?.amount ?? 0;
  const state = cardRefusal(session, card, body.approved);
  if (state) return state;
  if (!body.approved && amount <= probeMax && !allowsProbe(card)) return 'spending_controls';
  return availableIn(session, 'issuing', body.currency) < amount ? 'insufficient_funds' : undefined;
}

/** Takes the verdict into the authorization: history, metadata, hold, counts. Returns whether it is approved. */
function conclude(session: Session, row: Row<'issuing.authorization'>, given: Verdict): boolean {
  const { body, hidden } = row;
  const verdict = recheck(session, row, given);
  const pending = body.pending_request;
  const asked = pending?.amount ?? 0;
  const amount = verdict.approved ? (verdict.amount ?? asked) : asked;
  const merchantAmount = asked === 0 ? 0 : Math.round(((pending?.merchant_amount ?? 0) * amount) / asked);
  body.request_history = [
    {
      amount,
      amount_details: pending?.amount_details ?? null,
      approved: verdict.approved,
      authorization_code: verdict.approved ? String(randomInt(1_000_000)).padStart(6, '0') : null,
      created: session.now,
      currency: body.currency,
      merchant_amount: merchantAmount,
      merchant_currency: body.merchant_currency,
      network_risk_score: null,
      reason: verdict.reason,
      reason_message: verdict.reasonMessage ?? null,
      requested_at: session.now,
    },
    ...body.request_history,
  ];
  body.metadata = mergedMetadata(body.metadata, verdict.metadata);
  body.pending_request = null;
  hidden.awaits_decision = false;
  const first = !body.approved;
  if (verdict.approved) {
    body.approved = true;
    body.amount += amount;
    body.merchant_amount += merchantAmount;
    hold(session, row, amount);
    const card = session.get('issuing.card', body.card);
    const cardholder = session.get('issuing.cardholder', card.body.cardholder).body;
    countSpending(session, { authorization: body.id, card, cardholder, amount, category: body.merchant_data.category });
  } else if (first) {
    body.amount = amount;
    body.merchant_amount = merchantAmount;
    body.status = 'closed';
    if (verdict.reason === 'suspected_fraud' || verdict.challenges) sendFraudChallenge(session, row);
  }
  return verdict.approved;
}

function concludeFirst(session: Session, id: string, verdict: Verdict): object {
  const row = session.get('issuing.authorization', id);
  const approved = conclude(session, row, verdict);
  session.save(row);
  const created = renderAuthorization(session, row);
  emit(session, 'issuing_authorization.created', created);
  if (!approved) return created;
  const { authorization_expiry_days: days, authorization_expiry_days_travel: daysTravel } = session.settings;
  const travel = travelCategories.includes(row.body.merchant_data.category);
  schedule(session, session.nowMs + (travel ? daysTravel : days) * dayMs, 'authorization_expires', { id });
  countApproval(session, session.get('issuing.card', row.body.card), id, row.body.amount);
  return renderAuthorization(session, row);
}

function concludeIncrement(session: Session, id: string, verdict: Verdict): object {
  const row = session.get('issuing.authorization', id);
  const after = changeAuthorization(session, row, () => void conclude(session, row, verdict));
  countApproval(session, session.get('issuing.card', row.body.card), id, row.body.amount);
  return after;
}

/** After a crash in the middle of a question: nobody answered, so the timeout rule decides. */
export function concludeAbandoned(session: Session): void {
  const abandoned = { sql: "json_extract(o.hidden, '$.awaits_decision') = 1", values: [] };
  const verdict = verdictFrom(session, { kind: 'timeout' });
  for (let more = true; more;) {
    const page = session.objects.page(session.account, 'issuing.authorization', { limit: 100 }, [], abandoned);
    for (const { body } of page.rows) {
      if (body.approved) concludeIncrement(session, body.id, verdict);
      else concludeFirst(session, body.id, verdict);
    }
    more = page.hasMore;
  }
}
