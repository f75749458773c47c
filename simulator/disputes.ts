import type Stripe from 'stripe';
import { move, renderBalanceTransaction } from './balance';
import { dayMs } from './clock';
import { badParameter, refused } from './errors';
import { emit } from './events';
import { newId } from './ids';
import { changeTransaction } from './issuing-transactions';
import type { Row } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { mergedMetadata } from './metadata';
import { schedule } from './schedule';
import type { Session } from './session';

type Dispute = Stripe.Issuing.Dispute;
type Evidence = NonNullable<Stripe.Issuing.DisputeUpdateParams['evidence']>;

// Visa's general deadline; authorization-type reasons and Mastercard are shorter.
const deadlineDays = 110;

export function createDispute(session: Session, params: Stripe.Issuing.DisputeCreateParams): Dispute {
  if (params.transaction === undefined)
    throw badParameter('Missing required param: transaction.', 'transaction', 'parameter_missing');
  const transaction = session.get('issuing.transaction', params.transaction, 'transaction');
  const { body } = transaction;
  if (body.type !== 'capture') throw refused('Only captures can be disputed.', undefined, 'transaction');
  if (body.dispute !== null) throw refused(`The transaction ${body.id} is already disputed.`, undefined, 'transaction');
  const amount = params.amount ?? -body.amount;
  checkDisputed(amount, transaction);
  const dispute: Dispute & { object: 'issuing.dispute' } = {
    id: newId('idp'),
    object: 'issuing.dispute',
    amount,
    balance_transactions: [],
    created: session.now,
    currency: body.currency,
    evidence: evidenceFrom(undefined, params.evidence),
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    status: 'unsubmitted',
    transaction: body.id,
  };
  const row = session.insert<'issuing.dispute'>(dispute, {});
  emit(session, 'issuing_dispute.created', renderDispute(session, row));
  changeTransaction(session, transaction, () => (body.dispute = dispute.id));
  schedule(session, body.created * 1000 + deadlineDays * dayMs, 'dispute_expires', { id: dispute.id });
  return renderDispute(session, row);
}

function checkDisputed(amount: number, { body }: Row<'issuing.transaction'>): void {
  if (amount < 1 || amount > -body.amount)
    throw refused(`The disputed amount must be between 1 and ${-body.amount}.`, undefined, 'amount');
}

/** Each reason's own hash; what is not said is null, and an empty value clears it. */
function evidenceFrom(
  current: Stripe.Issuing.Dispute.Evidence | undefined,
  given: Evidence | undefined,
): Stripe.Issuing.Dispute.Evidence {
  const reason = given?.reason ?? current?.reason ?? 'other';
  const details: Record<string, unknown> = { ...current, reason };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (name === 'reason') continue;
    if (value === '') delete details[name];
    else details[name] = { ...(details[name] as object | undefined), ...emptied(value as object) };
  }
  const own = details[reason] as object | undefined;
  details[reason] = { ...blankEvidence[reason], ...own };
  return details as unknown as Stripe.Issuing.Dispute.Evidence;
}

function emptied(facts: object): object {
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [key, value === '' ? null : (value as unknown)]),
  );
}

const blank = { additional_documentation: null, explanation: null };
const product = { product_description: null, product_type: null };
const returned = { return_status: null, returned_at: null };

const blankEvidence: Record<string, object> = {
  canceled: {
    ...blank,
    ...product,
    ...returned,
    canceled_at: null,
    cancellation_policy_provided: null,
    cancellation_reason: null,
    expected_at: null,
  },
  duplicate: { ...blank, card_statement: null, cash_receipt: null, check_image: null, original_transaction: null },
  fraudulent: blank,
  merchandise_not_as_described: { ...blank, ...returned, received_at: null, return_description: null },
  no_valid_authorization: blank,
  not_received: { ...blank, ...product, expected_at: null },
  other: { ...blank, ...product },
  service_not_as_described: { ...blank, canceled_at: null, cancellation_reason: null, received_at: null },
};

export function updateDispute(session: Session, params: Stripe.Issuing.DisputeUpdateParams, id: string): Dispute {
  const row = session.get('issuing.dispute', id);
  if (row.body.status !== 'unsubmitted' && (params.amount !== undefined || params.evidence !== undefined)) {
    throw refused('Disputes can only be changed before they are submitted.');
  }
  if (params.amount !== undefined)
    checkDisputed(params.amount, session.get('issuing.transaction', row.body.transaction as string));
  return changeDispute(session, row, 'issuing_dispute.updated', () => {
    row.body.metadata = mergedMetadata(row.body.metadata, params.metadata);
    if (params.amount !== undefined) row.body.amount = params.amount;
    if (params.evidence !== undefined) row.body.evidence = evidenceFrom(row.body.evidence, params.evidence);
  });
}

type DisputeEvent = 'updated' | 'submitted' | 'closed' | 'funds_reinstated' | 'funds_rescinded';

function changeDispute(
  session: Session,
  row: Row<'issuing.dispute'>,
  event: `issuing_dispute.${DisputeEvent}`,
  change: () => void,
): Dispute {
  const before = structuredClone(renderDispute(session, row));
  change();
  session.save(row);
  const after = renderDispute(session, row);
  emit(session, event, after, before);
  return after;
}

export function submitDispute(session: Session, params: Stripe.Issuing.DisputeSubmitParams, id: string): Dispute {
  const row = session.get('issuing.dispute', id);
  const { body } = row;
  if (body.status !== 'unsubmitted') throw refused(`The dispute ${id} is ${body.status} and cannot be submitted.`);
  const own = (body.evidence as unknown as Record<string, { explanation?: string | null } | undefined>)[
    body.evidence.reason
  ];
  if (body.evidence.reason !== 'duplicate' && !own?.explanation) {
    throw refused(
      `The evidence for ${body.evidence.reason} needs an explanation.`,
      undefined,
      `evidence[${body.evidence.reason}][explanation]`,
    );
  }
  return changeDispute(session, row, 'issuing_dispute.submitted', () => {
    body.metadata = mergedMetadata(body.metadata, params.metadata);
    body.status = 'submitted';
  });
}

export type DisputeOutcome = 'provisional_credit' | 'provisional_credit_reversal' | 'won' | 'lost';

/** What the network answers, by a control. A provisional credit given before is taken back when the dispute is lost. */
export function decideDispute(session: Session, id: string, outcome: DisputeOutcome, lossReason?: string): Dispute {
  const row = session.get('issuing.dispute', id);
  const { body } = row;
  if (body.status !== 'submitted')
    throw refused(`The dispute ${id} is ${body.status}; only submitted disputes have an outcome.`);
  const credited = provisionalCredit(session, row);
  if (outcome === 'provisional_credit') {
    if (credited > 0) throw refused(`The dispute ${id} already has a provisional credit.`);
    return credit(session, row, body.amount, 'issuing_dispute_provisional_credit', 'issuing_dispute.funds_reinstated');
  }
  if (outcome !== 'won' && credited > 0) {
    credit(session, row, -credited, 'issuing_dispute_provisional_credit_reversal', 'issuing_dispute.funds_rescinded');
  }
  if (outcome === 'provisional_credit_reversal') {
    if (credited === 0) throw refused(`The dispute ${id} has no provisional credit to take back.`);
    return renderDispute(session, row);
  }
  if (outcome === 'won' && credited < body.amount) {
    credit(session, row, body.amount - credited, 'issuing_dispute', 'issuing_dispute.funds_reinstated');
  }
  return changeDispute(session, row, 'issuing_dispute.closed', () => {
    body.status = outcome;
    if (outcome === 'lost') body.loss_reason = lossReason ?? 'invalid_or_incorrect_dispute';
  });
}

type CreditType =
  'issuing_dispute' | 'issuing_dispute_provisional_credit' | 'issuing_dispute_provisional_credit_reversal';

function credit(
  session: Session,
  row: Row<'issuing.dispute'>,
  amount: number,
  type: CreditType,
  event: 'issuing_dispute.funds_reinstated' | 'issuing_dispute.funds_rescinded',
): Dispute {
  return changeDispute(session, row, event, () => {
    const { id, currency } = row.body;
    const transaction = move(session, {
      amount,
      currency,
      balanceType: 'issuing',
      type,
      source: id,
      place: 'networks',
    });
    row.body.balance_transactions = [transaction, ...(row.body.balance_transactions ?? [])];
  });
}

function provisionalCredit(session: Session, row: Row<'issuing.dispute'>): number {
  const rows = renderDispute(session, row).balance_transactions ?? [];
  return rows
    .filter(({ type }) => type.startsWith('issuing_dispute_provisional'))
    .reduce((sum, { amount }) => sum + amount, 0);
}

/** Nobody submitted it in time. */
export function expireDispute(session: Session, id: string): void {
  const row = session.find('issuing.dispute', id);
  if (row?.body.status !== 'unsubmitted') return;
  changeDispute(session, row, 'issuing_dispute.closed', () => (row.body.status = 'expired'));
}

export function listDisputes(session: Session, params: Stripe.Issuing.DisputeListParams): ListAnswer {
  const filters = filtersFrom(params, ['transaction', 'status']);
  return answerList(session, 'issuing.dispute', '/v1/issuing/disputes', params, renderDispute, filters);
}

export function renderDispute(session: Session, row: Row<'issuing.dispute'>): Dispute {
  const { balance_transactions: kept, ...rest } = row.body;
  if (!kept || kept.length === 0) return rest;
  const rows = kept.map(({ id }) => session.get('balance_transaction', id));
  return { ...rest, balance_transactions: rows.map((one) => renderBalanceTransaction(session, one)) };
}
