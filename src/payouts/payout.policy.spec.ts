import fc from 'fast-check';
import { cardDeathNewsMs, choosePayoutStep, PayoutFacts, statusAfterHold } from './payout.policy';
import { payoutTransitions } from './payout.transitions';
import { HoldEnd, payoutStatuses } from './payout.types';

const now = new Date('2026-11-21T12:00:00Z');
const later = new Date('2026-11-22T12:00:00Z');
const earlier = new Date('2026-11-20T12:00:00Z');

const pending: PayoutFacts = {
  status: 'pending',
  waitingOn: null,
  retryAt: null,
  expiresAt: later,
  isAccountEligible: true,
  isAccountSuspended: false,
  isCardholderEligible: true,
  isFundingUnderWay: false,
  isReclaimUnderWay: false,
  isFunded: false,
  owedMinor: 250_00n,
  paidMinor: 0n,
  overspentMinor: 0n,
  heldMinor: 0n,
  reclaimingMinor: 0n,
  probeBufferMinor: 0n,
  aftercareMinor: 0n,
  networkHeldMinor: 0n,
  card: null,
  lastReadyCardId: null,
};
const funded: PayoutFacts = { ...pending, status: 'funding', isFunded: true, probeBufferMinor: 1_00n };
const activeCard = { id: 'card_1', status: 'active', isCancelRequested: false, updatedAt: now } as const;
const canceledCard = { id: 'card_1', status: 'canceled', isCancelRequested: true, updatedAt: now } as const;
const settled: PayoutFacts = {
  ...funded,
  status: 'settled',
  owedMinor: 70_00n,
  paidMinor: 180_00n,
  card: canceledCard,
  lastReadyCardId: 'card_1',
};

describe('the next step of a payout', () => {
  it('funds it once the account and the cardholder are eligible', () => {
    expect(choosePayoutStep(pending, now)).toEqual({ do: 'fund' });
    expect(choosePayoutStep({ ...pending, isAccountEligible: false }, now)).toEqual({
      do: 'wait_on',
      reason: 'account_capability',
    });
    expect(choosePayoutStep({ ...pending, isCardholderEligible: false }, now)).toEqual({
      do: 'wait_on',
      reason: 'cardholder_requirement',
    });
  });

  it('waits for funds until its retry is due, and no longer', () => {
    const short = {
      ...pending,
      waitingOn: 'platform_funds',
      retryAt: later,
      expiresAt: new Date('2027-01-01'),
    } as const;

    expect(choosePayoutStep(short, now)).toMatchObject({ do: 'nothing' });
    expect(choosePayoutStep(short, later)).toEqual({ do: 'fund' });
    expect(choosePayoutStep({ ...short, retryAt: null }, now)).toEqual({ do: 'fund' });
  });

  it('never funds a second time while the first transfer is not proven ended', () => {
    expect(choosePayoutStep({ ...pending, isFundingUnderWay: true }, now)).toMatchObject({ do: 'nothing' });
  });

  it('issues a card when the money has arrived, and is ready when the card exists', () => {
    expect(choosePayoutStep({ ...funded, isFundingUnderWay: true }, now)).toMatchObject({ do: 'nothing' });
    expect(choosePayoutStep(funded, now)).toEqual({ do: 'move', to: 'issuing' });
    const issuing = { ...funded, status: 'issuing' } as const;
    expect(choosePayoutStep(issuing, now)).toEqual({ do: 'issue_card' });
    expect(choosePayoutStep({ ...issuing, card: { ...activeCard, status: 'requested' } }, now)).toMatchObject({
      do: 'nothing',
    });
    expect(choosePayoutStep({ ...issuing, card: activeCard }, now)).toEqual({
      do: 'move',
      to: 'ready',
      cardId: 'card_1',
    });
  });

  it('cancels the used card before it issues another', () => {
    const voided: PayoutFacts = { ...funded, status: 'issuing', card: activeCard, lastReadyCardId: 'card_1' };

    expect(choosePayoutStep(voided, now)).toEqual({ do: 'cancel_card', cardId: 'card_1' });
    expect(choosePayoutStep({ ...voided, card: { ...activeCard, isCancelRequested: true } }, now)).toMatchObject({
      do: 'nothing',
    });
    expect(choosePayoutStep({ ...voided, card: canceledCard }, now)).toEqual({ do: 'issue_card' });
  });

  it('replaces a card that died at Stripe without being used', () => {
    const ready: PayoutFacts = { ...funded, status: 'ready', card: canceledCard, lastReadyCardId: 'card_1' };

    expect(choosePayoutStep(ready, now)).toEqual({ do: 'move', to: 'issuing' });
  });

  it('first waits for what the network says of a card that died without our asking', () => {
    const card = { ...canceledCard, isCancelRequested: false };
    const ready: PayoutFacts = { ...funded, status: 'ready', card, lastReadyCardId: 'card_1' };

    expect(choosePayoutStep(ready, now)).toMatchObject({ do: 'nothing' });
    const newsIsDue = new Date(now.getTime() + cardDeathNewsMs);
    expect(choosePayoutStep(ready, newsIsDue)).toEqual({ do: 'move', to: 'issuing' });
  });

  it.each(['pending', 'funding', 'issuing', 'ready'] as const)('expires a %s payout at its second', (status) => {
    const facts = { ...funded, status };

    expect(choosePayoutStep(facts, new Date(later.getTime() - 1))).not.toEqual({ do: 'move', to: 'expired' });
    expect(choosePayoutStep(facts, later)).toEqual({ do: 'move', to: 'expired' });
  });

  it('leaves an authorized payout to the merchant while a hold is open, even past its end', () => {
    const authorized: PayoutFacts = {
      ...funded,
      status: 'authorized',
      expiresAt: earlier,
      owedMinor: 0n,
      heldMinor: 250_00n,
      networkHeldMinor: 250_00n,
    };

    expect(choosePayoutStep(authorized, now)).toMatchObject({ do: 'nothing' });
    expect(choosePayoutStep({ ...authorized, owedMinor: 250_00n, heldMinor: 0n, networkHeldMinor: 0n }, now)).toEqual({
      do: 'move',
      to: 'expired',
    });
  });

  it('brings back what is left, buffer included, once the card is gone', () => {
    expect(choosePayoutStep({ ...settled, card: activeCard }, now)).toEqual({ do: 'cancel_card', cardId: 'card_1' });
    expect(choosePayoutStep(settled, now)).toEqual({
      do: 'reclaim',
      amountMinor: 70_00n,
      bufferMinor: 1_00n,
      aftercareMinor: 0n,
    });
    expect(choosePayoutStep({ ...settled, isReclaimUnderWay: true }, now)).toMatchObject({ do: 'nothing' });
    const empty = { ...settled, owedMinor: 0n, probeBufferMinor: 0n };
    expect(choosePayoutStep(empty, now)).toEqual({ do: 'move', to: 'closed' });
    expect(choosePayoutStep({ ...empty, reclaimingMinor: 70_00n }, now)).toMatchObject({ do: 'nothing' });
  });

  it('keeps the probe buffer for a hold that no promise backs', () => {
    const probed: PayoutFacts = { ...settled, status: 'expired', expiresAt: earlier, networkHeldMinor: 1_00n };

    expect(choosePayoutStep(probed, now)).toMatchObject({ do: 'reclaim', amountMinor: 70_00n, bufferMinor: 0n });
    expect(choosePayoutStep({ ...probed, owedMinor: 0n }, now)).toMatchObject({ do: 'nothing' });
  });

  it('never reclaims beside an open hold before the payout’s end', () => {
    const held: PayoutFacts = { ...settled, heldMinor: 20_00n, networkHeldMinor: 20_00n };

    expect(choosePayoutStep(held, now)).toMatchObject({ do: 'nothing' });
    expect(choosePayoutStep({ ...held, expiresAt: earlier }, now)).toMatchObject({
      do: 'reclaim',
      amountMinor: 70_00n,
    });
  });

  it('simply releases what never moved, but not while money may be on its way', () => {
    const canceled: PayoutFacts = { ...pending, status: 'canceled' };

    expect(choosePayoutStep({ ...canceled, isFundingUnderWay: true }, now)).toMatchObject({ do: 'nothing' });
    expect(choosePayoutStep(canceled, now)).toEqual({ do: 'release' });
    expect(choosePayoutStep({ ...canceled, owedMinor: 0n }, now)).toEqual({ do: 'move', to: 'closed' });
  });

  it('reclaims a refund that came after close, without moving the payout', () => {
    const closed: PayoutFacts = {
      ...settled,
      status: 'closed',
      owedMinor: 0n,
      probeBufferMinor: 0n,
      aftercareMinor: 40_00n,
    };

    expect(choosePayoutStep(closed, now)).toEqual({
      do: 'reclaim',
      amountMinor: 0n,
      bufferMinor: 0n,
      aftercareMinor: 40_00n,
    });
    expect(choosePayoutStep({ ...closed, aftercareMinor: 0n }, now)).toMatchObject({ do: 'nothing' });
  });

  it('covers an overspend at once with money beside the payout, and keeps it there', () => {
    const overspent: PayoutFacts = { ...settled, owedMinor: 0n, paidMinor: 250_00n, overspentMinor: 20_00n };

    expect(choosePayoutStep(overspent, now)).toEqual({ do: 'cover', amountMinor: 19_00n });
    expect(choosePayoutStep({ ...overspent, isFundingUnderWay: true }, now)).toMatchObject({ do: 'nothing' });
    expect(choosePayoutStep({ ...overspent, retryAt: later }, now)).toMatchObject({ do: 'nothing' });
    const covered = { ...overspent, probeBufferMinor: 20_00n };
    expect(choosePayoutStep(covered, now)).toEqual({ do: 'move', to: 'closed' });
    expect(choosePayoutStep({ ...covered, status: 'closed' }, now)).toMatchObject({ do: 'nothing' });
  });

  it('pays an overspend from what is owed again, before anything is moved for it or brought back', () => {
    const owedAgain: PayoutFacts = { ...settled, owedMinor: 60_00n, paidMinor: 40_00n, overspentMinor: 20_00n };

    expect(choosePayoutStep(owedAgain, now)).toEqual({ do: 'settle_overspend', amountMinor: 20_00n });
    expect(choosePayoutStep({ ...owedAgain, overspentMinor: 80_00n }, now)).toMatchObject({ amountMinor: 60_00n });
    expect(choosePayoutStep({ ...owedAgain, retryAt: later }, now)).toMatchObject({ do: 'settle_overspend' });
  });

  it('takes the cover back when a refund has made the overspend good', () => {
    const refunded: PayoutFacts = {
      ...settled,
      status: 'closed',
      owedMinor: 0n,
      probeBufferMinor: 20_00n,
      overspentMinor: 5_00n,
    };

    expect(choosePayoutStep(refunded, now)).toMatchObject({ do: 'reclaim', amountMinor: 0n, bufferMinor: 15_00n });
  });

  it('takes only legal moves, and never takes back more than there is, whatever the facts', () => {
    const amount = fc.bigInt({ min: 0n, max: 1_000_00n });
    const facts = fc.record({
      status: fc.constantFrom(...payoutStatuses),
      waitingOn: fc.constantFrom(null, 'approval', 'platform_funds', 'account_capability'),
      retryAt: fc.constantFrom(null, earlier, later),
      expiresAt: fc.constantFrom(earlier, later),
      isAccountEligible: fc.boolean(),
      isCardholderEligible: fc.boolean(),
      isFundingUnderWay: fc.boolean(),
      isReclaimUnderWay: fc.boolean(),
      isFunded: fc.boolean(),
      owedMinor: amount,
      paidMinor: amount,
      overspentMinor: amount,
      heldMinor: amount,
      reclaimingMinor: amount,
      probeBufferMinor: amount,
      aftercareMinor: amount,
      networkHeldMinor: amount,
      card: fc.constantFrom(null, activeCard, canceledCard, { ...activeCard, status: 'requested' as const }),
      lastReadyCardId: fc.constantFrom(null, 'card_1'),
    });
    fc.assert(
      fc.property(facts, (drawn) => {
        // The network holds at least what of it a promise backs.
        const each = { ...drawn, networkHeldMinor: drawn.networkHeldMinor + drawn.heldMinor } as PayoutFacts;
        const step = choosePayoutStep(each, now);
        if (step.do === 'move') expect(payoutTransitions[each.status]).toContain(step.to);
        if (step.do === 'fund') expect(each.isFundingUnderWay).toBe(false);
        if (step.do === 'reclaim') {
          expect(step.amountMinor <= each.owedMinor && step.bufferMinor <= each.probeBufferMinor).toBe(true);
          expect(step.bufferMinor >= 0n).toBe(true);
        }
        if (step.do === 'release') expect(each.isFunded).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a hold that ends', () => {
  const authorized = { status: 'authorized', networkHeldMinor: 0n, paidMinor: 0n, expiresAt: later } as const;

  it.each([
    ['captured', 'settled'],
    ['voided', 'issuing'],
    ['not_approved', 'ready'],
    ['expired', null],
  ] as [HoldEnd, string | null][])('%s in time leads to %s', (how, to) => {
    expect(statusAfterHold(how, authorized, now)).toBe(to);
  });

  it.each([
    ['captured', 'settled'],
    ['voided', 'expired'],
    ['not_approved', 'expired'],
    ['expired', 'expired'],
  ] as [HoldEnd, string][])('%s past the end leads to %s', (how, to) => {
    expect(statusAfterHold(how, { ...authorized, expiresAt: earlier }, now)).toBe(to);
  });

  it('changes nothing while another hold is open, or when the payout has ended', () => {
    expect(statusAfterHold('captured', { ...authorized, networkHeldMinor: 1n }, now)).toBeNull();
    expect(statusAfterHold('voided', { ...authorized, status: 'closed' }, now)).toBeNull();
  });

  it('settles a payout that was captured in part before the rest was let go', () => {
    expect(statusAfterHold('voided', { ...authorized, paidMinor: 5_00n }, now)).toBe('settled');
  });
});
