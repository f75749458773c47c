import type Stripe from 'stripe';
import { toSeconds } from './clock';
import { newId } from './ids';
import type { Place, Row } from './kinds';
import { answerList, filtersFrom, type ListAnswer } from './lists';
import { emit } from './events';
import { schedule } from './schedule';
import type { Session } from './session';

export type BalanceType = 'issuing' | 'payments';

export interface Movement {
  amount: number;
  currency: string;
  balanceType: BalanceType;
  /** Stripe's own list lacks the two of balance transfers. */
  type: Stripe.BalanceTransaction['type'] | 'balance_transfer_inbound' | 'balance_transfer_outbound';
  source: string | null;
  description?: string | null;
  /** The other end of the money. */
  place: Place;
  /** Later than now: the amount is pending until then. */
  availableAtMs?: number;
  payout?: string;
}

const categories: Record<string, string> = {
  payment: 'charge',
  payment_refund: 'refund',
  transfer_refund: 'transfer_reversal',
  balance_transfer_inbound: 'balance_transfer',
  balance_transfer_outbound: 'balance_transfer',
  reserve_transaction: 'connect_reserved_funds',
};

/** Writes one balance transaction and everything that must move with it. The only way money moves. */
export function move(session: Session, movement: Movement): Stripe.BalanceTransaction {
  const { amount, currency, balanceType, type, source, place } = movement;
  const availableAtMs = movement.availableAtMs ?? session.nowMs;
  const pending = availableAtMs > session.nowMs;
  const transaction = {
    id: newId('txn'),
    object: 'balance_transaction' as const,
    amount,
    available_on: toSeconds(availableAtMs),
    balance_type: balanceType,
    created: session.now,
    currency,
    description: movement.description ?? null,
    exchange_rate: null,
    fee: 0,
    fee_details: [],
    net: amount,
    reporting_category: categories[type] ?? type,
    source,
    status: pending ? 'pending' : 'available',
    type: type,
  };
  session.insert<'balance_transaction'>(transaction, { place, payout: movement.payout ?? null });
  addToBalance(session, currency, balanceType, pending ? 0 : amount, pending ? amount : 0);
  session.db.run(
    `insert into counterparts (account, currency, place, amount) values (?, ?, ?, ?)
     on conflict do update set amount = amount + excluded.amount`,
    ...[session.account, currency, place, -amount],
  );
  if (pending) schedule(session, availableAtMs, 'balance_transaction_available', { id: transaction.id });
  return transaction;
}

function addToBalance(session: Session, currency: string, type: string, available: number, pending: number): void {
  const now = session.db.find<{ available: number }>(
    `insert into balances (account, currency, balance_type, available, pending) values (?, ?, ?, ?, ?)
     on conflict do update set available = available + excluded.available, pending = pending + excluded.pending
     returning available`,
    ...[session.account, currency, type, available, pending],
  );
  if (now && type === 'payments') keepReserve(session, currency, now.available - available, now.available);
}

/**
 * A platform that covers its sellers' losses has as much of its own balance held back as they are below zero. Stripe says so
 * of the payments balance; of a negative Issuing balance it says nothing.
 * @see https://support.stripe.com/questions/reserves-for-connect-platforms-and-connected-accounts
 */
function keepReserve(session: Session, currency: string, before: number, after: number): void {
  const more = Math.max(0, -after) - Math.max(0, -before);
  if (more === 0 || session.isPlatform) return;
  const account = session.objects.find(session.platform.id, 'account', session.account)?.body;
  if (account?.controller?.losses?.payments !== 'application') return;
  move(session.as(session.platform.id), {
    ...{ amount: -more, currency, source: null, description: `Connect reserve for ${session.account}` },
    ...{ balanceType: 'payments', type: 'reserve_transaction', place: 'connect_reserve' },
  });
}

export function makeAvailable(session: Session, id: string): void {
  const row = session.get('balance_transaction', id);
  if (row.body.status !== 'pending') return;
  row.body.status = 'available';
  session.save(row);
  addToBalance(session, row.body.currency, row.body.balance_type, row.body.amount, -row.body.amount);
  emit(session, 'balance.available', renderBalance(session));
}

export function availableIn(session: Session, balanceType: BalanceType, currency: string): number {
  return (
    session.db.find<{ available: number }>(
      'select available from balances where account = ? and currency = ? and balance_type = ?',
      ...[session.account, currency, balanceType],
    )?.available ?? 0
  );
}

interface BalanceRecord {
  currency: string;
  balance_type: BalanceType;
  available: number;
  pending: number;
}

export function renderBalance(session: Session): Stripe.Balance {
  const records = session.db.all<BalanceRecord>(
    'select * from balances where account = ? order by currency',
    session.account,
  );
  const main = mainCurrency(session);
  const payments = withMain(records, 'payments', main);
  return {
    object: 'balance',
    available: payments.map(({ currency, available }) => ({
      amount: available,
      currency,
      source_types: { card: available },
    })),
    connect_reserved: payments.map(({ currency }) => ({ amount: reservedIn(session, currency), currency })),
    issuing: {
      available: withMain(records, 'issuing', main).map(({ currency, available }) => ({ amount: available, currency })),
    },
    livemode: false,
    pending: payments.map(({ currency, pending }) => ({ amount: pending, currency, source_types: { card: pending } })),
  };
}

function reservedIn(session: Session, currency: string): number {
  const sql = "select amount from counterparts where account = ? and currency = ? and place = 'connect_reserve'";
  return session.db.find<{ amount: number }>(sql, session.account, currency)?.amount ?? 0;
}

function withMain(records: BalanceRecord[], type: BalanceType, currency: string): BalanceRecord[] {
  const own = records.filter((record) => record.balance_type === type);
  if (own.some((record) => record.currency === currency)) return own;
  return [{ currency, balance_type: type, available: 0, pending: 0 }, ...own];
}

function mainCurrency(session: Session): string {
  const account = session.objects.find(session.platform.id, 'account', session.account);
  return account?.body.default_currency ?? 'usd';
}

export function listBalanceTransactions(session: Session, params: Stripe.BalanceTransactionListParams): ListAnswer {
  const filters = filtersFrom(params, ['source', 'payout', 'type', 'currency']);
  return answerList(
    session,
    'balance_transaction',
    '/v1/balance_transactions',
    params,
    renderBalanceTransaction,
    filters,
  );
}

export function renderBalanceTransaction(
  _session: Session,
  row: Row<'balance_transaction'>,
): Stripe.BalanceTransaction {
  return row.body;
}
