import { accounts, Posting } from '../ledger/ledger-account.types';
import { EntryKind } from '../ledger/ledger.types';
import { StripeBalance } from '../stripe/stripe.types';
import { AccountFigures, Finding } from './reconciliation-checks.repository';
import { CorrectionAccount, platformAccount, ReconciliationBreak } from './reconciliation.types';

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

export type Correction = Readonly<{
  kind: EntryKind;
  postings: readonly Posting[];
  balanceTransactionIds: readonly string[];
}>;

/**
 * The entry that brings the mirroring account to Stripe's figure, its other side being `against`; null where no amount differs.
 * A line that had no entry is explained by it.
 */
export function planCorrection(found: ReconciliationBreak, against: CorrectionAccount): Correction | null {
  const { connectedAccountId, currency, differenceMinor, evidence, type } = found;
  if (
    connectedAccountId === platformAccount ||
    currency === null ||
    differenceMinor === null ||
    differenceMinor === 0n
  ) {
    return null;
  }
  const others: Readonly<Record<CorrectionAccount, string>> = {
    suspense: accounts.suspense(connectedAccountId, currency),
    seller_receivable: accounts.sellerReceivable(connectedAccountId, currency),
    stripe_fees: accounts.stripeFees(currency),
    losses: accounts.losses(currency),
  };
  const postingsOn = (account: string): Posting[] => [
    { account, amountMinor: differenceMinor },
    { account: others[against], amountMinor: -differenceMinor },
  ];
  if (type === 'payments_drained') {
    return {
      kind: 'seller_payments_drained',
      postings: postingsOn(accounts.sellerPayments(connectedAccountId, currency)),
      balanceTransactionIds: [],
    };
  }
  const account = evidence['ledger_account'];
  if (typeof account !== 'string') return null;
  switch (type) {
    case 'missing_in_ledger':
      return { kind: 'correction', postings: postingsOn(account), balanceTransactionIds: [found.key] };
    case 'missing_at_stripe':
    case 'amount_differs':
    case 'currency_differs':
    case 'duplicate':
      return { kind: 'correction', postings: postingsOn(account), balanceTransactionIds: [] };
    default:
      return null;
  }
}
