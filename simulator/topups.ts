import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import { checkAmount } from './amounts';
import { move, renderBalance } from './balance';
import { secondMs, toSeconds } from './clock';
import { readCurrency } from './currencies';
import { badParameter, refused } from './errors';
import { emit } from './events';
import { newId, newSecret } from './ids';
import type { Row, StoredTopup } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import { bounds } from './objects';
import { schedule } from './schedule';
import type { Session } from './session';

/** `destination_balance` is documented and not typed. */
export type TopupParams = Stripe.TopupCreateParams & { destination_balance?: 'issuing' | 'payments' };

// Stripe's test bank accounts that fail, by the code they fail with.
const failingSources: Record<string, { code: string; message: string }> = {
  btok_us_verified_noAccount: { code: 'no_account', message: 'The bank account could not be located.' },
  btok_us_verified_insufficientFunds: {
    code: 'insufficient_funds',
    message: 'The bank account has insufficient funds.',
  },
};

/** Pulls from a bank account: days later it succeeds or fails. Nothing is booked before that. */
export function createTopup(session: Session, params: TopupParams): StoredTopup {
  const currency = readCurrency(params.currency);
  checkAmount(params.amount);
  if ((params.statement_descriptor ?? '').length > 15) {
    throw badParameter(
      'The statement descriptor must be at most 15 characters.',
      'statement_descriptor',
      'parameter_invalid_string_too_long',
    );
  }
  const availableAtMs = session.nowMs + session.settings.topup_delay_seconds * secondMs;
  const topup: StoredTopup & { object: 'topup' } = {
    id: newId('tu'),
    object: 'topup',
    amount: params.amount,
    balance_transaction: null,
    created: session.now,
    currency,
    description: params.description ?? null,
    ...(params.destination_balance === undefined ? {} : { destination_balance: params.destination_balance }),
    expected_availability_date: toSeconds(availableAtMs),
    failure_code: null,
    failure_message: null,
    initiated_by: 'user',
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    source: sourceFrom(session, params.source, currency),
    statement_descriptor: params.statement_descriptor ?? null,
    status: 'pending',
    transfer_group: params.transfer_group ?? null,
  };
  session.insert<'topup'>(topup, { destination_balance: params.destination_balance ?? 'payments' });
  emit(session, 'topup.created', topup);
  const failure = failingSources[params.source ?? ''] ?? null;
  schedule(session, availableAtMs, 'topup_settles', {
    id: topup.id,
    failure: failure?.code ?? '',
    message: failure?.message ?? '',
  });
  return topup;
}

/** Money pushed by bank transfer has arrived: booked at once, as a top-up without a source. */
export function receiveBankTransfer(session: Session, amount: number, currency: string): void {
  const topup: StoredTopup & { object: 'topup' } = {
    id: newId('tu'),
    object: 'topup',
    amount,
    balance_transaction: null,
    created: session.now,
    currency,
    description: 'Funding by bank transfer',
    destination_balance: 'issuing',
    expected_availability_date: session.now,
    failure_code: null,
    failure_message: null,
    initiated_by: 'user',
    livemode: false,
    metadata: {},
    source: null,
    statement_descriptor: null,
    status: 'pending',
    transfer_group: null,
  };
  succeedTopup(session, session.insert<'topup'>(topup, { destination_balance: 'issuing' }));
}

function sourceFrom(session: Session, token: string | undefined, currency: string): Stripe.Source {
  return {
    id: newId('src'),
    object: 'source',
    ach_debit: {
      bank_name: 'STRIPE TEST BANK',
      country: 'US',
      fingerprint: createHash('sha256')
        .update(token ?? 'default')
        .digest('base64url')
        .slice(0, 16),
      last4: '6789',
      routing_number: '110000000',
      type: 'individual',
    },
    allow_redisplay: null,
    amount: null,
    client_secret: newSecret('src_client_secret', 24),
    created: session.now,
    currency,
    flow: 'code_verification',
    livemode: false,
    metadata: {},
    owner: {
      address: null,
      email: 'jenny.rosen@example.com',
      name: 'Jenny Rosen',
      phone: null,
      verified_address: null,
      verified_email: null,
      verified_name: null,
      verified_phone: null,
    },
    statement_descriptor: null,
    status: 'chargeable',
    type: 'ach_debit',
    usage: 'reusable',
  };
}

/** By the clock, or at once by a control. */
export function settleTopup(session: Session, id: string, failure?: { code: string; message: string }): StoredTopup {
  const row = session.get('topup', id);
  if (row.body.status !== 'pending') return row.body;
  const outcome =
    failure ??
    (session.settings.topup_outcome === 'fail'
      ? { code: 'could_not_process', message: 'The bank could not process this top-up.' }
      : undefined);
  return outcome ? failTopup(session, row, outcome) : succeedTopup(session, row);
}

function succeedTopup(session: Session, row: Row<'topup'>): StoredTopup {
  const { body, hidden } = row;
  const before = structuredClone(body);
  const incoming = move(session, {
    ...{ amount: body.amount, currency: body.currency, source: body.id, description: body.description },
    ...{ balanceType: hidden.destination_balance, type: 'topup', place: 'bank' },
  });
  body.status = 'succeeded';
  body.balance_transaction = incoming.id;
  session.save(row);
  emit(session, 'topup.succeeded', body, before);
  emit(session, 'balance.available', renderBalance(session));
  return body;
}

function failTopup(session: Session, row: Row<'topup'>, failure: { code: string; message: string }): StoredTopup {
  const before = structuredClone(row.body);
  row.body.status = 'failed';
  row.body.failure_code = failure.code;
  row.body.failure_message = failure.message;
  session.save(row);
  emit(session, 'topup.failed', row.body, before);
  return row.body;
}

export function cancelTopup(session: Session, id: string): StoredTopup {
  const row = session.get('topup', id);
  if (row.body.status !== 'pending')
    throw refused(`Only pending top-ups can be canceled; ${id} is ${row.body.status}.`);
  const before = structuredClone(row.body);
  row.body.status = 'canceled';
  session.save(row);
  emit(session, 'topup.canceled', row.body, before);
  return row.body;
}

/** The bank takes it back after the fact: even from a balance that has spent it. */
export function reverseTopup(session: Session, id: string): StoredTopup {
  const row = session.get('topup', id);
  const { body, hidden } = row;
  if (body.status !== 'succeeded') throw refused(`Only succeeded top-ups can be reversed; ${id} is ${body.status}.`);
  const before = structuredClone(body);
  move(session, {
    ...{ amount: -body.amount, currency: body.currency, source: body.id, description: body.description },
    ...{ balanceType: hidden.destination_balance, type: 'topup_reversal', place: 'bank' },
  });
  body.status = 'reversed';
  session.save(row);
  emit(session, 'topup.reversed', body, before);
  return body;
}

export function updateTopup(session: Session, params: Stripe.TopupUpdateParams, id: string): StoredTopup {
  const row = session.get('topup', id);
  row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
  if (params.description !== undefined) row.body.description = params.description;
  session.save(row);
  return row.body;
}

export function listTopups(session: Session, params: Stripe.TopupListParams): ListAnswer {
  const amounts = [...bounds(params.amount)];
  const condition = {
    sql: ['1 = 1', ...amounts.map(([operator]) => `json_extract(o.body, '$.amount') ${operator} ?`)].join(' and '),
    values: amounts.map(([, bound]) => bound),
  };
  return answerList(session, 'topup', '/v1/topups', params, renderTopup, filtersFrom(params, ['status']), condition);
}

export function renderTopup(_session: Session, row: Row<'topup'>): StoredTopup {
  return row.body;
}
