import { DomainError, NotFoundError } from '../shared/domain-error';
import { formatMoney, Money } from '../shared/money';
import { LimitStanding } from './payout-limit.types';

/** More than one payout may be. */
export class PayoutAmountLimitExceeded extends DomainError {
  readonly code = 'payout_amount_limit_exceeded';
  readonly status = 422;

  constructor(limit: Money) {
    super(`One payout may be at most ${formatMoney(limit)}.`, [
      { pointer: '/amount', detail: `must be at most ${formatMoney(limit)}`, code: 'limit' },
    ]);
    this.details = { limit: standing('payout', limit, limit.amountMinor, null) };
  }
}

/** More than is left of what may be promised in one UTC day; `limit` in the answer says how much is left and when it renews. */
abstract class DailyLimitExceeded extends DomainError {
  readonly status = 422;

  constructor(whose: string, scope: LimitStanding['scope'], limit: Money, remainingMinor: bigint, renewsAt: Date) {
    const left = formatMoney({ ...limit, amountMinor: remainingMinor });
    super(`${whose} may promise ${formatMoney(limit)} a day (UTC); ${left} is left until ${renewsAt.toISOString()}.`, [
      { pointer: '/amount', detail: `must be at most ${left}`, code: 'limit' },
    ]);
    this.details = { limit: standing(scope, limit, remainingMinor, renewsAt) };
  }
}

export class SellerDailyLimitExceeded extends DailyLimitExceeded {
  readonly code = 'seller_daily_limit_exceeded';

  constructor(limit: Money, remainingMinor: bigint, renewsAt: Date) {
    super('To this seller one', 'seller', limit, remainingMinor, renewsAt);
  }
}

export class KeyDailyLimitExceeded extends DailyLimitExceeded {
  readonly code = 'key_daily_limit_exceeded';

  constructor(limit: Money, remainingMinor: bigint, renewsAt: Date) {
    super('This key', 'key', limit, remainingMinor, renewsAt);
  }
}

export class LabelDailyLimitExceeded extends DailyLimitExceeded {
  readonly code = 'label_daily_limit_exceeded';

  constructor(limit: Money, remainingMinor: bigint, renewsAt: Date) {
    super('Under this label one', 'label', limit, remainingMinor, renewsAt);
  }
}

/** The label has as many payouts that have not ended as it may have. */
export class LabelOpenLimitReached extends DomainError {
  readonly code = 'label_open_limit_reached';
  readonly status = 422;

  constructor(label: string, limit: number) {
    super(
      `The label ${label} may have ${limit} open payouts at a time, and has them. The next one may come when one ends.`,
      [{ pointer: '/label', detail: `has ${limit} open payouts, the most it may have`, code: 'limit' }],
    );
  }
}

export class LabelRetired extends DomainError {
  readonly code = 'label_retired';
  readonly status = 422;

  constructor(label: string) {
    super(`The label ${label} is retired: nothing new is paid under it.`, [
      { pointer: '/label', detail: 'is retired', code: 'retired' },
    ]);
  }
}

export class PayoutLabelNotFound extends NotFoundError {
  constructor(label: string) {
    super('payout_label', label);
  }
}

function standing(
  scope: LimitStanding['scope'],
  limit: Money,
  remainingMinor: bigint,
  renewsAt: Date | null,
): LimitStanding {
  return {
    scope,
    currency: limit.currency,
    limit: Number(limit.amountMinor),
    remaining: Number(remainingMinor),
    renews_at: renewsAt?.toISOString() ?? null,
  };
}
