import type Stripe from 'stripe';
import { type Window, windowStartMs } from './clock';
import type { Row } from './kinds';
import type { Session } from './session';

export interface Spend {
  authorization: string;
  card: Row<'issuing.card'>;
  cardholder: Stripe.Issuing.Cardholder;
  /** What is asked now, and what the authorization already holds. */
  amount: number;
  alreadyHeld: number;
  category: string;
}

interface Limit {
  amount: number;
  interval: string;
  categories: string[];
  scope: 'card' | 'cardholder';
}

/** The limit that a purchase would break, in words, or nothing. The tightest wins because every one must hold. */
export function findBrokenLimit(session: Session, spend: Spend): string | undefined {
  for (const limit of limitsOf(session, spend)) {
    if (limit.categories.length > 0 && !limit.categories.includes(spend.category)) continue;
    const spent = limit.interval === 'per_authorization' ? spend.alreadyHeld : spentSince(session, spend, limit);
    if (spent + spend.amount > limit.amount) return `${limit.scope} limit of ${limit.amount} ${limit.interval}`;
  }
  return undefined;
}

function limitsOf(session: Session, { card, cardholder }: Spend): Limit[] {
  const own = limitsFrom(card.body.spending_controls.spending_limits, 'card');
  const shared = limitsFrom(cardholder.spending_controls?.spending_limits ?? null, 'cardholder');
  const limits: Limit[] = [...own, ...shared];
  const { default_daily_limit: daily, per_authorization_limit: once } = session.settings;
  if (limits.length === 0 && daily > 0)
    limits.push({ amount: daily, interval: 'daily', categories: [], scope: 'card' });
  if (once > 0) limits.push({ amount: once, interval: 'per_authorization', categories: [], scope: 'card' });
  return limits;
}

function limitsFrom(
  limits: { amount: number; interval: string; categories: string[] | null }[] | null,
  scope: Limit['scope'],
): Limit[] {
  return (limits ?? []).map(({ amount, interval, categories }) => ({
    amount,
    interval,
    categories: categories ?? [],
    scope,
  }));
}

function spentSince(session: Session, spend: Spend, limit: Limit): number {
  const since = limit.interval === 'all_time' ? 0 : windowStartMs(limit.interval as Window, session.nowMs);
  const seenUntil = session.nowMs - session.settings.limit_lag_ms;
  const key = limit.scope === 'card' ? 'card_chain' : 'cardholder';
  const owner = limit.scope === 'card' ? spend.card.hidden.chain : spend.cardholder.id;
  const categories = limit.categories.map(() => '?').join(', ');
  const sum = session.db.find<{ amount: number | null }>(
    `select sum(amount) as amount from spending where account = ? and ${key} = ? and at_ms between ? and ?
     ${categories === '' ? '' : `and category in (${categories})`}`,
    ...[session.account, owner, since, seenUntil, ...limit.categories],
  );
  return sum?.amount ?? 0;
}

/** Remembers what was approved; an increment adds to its authorization, a reversal may take back. */
export function countSpending(session: Session, spend: Omit<Spend, 'alreadyHeld'>): void {
  const { changes } = session.db.run(
    'update spending set amount = amount + ? where account = ? and card_chain = ? and authorization = ?',
    ...[spend.amount, session.account, spend.card.hidden.chain, spend.authorization],
  );
  if (changes > 0) return;
  session.db.run(
    'insert into spending values (?, ?, ?, ?, ?, ?, ?)',
    ...[
      spend.authorization,
      session.account,
      spend.card.hidden.chain,
      spend.cardholder.id,
      session.nowMs,
      spend.amount,
      spend.category,
    ],
  );
}
