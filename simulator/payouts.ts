import type Stripe from 'stripe';
import { checkAmount } from './amounts';
import { availableIn, type BalanceType, move } from './balance';
import { bankAccountFor, findBankAccount } from './bank-accounts';
import { dayMs, secondMs, toSeconds } from './clock';
import { readCurrency } from './currencies';
import { insufficientFunds, missing, refused } from './errors';
import { emit } from './events';
import { newId } from './ids';
import type { Row } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import { bounds } from './objects';
import { schedule, unschedule } from './schedule';
import type { Session } from './session';

type Payout = Stripe.Payout;

/** `source_balance` is documented and not typed. */
export type PayoutParams = Stripe.PayoutCreateParams & { source_balance?: BalanceType };

/** To the account's own bank: it leaves the balance at once and arrives days later. */
export function createPayout(session: Session, params: PayoutParams, automatic = false): Payout {
  const currency = readCurrency(params.currency);
  const source = params.source_balance ?? 'payments';
  checkAmount(params.amount);
  if (params.destination !== undefined && !session.find('bank_account', params.destination)) {
    throw missing('external account', params.destination, 'destination');
  }
  const account = session.objects.find(session.platform.id, 'account', session.account)?.body;
  if (account?.payouts_enabled === false) {
    const message =
      'Cannot create payouts: this account has requirements that need to be collected. Please check the `requirements` hash on the account for details.';
    throw refused(message, 'payouts_not_allowed');
  }
  if (availableIn(session, source, currency) < params.amount) throw insufficientFunds();
  const bank =
    params.destination ?? (findBankAccount(session) ?? (account && bankAccountFor(session, account)))?.id ?? null;

  const id = newId('po');
  const out = move(session, {
    ...{ amount: -params.amount, currency, source: id, description: params.description ?? 'STRIPE PAYOUT' },
    ...{ balanceType: source, type: 'payout', place: 'bank', payout: id },
  });
  const arrivesAtMs = session.nowMs + session.settings.payout_delay_seconds * secondMs;
  const payout: Payout & { object: 'payout' } = {
    id,
    object: 'payout',
    amount: params.amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: toSeconds(arrivesAtMs),
    automatic,
    balance_transaction: out.id,
    created: session.now,
    currency,
    description: params.description ?? 'STRIPE PAYOUT',
    destination: bank,
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    method: params.method ?? 'standard',
    original_payout: null,
    payout_method: params.payout_method ?? null,
    reconciliation_status: 'not_applicable',
    reversed_by: null,
    source_type: params.source_type ?? 'card',
    statement_descriptor: params.statement_descriptor ?? null,
    status: 'pending',
    trace_id: null,
    type: 'bank_account',
  };
  session.insert<'payout'>(payout, { source_balance: source });
  emit(session, 'payout.created', payout);
  schedule(session, arrivesAtMs, 'payout_settles', { id });
  return payout;
}

const unsettled = ['pending', 'in_transit'];

export function settlePayout(session: Session, id: string, fails = session.settings.payout_outcome === 'fail'): Payout {
  const row = session.get('payout', id);
  if (!unsettled.includes(row.body.status)) return row.body;
  return changePayout(session, row, fails ? 'payout.failed' : 'payout.paid', () => {
    row.body.status = fails ? 'failed' : 'paid';
    if (!fails) return;
    row.body.failure_code = 'could_not_process';
    row.body.failure_message = 'The bank could not process this payout.';
    row.body.failure_balance_transaction = comeBack(session, row, 'payout_failure');
  });
}

export function cancelPayout(session: Session, id: string): Payout {
  const row = session.get('payout', id);
  if (row.body.status !== 'pending')
    throw refused('Payouts can only be canceled while they are pending.', 'payouts_not_allowed');
  return changePayout(session, row, 'payout.canceled', () => {
    row.body.status = 'canceled';
    row.body.failure_balance_transaction = comeBack(session, row, 'payout_cancel');
  });
}

function comeBack(session: Session, { body, hidden }: Row<'payout'>, type: 'payout_cancel' | 'payout_failure'): string {
  const back = move(session, {
    ...{ amount: body.amount, currency: body.currency, source: body.id, description: body.description },
    ...{ balanceType: hidden.source_balance, type, place: 'bank', payout: body.id },
  });
  return back.id;
}

type PayoutEvent = 'payout.paid' | 'payout.failed' | 'payout.canceled' | 'payout.updated';

function changePayout(session: Session, row: Row<'payout'>, event: PayoutEvent, change: () => void): Payout {
  const before = structuredClone(row.body);
  change();
  session.save(row);
  emit(session, event, row.body, before);
  return row.body;
}

export function updatePayout(session: Session, params: Stripe.PayoutUpdateParams, id: string): Payout {
  const row = session.get('payout', id);
  return changePayout(session, row, 'payout.updated', () => {
    row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
  });
}

/** The first of the daily sweeps that an account with an automatic schedule gets, instead of those of another schedule. */
export function schedulePayouts(session: Session, account: Stripe.Account): void {
  unschedule(session, 'automatic_payout');
  if (account.settings?.payouts?.schedule.interval === 'manual') return;
  schedule(session, nextMidnightMs(session), 'automatic_payout', {});
}

function nextMidnightMs(session: Session): number {
  return Math.floor(session.nowMs / dayMs) * dayMs + dayMs;
}

/** Sweeps the payments balance: the race that a platform avoids with manual payouts. The Issuing balance is never swept. */
export function sweep(session: Session): void {
  const account = session.objects.find(session.platform.id, 'account', session.account)?.body;
  if (!account || account.settings?.payouts?.schedule.interval === 'manual') return;
  const rows = session.db.all<{ currency: string; available: number }>(
    "select currency, available from balances where account = ? and balance_type = 'payments' and available > 0",
    session.account,
  );
  if (session.settings.automatic_payouts && account.payouts_enabled) {
    for (const { currency, available } of rows) createPayout(session, { amount: available, currency }, true);
  }
  schedule(session, nextMidnightMs(session), 'automatic_payout', {});
}

export function listPayouts(session: Session, params: Stripe.PayoutListParams): ListAnswer {
  const arrivals = [...bounds(params.arrival_date)];
  const condition = {
    sql: ['1 = 1', ...arrivals.map(([operator]) => `json_extract(o.body, '$.arrival_date') ${operator} ?`)].join(
      ' and ',
    ),
    values: arrivals.map(([, bound]) => bound),
  };
  const filters = filtersFrom(params, ['destination', 'status']);
  return answerList(session, 'payout', '/v1/payouts', params, renderPayout, filters, condition);
}

export function renderPayout(_session: Session, row: Row<'payout'>): Payout {
  return row.body;
}
