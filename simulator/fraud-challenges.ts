import type Stripe from 'stripe';
import { changeAuthorization } from './authorizations';
import { refused } from './errors';
import type { Row } from './kinds';
import { schedule } from './schedule';
import type { Session } from './session';

type Params = NonNullable<Parameters<Stripe['testHelpers']['issuing']['authorizations']['respond']>[1]>;
type Authorization = Stripe.Issuing.Authorization;

/**
 * After a decline: a message to the cardholder that asks whether the purchase was theirs. Only where the platform has turned
 * fraud challenges on, and one per authorization.
 * @see https://docs.stripe.com/issuing/controls/fraud-challenges
 */
export function sendFraudChallenge(session: Session, row: Row<'issuing.authorization'>): void {
  if (session.settings.fraud_challenges === 'off') return;
  const card = session.get('issuing.card', row.body.card);
  const { phone_number: phone } = session.get('issuing.cardholder', card.body.cardholder).body;
  row.body.fraud_challenges = [
    phone === null
      ? { channel: 'sms', status: 'undeliverable', undeliverable_reason: 'no_phone_number' }
      : { channel: 'sms', status: 'pending', undeliverable_reason: null },
  ];
  if (phone !== null) schedule(session, lapsesAt(session), 'fraud_challenge_expires', { id: row.body.id });
}

/** The cardholder's answer. A purchase they confirm may be tried again, and then fraud controls let it pass. */
export function respondToFraudChallenge(session: Session, params: Params, id: string): Authorization {
  const row = session.get('issuing.authorization', id);
  const challenge = pendingChallenge(row);
  if (!challenge) throw refused('This authorization has no pending fraud challenge to respond to.');
  if (params.confirmed) {
    const card = session.get('issuing.card', row.body.card);
    const { amount, merchant_data: merchant } = row.body;
    const until = lapsesAt(session);
    card.hidden.confirmed_purchases = [
      ...liveConfirmations(session, card),
      { amount, merchant: merchant.network_id, until },
    ];
    session.save(card);
  }
  return changeAuthorization(session, row, () => {
    challenge.status = params.confirmed ? 'verified' : 'rejected';
  });
}

/** Nobody answered the message. */
export function expireFraudChallenge(session: Session, id: string): void {
  const row = session.find('issuing.authorization', id);
  const challenge = row && pendingChallenge(row);
  if (!row || !challenge) return;
  changeAuthorization(session, row, () => {
    challenge.status = 'expired';
  });
}

/** Whether the cardholder has confirmed this very purchase: same card, merchant and amount, not long ago. Good for one try. */
export function takeConfirmation(
  session: Session,
  card: Row<'issuing.card'>,
  purchase: { amount: number; merchant: string },
): boolean {
  const live = liveConfirmations(session, card);
  const match = live.find(({ amount, merchant }) => amount === purchase.amount && merchant === purchase.merchant);
  if (!match) return false;
  card.hidden.confirmed_purchases = live.filter((one) => one !== match);
  session.save(card);
  return true;
}

function liveConfirmations(session: Session, { hidden }: Row<'issuing.card'>) {
  return (hidden.confirmed_purchases ?? []).filter(({ until }) => until > session.nowMs);
}

function pendingChallenge({ body }: Row<'issuing.authorization'>) {
  return body.fraud_challenges?.find(({ status }) => status === 'pending');
}

function lapsesAt(session: Session): number {
  return session.nowMs + session.settings.fraud_challenge_seconds * 1000;
}
