import { FieldError } from '../shared/domain-error';
import { Currency, formatMoney, majorUnitMinor, money } from '../shared/money';

export const payoutLifetimeMsMax = 370 * 24 * 60 * 60_000;

/** Every rule that a payout request breaks, by field; empty when it may be accepted. Amounts in minor units. */
export function findRequestProblems(
  request: { amountMinor: bigint; currency: Currency; expiresAt: Date },
  limits: { accountCurrency: Currency; amountMinorMax: bigint },
  now: Date,
): FieldError[] {
  const problems: FieldError[] = [];
  const { amountMinor, currency, expiresAt } = request;
  if (currency !== limits.accountCurrency) {
    problems.push({ pointer: '/currency', detail: `must be ${limits.accountCurrency}, the currency of the account` });
  }
  // At most one unit is an account check at the network, which Stripe counts differently (docs/money-map.md).
  if (amountMinor <= majorUnitMinor) {
    problems.push({ pointer: '/amount', detail: `must be more than ${formatMoney(money(majorUnitMinor, currency))}` });
  }
  if (amountMinor > limits.amountMinorMax) {
    const most = formatMoney(money(limits.amountMinorMax, currency));
    problems.push({ pointer: '/amount', detail: `must be at most ${most}, the most one authorization may be` });
  }
  if (expiresAt <= now) problems.push({ pointer: '/expires_at', detail: 'must be in the future' });
  if (expiresAt.getTime() > now.getTime() + payoutLifetimeMsMax) {
    problems.push({ pointer: '/expires_at', detail: 'must be at most 370 days ahead' });
  }
  return problems;
}
