import fc from 'fast-check';
import { inOrder, isFinal, nextDisputeStatus, shareDisputeLine } from './dispute.policy';
import { disputeStatuses } from './dispute.types';

describe('what a dispute has come to', () => {
  it('takes the first word of Stripe, whatever it is', () => {
    for (const told of disputeStatuses) expect(nextDisputeStatus(null, told)).toBe(told);
  });

  it('never forgets an outcome, nor that it was submitted', () => {
    expect(nextDisputeStatus('won', 'submitted')).toBe('won');
    expect(nextDisputeStatus('lost', 'unsubmitted')).toBe('lost');
    expect(nextDisputeStatus('submitted', 'unsubmitted')).toBe('submitted');
    expect(nextDisputeStatus('unsubmitted', 'submitted')).toBe('submitted');
  });

  it('lets Stripe correct an outcome by another', () => {
    expect(nextDisputeStatus('lost', 'won')).toBe('won');
    expect(nextDisputeStatus('won', 'lost')).toBe('lost');
  });

  it('refuses a word nobody knows', () => {
    expect(() => nextDisputeStatus(null, 'settled_out_of_court')).toThrow('nobody here knows');
  });

  it('ends the same in whatever order a story is told, unless it has two ends', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(['unsubmitted', 'submitted', 'won'] as const, { minLength: 3 }), (told) => {
        const end = told.reduce<Parameters<typeof nextDisputeStatus>[0]>(
          (known, each) => nextDisputeStatus(known, each),
          null,
        );
        expect(end).toBe('won');
      }),
    );
  });

  it('is over when it is won, lost or expired', () => {
    expect(disputeStatuses.filter(isFinal)).toEqual(['won', 'lost', 'expired']);
  });
});

describe('where the money of a dispute goes', () => {
  const provisional = (netMinor: bigint) => ({ type: 'issuing_dispute_provisional_credit', netMinor });

  it('keeps a provisional credit apart', () => {
    expect(shareDisputeLine(provisional(100n), 0n)).toEqual({ provisionalMinor: 100n, returnedMinor: 0n });
  });

  it('takes it back from there, and what is more from what came back for good', () => {
    expect(shareDisputeLine(provisional(-60n), 100n)).toEqual({ provisionalMinor: -60n, returnedMinor: 0n });
    expect(shareDisputeLine(provisional(-100n), 40n)).toEqual({ provisionalMinor: -40n, returnedMinor: -60n });
  });

  it('gives for good what is not called provisional', () => {
    expect(shareDisputeLine({ type: 'issuing_dispute', netMinor: 80n }, 100n)).toEqual({
      provisionalMinor: 0n,
      returnedMinor: 80n,
    });
  });

  it('never has less than nothing provisional, and loses nothing of any line', () => {
    const line = fc.record({
      type: fc.constantFrom('issuing_dispute_provisional_credit', 'issuing_dispute'),
      netMinor: fc.bigInt({ min: -50n, max: 50n }),
    });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
        let held = 0n;
        for (const each of lines) {
          const { provisionalMinor, returnedMinor } = shareDisputeLine(each, held);
          held += provisionalMinor;
          expect(held).toBeGreaterThanOrEqual(0n);
          expect(provisionalMinor + returnedMinor).toBe(each.netMinor);
        }
      }),
    );
  });

  it('books the oldest line first, and of one second what is given before what is taken back', () => {
    const at = (second: number, netMinor: bigint) => ({ createdAt: new Date(second * 1_000), netMinor });

    expect(inOrder([at(2, 5n), at(1, -100n), at(1, 100n)])).toEqual([at(1, 100n), at(1, -100n), at(2, 5n)]);
  });
});
