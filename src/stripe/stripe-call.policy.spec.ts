import { checkTransitions } from '../shared/transitions';
import {
  chooseStep,
  idempotencyKeyLifeMs,
  idempotencyKeyTrustMs,
  isPersonal,
  isProvenAbsent,
  isReturning,
  laneOf,
  lookDelayMs,
  retryDelayMs,
} from './stripe-call.policy';
import { stripeCallTransitions } from './stripe-call.transitions';
import { stripeCallKinds } from './stripe-call.types';

const now = new Date('2026-11-21T12:00:00Z');
const ago = (ms: number) => new Date(now.getTime() - ms);
const sent = { kind: 'transfer.create', status: 'sent', sentAt: ago(1_000), mustLook: false } as const;

describe('the next step of a call', () => {
  it('is to send, the first time and again with the same key', () => {
    expect(chooseStep({ ...sent, status: 'intended', sentAt: null }, now)).toBe('send');
    expect(chooseStep(sent, now)).toBe('send');
  });

  it('is to look once Stripe may have forgotten the key', () => {
    expect(chooseStep({ ...sent, sentAt: ago(idempotencyKeyTrustMs) }, now)).toBe('send');
    expect(chooseStep({ ...sent, sentAt: ago(idempotencyKeyTrustMs + 1) }, now)).toBe('look');
  });

  it('is to look when the key holds an error, and as long as the outcome is unknown', () => {
    expect(chooseStep({ ...sent, mustLook: true }, now)).toBe('look');
    expect(chooseStep({ ...sent, status: 'unknown' }, now)).toBe('look');
  });
});

describe('the proof that nothing was made', () => {
  it('takes two looks and a minute for a card', () => {
    const card = { ...sent, kind: 'card.create' } as const;

    expect(isProvenAbsent({ ...card, sentAt: ago(60_000) }, 1, now)).toBe(false);
    expect(isProvenAbsent({ ...card, sentAt: ago(59_999) }, 2, now)).toBe(false);
    expect(isProvenAbsent({ ...card, sentAt: ago(60_000) }, 2, now)).toBe(true);
  });

  it.each(stripeCallKinds.filter((kind) => /transfer|topup|payout/.test(kind)))(
    'takes the whole life of the key for %s, because it moves money',
    (kind) => {
      expect(isProvenAbsent({ ...sent, kind, sentAt: ago(idempotencyKeyLifeMs) }, 2, now)).toBe(false);
      expect(isProvenAbsent({ ...sent, kind, sentAt: ago(idempotencyKeyLifeMs + 60_000) }, 1, now)).toBe(false);
      expect(isProvenAbsent({ ...sent, kind, sentAt: ago(idempotencyKeyLifeMs + 60_000) }, 2, now)).toBe(true);
    },
  );

  it('is not needed for an update: saying the same thing twice is saying it once', () => {
    expect(isProvenAbsent({ ...sent, kind: 'card.update' }, 1, now)).toBe(true);
  });
});

describe('waiting', () => {
  it('doubles up to a limit, half of it by chance', () => {
    expect([1, 2, 3, 4].map((attempts) => retryDelayMs(attempts, 1))).toEqual([500, 1_000, 2_000, 4_000]);
    expect(retryDelayMs(4, 0)).toBe(2_000);
    expect(retryDelayMs(1_000, 1)).toBe(300_000);
    expect(lookDelayMs(1, 1)).toBe(5_000);
    expect(lookDelayMs(1_000, 1)).toBe(900_000);
  });
});

it('has a legal table of moves', () => {
  expect(() => checkTransitions(stripeCallTransitions, 'intended')).not.toThrow();
});

it('knows which calls name a person', () => {
  expect(stripeCallKinds.filter(isPersonal)).toEqual([
    'account.create',
    'account.update',
    'cardholder.create',
    'cardholder.update',
  ]);
});

it('keeps what goes back out of the way of what goes out', () => {
  const out = { source_balance: { type: 'issuing' } };
  const into = { source_balance: { type: 'payments' } };

  expect(isReturning('transfer_reversal.create', {})).toBe(true);
  expect(isReturning('balance_transfer.create', out)).toBe(true);
  expect(isReturning('card.update', { status: 'canceled' })).toBe(true);
  expect(isReturning('balance_transfer.create', into)).toBe(false);
  expect(isReturning('card.update', { status: 'inactive' })).toBe(false);
  expect(isReturning('account.create', null)).toBe(false);
});

describe('the lane of a call', () => {
  const connectedAccountId = 'seller_1';

  it('keeps updates of one object in their order', () => {
    const params = { id: 'ic_1', status: 'inactive' } as const;

    expect(laneOf({ kind: 'card.update', connectedAccountId, params })).toBe('card.update:ic_1');
  });

  it('keeps balance transfers alone, by account and direction', () => {
    const into = { source_balance: { type: 'payments' }, destination_balance: { type: 'issuing' } } as const;
    const out = { source_balance: { type: 'issuing' }, destination_balance: { type: 'payments' } } as const;
    const money = { amount: 1, currency: 'usd' };
    const kind = 'balance_transfer.create';

    expect(laneOf({ kind, connectedAccountId, params: { ...money, ...into } })).toBe('balance_transfer:seller_1:in');
    expect(laneOf({ kind, connectedAccountId, params: { ...money, ...out } })).toBe('balance_transfer:seller_1:out');
  });

  it('is none where order does not matter', () => {
    const params = { amount: 1, currency: 'usd', destination_balance: 'issuing' } as const;

    expect(laneOf({ kind: 'topup.create', connectedAccountId, params })).toBeNull();
  });
});
