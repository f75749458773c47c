import { badParameter } from './errors';
import type { Kind } from './kinds';
import { renderers } from './renderers';
import type { Session } from './session';

type Hash = Record<string, unknown>;

/** Which fields may be expanded, and into what. Fields that always embed their object may be named too. */
const expandable: Record<string, Record<string, Kind | 'by_prefix'>> = {
  balance_transaction: { source: 'by_prefix' },
  capability: { account: 'account' },
  charge: { balance_transaction: 'balance_transaction', payment_intent: 'payment_intent' },
  'issuing.authorization': { cardholder: 'issuing.cardholder' },
  'issuing.card': {
    personalization_design: 'issuing.personalization_design',
    replaced_by: 'issuing.card',
    replacement_for: 'issuing.card',
  },
  'issuing.dispute': { transaction: 'issuing.transaction' },
  'issuing.transaction': {
    authorization: 'issuing.authorization',
    balance_transaction: 'balance_transaction',
    card: 'issuing.card',
    cardholder: 'issuing.cardholder',
    dispute: 'issuing.dispute',
  },
  payment_intent: { latest_charge: 'charge' },
  payout: {
    balance_transaction: 'balance_transaction',
    destination: 'bank_account',
    failure_balance_transaction: 'balance_transaction',
  },
  refund: { balance_transaction: 'balance_transaction', charge: 'charge' },
  topup: { balance_transaction: 'balance_transaction' },
  transfer: { balance_transaction: 'balance_transaction', destination: 'account', destination_payment: 'charge' },
  transfer_reversal: {
    balance_transaction: 'balance_transaction',
    destination_payment_refund: 'refund',
    transfer: 'transfer',
  },
};

const kindByPrefix: Record<string, Kind> = {
  ch: 'charge',
  iauth: 'issuing.authorization',
  idp: 'issuing.dispute',
  ipi: 'issuing.transaction',
  po: 'payout',
  py: 'charge',
  pyr: 'refund',
  tr: 'transfer',
  trr: 'transfer_reversal',
  tu: 'topup',
};

const depthMax = 4;

/** Replaces ids by their objects along each path, `data.card.cardholder` style. */
export function expandAnswer(session: Session, answer: object, paths: readonly string[], revealsCard: boolean): object {
  if (paths.length === 0) return answer;
  const copy = structuredClone(answer);
  for (const path of paths) {
    const keys = path.split('.');
    if (keys.length > depthMax + (keys[0] === 'data' ? 1 : 0)) {
      throw badParameter(`You cannot expand more than ${depthMax} levels of a property. Property: ${path}`, 'expand');
    }
    expandPath(session, copy as Hash, keys, path, revealsCard);
  }
  return copy;
}

function expandPath(session: Session, target: Hash, keys: string[], path: string, revealsCard: boolean): void {
  const [key, ...rest] = keys;
  if (key === undefined) return;
  if (target['object'] === 'list') {
    if (key !== 'data') throw cannotExpand(path);
    for (const item of target['data'] as Hash[]) expandPath(session, item, rest, path, false);
    return;
  }
  if (revealsCard && target['object'] === 'issuing.card' && (key === 'number' || key === 'cvc')) {
    target[key] = session.get('issuing.card', String(target['id'])).hidden[key];
    return;
  }
  if (target['object'] === 'issuing.transaction' && key === 'purchase_details') {
    target[key] = session.get('issuing.transaction', String(target['id'])).hidden.purchase_details;
    return;
  }
  const value = Object.hasOwn(target, key) ? target[key] : undefined;
  if (typeof value === 'string') {
    const found = resolve(session, target, key, value);
    if (found === undefined) throw cannotExpand(path);
    target[key] = found;
  } else if (!mayLieOn(value, rest.length === 0)) {
    throw cannotExpand(path);
  }
  const next = target[key];
  for (const item of Array.isArray(next) ? next : [next]) {
    if (typeof item === 'object' && item !== null) expandPath(session, item as Hash, rest, path, false);
  }
}

/** A path ends at an object, and passes through hashes; what is not there yet (null) could have been either. */
function mayLieOn(value: unknown, isEnd: boolean): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.every((item) => mayLieOn(item, isEnd));
  return typeof value === 'object' && (!isEnd || Object.hasOwn(value, 'object'));
}

function resolve(session: Session, target: Hash, key: string, id: string): object | undefined {
  const rule = expandable[String(target['object'])]?.[key];
  const kind = rule === 'by_prefix' ? kindByPrefix[id.split('_')[0] ?? ''] : rule;
  if (kind === undefined) return undefined;
  // Accounts belong to the platform; a transfer's payment lives on the account it went to.
  const owner =
    kind === 'account' ? session.platform.id : key === 'destination_payment' ? accountOf(target) : session.account;
  return renderById(session.as(owner), kind, id);
}

function accountOf(transfer: Hash): string {
  const { destination } = transfer as { destination: string | { id: string } };
  return typeof destination === 'string' ? destination : destination.id;
}

function renderById<K extends Kind>(session: Session, kind: K, id: string): object | undefined {
  const row = session.find(kind, id);
  return row && renderers[kind](session, row);
}

function cannotExpand(path: string): Error {
  return badParameter(`This property cannot be expanded (${path}).`, 'expand');
}
