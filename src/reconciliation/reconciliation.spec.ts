import { StripeBalance } from '../stripe/stripe.types';
import { AccountFigures } from './reconciliation-checks.repository';
import { toCutoff } from './reconciliation.dto';
import { judgeBalances, planCorrection } from './reconciliation.policy';
import { ReconciliationBreak } from './reconciliation.types';

const figures: AccountFigures = {
  currency: 'usd',
  issuingLedgerMinor: 100_00n,
  paymentsLedgerMinor: 0n,
  issuingLinesMinor: 100_00n,
  paymentsExpectedMinor: 0n,
};

function balance(issuing: bigint | null, payments = 0n): StripeBalance {
  return {
    available: new Map([['usd', payments]]),
    pending: new Map(),
    issuingAvailable: issuing === null ? null : new Map([['usd', issuing]]),
  };
}

describe('balances', () => {
  it('agree, or are unknown where Stripe does not tell them', () => {
    expect(judgeBalances([figures], balance(100_00n))).toEqual([]);
    expect(judgeBalances([figures], balance(null))).toEqual([]);
    expect(judgeBalances([], balance(0n))).toEqual([]);
  });

  it('differ when Stripe’s balance is not the sum of its lines', () => {
    expect(judgeBalances([figures], balance(90_00n))).toMatchObject([
      { type: 'balance_differs', key: 'issuing:usd', differenceMinor: -10_00n },
    ]);
    expect(judgeBalances([], balance(5n))).toMatchObject([{ type: 'balance_differs', differenceMinor: 5n }]);
  });

  it('say when cards took more than was there', () => {
    expect(judgeBalances([{ ...figures, issuingLinesMinor: -5n }], balance(-5n))).toMatchObject([
      { type: 'negative_balance', differenceMinor: -5n },
    ]);
  });

  it('miss what a bank payout took of ours, and leave the seller’s own alone', () => {
    const passing = { ...figures, paymentsExpectedMinor: 70_00n };

    expect(judgeBalances([passing], balance(100_00n, 70_00n))).toEqual([]);
    expect(judgeBalances([passing], balance(100_00n, 500_00n))).toEqual([]);
    expect(judgeBalances([passing], balance(100_00n, 20_00n))).toMatchObject([
      { type: 'payments_drained', key: 'payments:usd', differenceMinor: -50_00n },
    ]);
    expect(judgeBalances([figures], balance(100_00n, -30_00n))).toEqual([]);
  });
});

describe('correction', () => {
  const at = new Date('2026-11-21T00:00:00Z');
  const found: ReconciliationBreak = {
    id: 'break_1',
    connectedAccountId: 'seller_1',
    type: 'missing_in_ledger',
    key: 'txn_1',
    status: 'open',
    payoutId: null,
    differenceMinor: -5_00n,
    currency: 'usd',
    evidence: { ledger_account: 'issuing_available:seller_1:usd' },
    proposedAction: '',
    occurredAt: at,
    openedAt: at,
    lastSeenAt: at,
    closedAt: null,
    closedBy: null,
    note: null,
    correction: null,
  };

  it('brings our account to Stripe’s figure and explains its line', () => {
    expect(planCorrection(found, 'seller_receivable')).toEqual({
      kind: 'correction',
      postings: [
        { account: 'issuing_available:seller_1:usd', amountMinor: -5_00n },
        { account: 'seller_receivable:seller_1:usd', amountMinor: 5_00n },
      ],
      balanceTransactionIds: ['txn_1'],
    });
  });

  it('books drained money as a receivable, without a line of its own', () => {
    expect(planCorrection({ ...found, type: 'payments_drained', evidence: {} }, 'seller_receivable')).toMatchObject({
      kind: 'seller_payments_drained',
      postings: [{ account: 'seller_payments:seller_1:usd' }, { account: 'seller_receivable:seller_1:usd' }],
      balanceTransactionIds: [],
    });
  });

  it.each(['missing_at_stripe', 'amount_differs', 'currency_differs', 'duplicate'] as const)(
    'of %s changes the ledger by the difference and speaks for no line',
    (type) => {
      expect(planCorrection({ ...found, type }, 'suspense')).toMatchObject({
        postings: [
          { account: 'issuing_available:seller_1:usd', amountMinor: -5_00n },
          { account: 'suspense:seller_1:usd', amountMinor: 5_00n },
        ],
        balanceTransactionIds: [],
      });
    },
  );

  it('is not possible without an amount of a seller', () => {
    expect(planCorrection({ ...found, differenceMinor: 0n }, 'suspense')).toBeNull();
    expect(planCorrection({ ...found, type: 'stuck_payout', evidence: {} }, 'suspense')).toBeNull();
    expect(planCorrection({ ...found, connectedAccountId: 'platform' }, 'suspense')).toBeNull();
  });
});

describe('cut-off', () => {
  it('takes a day whole and a moment exactly', () => {
    expect(toCutoff('2026-11-30')).toEqual(new Date('2026-12-01T00:00:00Z'));
    expect(toCutoff('2026-11-30T10:00:00Z')).toEqual(new Date('2026-11-30T10:00:00Z'));
  });

  it.each(['2026-11-31', '2026-99-99', 'now', 5, null])('leaves %s to be refused', (value) => {
    expect(toCutoff(value)).toBe(value);
  });
});
