import { StripeBalance } from '../stripe/stripe.types';
import { AccountFigures, Finding } from './reconciliation-checks.repository';

/**
 * What the balances themselves say, beyond their lines. Lines that differ are breaks of their own, so the Issuing balance is held
 * against Stripe's lines, and the lines against the ledger; here remains what no line explains.
 */
export function judgeBalances(figures: readonly AccountFigures[], balance: StripeBalance): Finding[] {
  const findings: Finding[] = [];
  const currencies = new Set<string>([
    ...figures.map((one) => one.currency),
    ...(balance.issuingAvailable?.keys() ?? []),
  ]);
  for (const currency of [...currencies].sort()) {
    const one = figures.find((candidate) => candidate.currency === currency);
    // Absent is unknown, not zero: https://docs.stripe.com/api/balance/balance_object
    if (balance.issuingAvailable !== null) {
      const stripeMinor = balance.issuingAvailable.get(currency) ?? 0n;
      const linesMinor = one?.issuingLinesMinor ?? 0n;
      if (stripeMinor !== linesMinor) {
        findings.push({
          type: 'balance_differs',
          key: `issuing:${currency}`,
          differenceMinor: stripeMinor - linesMinor,
          currency,
          evidence: {
            stripe_minor: Number(stripeMinor),
            stripe_lines_minor: Number(linesMinor),
            ledger_minor: Number(one?.issuingLedgerMinor ?? 0n),
          },
          proposedAction: "Stripe's Issuing balance is not the sum of its own lines: ask Stripe.",
        });
      }
      if (stripeMinor < 0n) {
        findings.push({
          type: 'negative_balance',
          key: `issuing:${currency}`,
          differenceMinor: stripeMinor,
          currency,
          evidence: { stripe_minor: Number(stripeMinor) },
          proposedAction:
            'Cards were charged for more than was there: fund the account, and collect it from the seller.',
        });
      }
    }
    const paymentsMinor = (balance.available.get(currency) ?? 0n) + (balance.pending.get(currency) ?? 0n);
    const expectedMinor = one?.paymentsExpectedMinor ?? 0n;
    // More than ours is the seller's own money.
    if (expectedMinor > 0n && paymentsMinor < expectedMinor) {
      findings.push({
        type: 'payments_drained',
        key: `payments:${currency}`,
        differenceMinor: paymentsMinor - expectedMinor,
        currency,
        evidence: { stripe_minor: Number(paymentsMinor), passing_through_minor: Number(expectedMinor) },
        proposedAction:
          'A bank payout took money that was passing through: book the difference as a receivable (debit seller_receivable, credit seller_payments), and set the account to manual payouts.',
      });
    }
  }
  return findings;
}
