import fc from 'fast-check';
import { checkTransitions } from '../shared/transitions';
import { StripeBalanceTransaction } from '../stripe/stripe.types';
import {
  findArrivalLine,
  HopFacts,
  nameReturnFailure,
  nextArrivalCheckAt,
  nextCheckAt,
  nextStep,
  planReversals,
  returnableMinor,
  splitReturn,
  totalMinorOf,
} from './funding-transfer.policy';
import { fundingTransferTransitions } from './funding-transfer.transitions';
import { FundingHopKind } from './funding-transfer.types';

const minor = fc.bigInt({ min: 0n, max: 10n ** 9n });
const route: readonly FundingHopKind[] = ['transfer', 'balance_transfer'];
const wayBack: readonly FundingHopKind[] = ['balance_transfer', 'transfer_reversal'];
const outward = { direction: 'out', totalMinor: 251_00n, returnedMinor: 0n } as const;
const reclaim = { direction: 'in', totalMinor: 71_00n, returnedMinor: 0n } as const;
const hop = (kind: FundingHopKind, status: HopFacts['status']): HopFacts => ({ kind, status });

it('has a table in which every status can be reached', () => {
  expect(() => checkTransitions(fundingTransferTransitions, 'pending')).not.toThrow();
});

describe('nextStep', () => {
  it('goes hop by hop and settles at the end', () => {
    expect(nextStep(outward, route, [])).toEqual({ step: 'call', kind: 'transfer' });
    expect(nextStep(outward, route, [hop('transfer', 'intended')])).toEqual({ step: 'wait', until: 'outcome' });
    expect(nextStep(outward, route, [hop('transfer', 'done')])).toEqual({ step: 'call', kind: 'balance_transfer' });
    expect(nextStep(outward, route, [hop('transfer', 'done'), hop('balance_transfer', 'accepted')])).toEqual({
      step: 'wait',
      until: 'arrival',
    });
    expect(nextStep(outward, route, [hop('transfer', 'done'), hop('balance_transfer', 'done')])).toEqual({
      step: 'settle',
    });
  });

  it('fails when the first hop is refused, and takes the money back when a later one is', () => {
    const refused = [hop('transfer', 'done'), hop('balance_transfer', 'failed')];
    expect(nextStep(outward, route, [hop('transfer', 'failed')])).toEqual({ step: 'fail' });
    expect(nextStep(outward, route, refused)).toEqual({ step: 'reverse', leftMinor: 251_00n, isRetry: false });
    expect(
      nextStep({ ...outward, returnedMinor: 251_00n }, route, [...refused, hop('transfer_reversal', 'done')]),
    ).toEqual({
      step: 'returned',
    });
  });

  it('never acts while the outcome of a call is unknown', () => {
    for (const status of ['intended', 'unknown'] as const) {
      expect(nextStep(outward, route, [hop('transfer', 'done'), hop('balance_transfer', status)]).step).toBe('wait');
      expect(nextStep(reclaim, wayBack, [hop('balance_transfer', 'done'), hop('transfer_reversal', status)]).step).toBe(
        'wait',
      );
    }
  });

  it('knows a return that Stripe refused before', () => {
    const hops = [
      hop('balance_transfer', 'done'),
      hop('transfer_reversal', 'done'),
      hop('transfer_reversal', 'failed'),
    ];

    expect(nextStep({ ...reclaim, returnedMinor: 20_00n }, wayBack, hops)).toEqual({
      step: 'reverse',
      leftMinor: 51_00n,
      isRetry: true,
    });
  });

  it('settles a reclaim only when all of it is back', () => {
    fc.assert(
      fc.property(minor, minor, (totalMinor, returnedMinor) => {
        fc.pre(returnedMinor <= totalMinor);
        const step = nextStep({ direction: 'in', totalMinor, returnedMinor }, wayBack, [
          hop('balance_transfer', 'done'),
        ]);
        expect(step.step === 'settle').toBe(returnedMinor === totalMinor);
      }),
    );
  });
});

describe('planReversals', () => {
  const transfers = fc.array(minor, { maxLength: 6 }).map((lefts) =>
    lefts.map((leftMinor, position) => ({
      fundingTransferId: `fund_${position}`,
      stripeTransferId: `tr_${position}`,
      leftMinor,
    })),
  );

  it('takes exactly what is needed, and never more than is left of a transfer', () => {
    fc.assert(
      fc.property(transfers, minor, (outwardTransfers, neededMinor) => {
        const { reversals, missingMinor } = planReversals(outwardTransfers, neededMinor);

        const taken = reversals.reduce((sum, reversal) => sum + reversal.amountMinor, 0n);
        const left = new Map(outwardTransfers.map((transfer) => [transfer.fundingTransferId, transfer.leftMinor]));
        expect(taken + missingMinor).toBe(neededMinor);
        expect(new Set(reversals.map((reversal) => reversal.fundingTransferId)).size).toBe(reversals.length);
        for (const reversal of reversals) {
          expect(reversal.amountMinor).toBeGreaterThan(0n);
          expect(reversal.amountMinor).toBeLessThanOrEqual(left.get(reversal.fundingTransferId)!);
        }
        if (missingMinor > 0n) expect(taken).toBe([...left.values()].reduce((sum, leftMinor) => sum + leftMinor, 0n));
      }),
    );
  });
});

describe('splitReturn', () => {
  it('adds up to the parts, whatever the pieces', () => {
    fc.assert(
      fc.property(
        minor,
        minor,
        minor,
        fc.array(fc.integer({ min: 1, max: 1000 }), { maxLength: 8 }),
        (a, b, c, weights) => {
          const parts = { amountMinor: a, aftercareMinor: b, bufferMinor: c };
          const total = totalMinorOf(parts);
          const sum = { amountMinor: 0n, aftercareMinor: 0n, bufferMinor: 0n };
          let returned = 0n;

          for (const weight of [...weights, 1000]) {
            const piece = weight === 1000 ? total - returned : ((total - returned) * BigInt(weight)) / 1000n;
            const split = splitReturn(parts, returned, piece);
            expect(totalMinorOf(split)).toBe(piece);
            sum.amountMinor += split.amountMinor;
            sum.aftercareMinor += split.aftercareMinor;
            sum.bufferMinor += split.bufferMinor;
            returned += piece;
          }

          expect(sum).toEqual(parts);
        },
      ),
    );
  });
});

describe('returnableMinor', () => {
  it('never takes what passes through for someone else, nor more than is needed', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -1000n, max: 1000n }),
        fc.bigInt({ min: 0n, max: 1000n }),
        fc.bigInt({ min: 0n, max: 1000n }),
        (available, others, left) => {
          const taken = returnableMinor(available, others, left);
          expect(taken).toBeGreaterThanOrEqual(0n);
          expect(taken).toBeLessThanOrEqual(left);
          if (taken > 0n) expect(available - taken).toBeGreaterThanOrEqual(others);
        },
      ),
    );
  });
});

it('asks again ever less often, at least once an hour', () => {
  const now = new Date('2026-11-02T10:00:00Z');
  const delays = Array.from({ length: 30 }, (_, attempts) => nextCheckAt(attempts, now).getTime() - now.getTime());

  expect(delays[0]).toBe(30_000);
  expect(delays.every((delay, position) => position === 0 || delay >= delays[position - 1]!)).toBe(true);
  expect(delays.at(-1)).toBe(3_600_000);
});

it('looks for an arrival when Stripe expects it, but trusts its clock for some hours only', () => {
  const now = new Date('2026-11-02T10:00:00Z');
  const inHours = (hours: number) => new Date(now.getTime() + hours * 3_600_000);

  expect(nextArrivalCheckAt(0, null, now)).toEqual(nextCheckAt(0, now));
  expect(nextArrivalCheckAt(0, inHours(-2), now)).toEqual(nextCheckAt(0, now));
  expect(nextArrivalCheckAt(0, inHours(2), now)).toEqual(new Date(inHours(2).getTime() + 60_000));
  expect(nextArrivalCheckAt(0, inHours(72), now)).toEqual(inHours(6));
});

describe('findArrivalLine', () => {
  const line = (changes: Partial<StripeBalanceTransaction>): StripeBalanceTransaction => ({
    balanceTransactionId: 'txn_1',
    type: 'balance_transfer_inbound',
    balanceType: 'issuing',
    amountMinor: 100n,
    feeMinor: 0n,
    netMinor: 100n,
    currency: 'usd',
    status: 'available',
    reportingCategory: 'balance_transfer',
    sourceId: null,
    createdAt: new Date('2026-11-02T10:00:00Z'),
    availableOn: new Date('2026-11-02T10:00:00Z'),
    ...changes,
  });
  const wanted = { balanceType: 'issuing', amountMinor: 100n, sourceId: 'btr_mine' } as const;

  it('takes the line that names the transfer, else an unnamed one of the same balance and amount', () => {
    const unnamed = line({ balanceTransactionId: 'txn_unnamed' });
    const named = line({ balanceTransactionId: 'txn_named', sourceId: 'btr_mine' });

    expect(findArrivalLine([unnamed, named], wanted)).toBe(named);
    expect(findArrivalLine([unnamed], wanted)).toBe(unnamed);
  });

  it('takes no line of another transfer, balance, amount or kind', () => {
    const others = [
      line({ sourceId: 'btr_another' }),
      line({ balanceType: 'payments' }),
      line({ netMinor: 99n }),
      line({ type: 'topup' }),
    ];

    expect(findArrivalLine(others, wanted)).toBeNull();
  });
});

it('says that the balance in the middle was drained', () => {
  expect(nameReturnFailure({ code: 'balance_insufficient', detail: 'x' }).code).toBe('seller_payments_drained');
  expect(nameReturnFailure({ code: 'account_invalid', detail: 'x' })).toEqual({ code: 'account_invalid', detail: 'x' });
});
