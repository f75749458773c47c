import fc from 'fast-check';
import {
  isReleaseAwaited,
  kindOfCapture,
  matchRefund,
  shareCapture,
  shareRefund,
  shareRefundReversal,
  SpendingTerms,
} from './card-transaction.policy';
import { Share } from './card-transaction.types';

const amounts = fc.bigInt({ min: 0n, max: 1_000n });
const terms = fc.record<SpendingTerms>({
  owedMinor: amounts,
  paidMinor: amounts,
  overspentMinor: amounts,
  aftercareMinor: amounts,
});

function after(before: SpendingTerms, share: Share): SpendingTerms {
  return {
    owedMinor: before.owedMinor - share.paidMinor,
    paidMinor: before.paidMinor + share.paidMinor,
    overspentMinor: before.overspentMinor + share.overspentMinor,
    aftercareMinor: before.aftercareMinor + share.aftercareMinor,
  };
}

describe('sharing out a card transaction', () => {
  it('takes a capture from the promise, and the rest from the seller', () => {
    const before = { owedMinor: 100n, paidMinor: 0n, overspentMinor: 0n, aftercareMinor: 0n };

    expect(shareCapture(120n, before)).toEqual({ paidMinor: 100n, overspentMinor: 20n, aftercareMinor: 0n });
  });

  it('gives a refund to the seller’s debt, then to the promise, then to aftercare', () => {
    const before = { owedMinor: 0n, paidMinor: 100n, overspentMinor: 20n, aftercareMinor: 0n };

    expect(shareRefund(130n, before, false)).toEqual({ paidMinor: -100n, overspentMinor: -20n, aftercareMinor: 10n });
    expect(shareRefund(130n, before, true)).toEqual({ paidMinor: 0n, overspentMinor: -20n, aftercareMinor: 110n });
  });

  it('never loses a cent nor takes a term below zero', () => {
    fc.assert(
      fc.property(terms, fc.bigInt({ min: 1n, max: 2_000n }), fc.boolean(), (before, amountMinor, isClosed) => {
        for (const [share, left] of [
          [shareCapture(amountMinor, before), amountMinor],
          [shareRefund(amountMinor, before, isClosed), -amountMinor],
          [shareRefundReversal(amountMinor, before), amountMinor],
        ] as const) {
          expect(share.paidMinor + share.overspentMinor - share.aftercareMinor).toBe(left);
          for (const term of Object.values(after(before, share))) expect(term).toBeGreaterThanOrEqual(0n);
        }
      }),
    );
  });

  it('takes a refund back as if it had never been, while its money is still there', () => {
    fc.assert(
      fc.property(terms, fc.bigInt({ min: 1n, max: 500n }), (before, amountMinor) => {
        // Nothing waits to be returned and nothing is owed when the refund comes: then the way back is the way there.
        const clean = { ...before, owedMinor: 0n, aftercareMinor: 0n };
        const refunded = after(clean, shareRefund(amountMinor, clean, false));

        expect(after(refunded, shareRefundReversal(amountMinor, refunded))).toEqual(clean);
      }),
    );
  });
});

describe('what a capture is', () => {
  const open = { approved: true, hasEndedUncaptured: false, amountMinor: 100n };

  it.each([
    ['capture', 100n, open, 0n],
    ['capture', 40n, open, 60n],
    ['over_capture', 41n, open, 60n],
    ['over_capture', 101n, open, 0n],
    ['late_capture', 100n, { ...open, hasEndedUncaptured: true }, 0n],
    ['force_capture', 100n, { ...open, approved: false }, 0n],
    ['force_capture', 100n, null, 0n],
  ] as const)('%s', (kind, amountMinor, authorization, capturedBefore) => {
    expect(kindOfCapture(amountMinor, authorization, capturedBefore)).toBe(kind);
  });
});

describe('matching a refund to its purchase', () => {
  const capture = (id: string, amountMinor: bigint, stripeAuthorizationId: string | null = null) => ({
    id,
    amountMinor: -amountMinor,
    stripeAuthorizationId,
  });
  const refund = (amountMinor: bigint, stripeAuthorizationId: string | null = null) => ({
    amountMinor,
    stripeAuthorizationId,
  });

  it('follows the authorization that Stripe names', () => {
    const captures = [capture('b', 60n, 'iauth_1'), capture('a', 40n, 'iauth_1'), capture('c', 40n, 'iauth_2')];

    expect(matchRefund(refund(40n, 'iauth_1'), captures)).toEqual({ match: 'linked', captureId: 'a' });
    expect(matchRefund(refund(10n, 'iauth_1'), captures)).toEqual({ match: 'linked', captureId: 'b' });
    expect(matchRefund(refund(10n, 'iauth_3'), captures)).toEqual({ match: 'linked', captureId: null });
  });

  it('finds the one purchase of the same amount, or the only one', () => {
    expect(matchRefund(refund(40n), [capture('a', 60n), capture('b', 40n)])).toEqual({
      match: 'matched',
      captureId: 'b',
    });
    expect(matchRefund(refund(10n), [capture('a', 60n)])).toEqual({ match: 'matched', captureId: 'a' });
  });

  it('admits that it does not know', () => {
    expect(matchRefund(refund(40n), [capture('a', 40n), capture('b', 40n)])).toMatchObject({ match: 'unlinked' });
    expect(matchRefund(refund(70n), [capture('a', 60n)])).toMatchObject({ match: 'unlinked' });
    expect(matchRefund(refund(70n), [])).toMatchObject({ match: 'unlinked' });
  });
});

describe('waiting for the release that goes with a capture', () => {
  const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000);
  const release = (seconds: number) => ({ type: 'issuing_authorization_release', createdAt: at(seconds) });
  const hold = { type: 'issuing_authorization_hold', createdAt: at(0) };
  const awaits = (
    over: Partial<{
      amountMinor: bigint;
      owedMinor: bigint;
      heldMinor: bigint;
      lines: (typeof hold)[];
      now: Date;
    }> = {},
  ): boolean => {
    const { amountMinor, owedMinor, heldMinor, lines, now } = {
      ...{ amountMinor: -100n, owedMinor: 0n, heldMinor: 100n, lines: [hold], now: at(101) },
      ...over,
    };
    return isReleaseAwaited({ amountMinor, createdAt: at(100) }, owedMinor, { heldMinor, lines }, now);
  };

  it('waits while nothing was let go of for it', () => {
    expect(awaits()).toBe(true);
    expect(awaits({ lines: [hold, release(20)] })).toBe(true);
  });

  it('does not wait once the release shows, however much is still held', () => {
    expect(awaits({ lines: [hold, release(100)] })).toBe(false);
    expect(awaits({ lines: [hold, release(99)], heldMinor: 1_000n })).toBe(false);
  });

  it('does not wait for what the promise covers, nor for a hold that is gone, nor for a refund', () => {
    expect(awaits({ owedMinor: 100n })).toBe(false);
    expect(awaits({ heldMinor: 0n })).toBe(false);
    expect(awaits({ amountMinor: 100n })).toBe(false);
  });

  it('stops waiting after ten minutes', () => {
    expect(awaits({ now: at(699) })).toBe(true);
    expect(awaits({ now: at(700) })).toBe(false);
  });
});
