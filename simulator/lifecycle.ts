import { changeCard } from './cards';
import type { Row } from './kinds';
import type { Session } from './session';

/** One major unit of the card's currency: what Stripe's page calls 1 USD. Its rule for other currencies is not published. */
export const probeMax = 100;

/** Whether another small authorization is still allowed: only as many as payments, until they are captured. */
export function allowsProbe(card: Row<'issuing.card'>): boolean {
  const count = card.body.lifecycle_controls?.cancel_after.payment_count;
  return count === undefined || card.hidden.probes.length < count;
}

/** Approved: above one unit it is a payment, at or below it a probe that counts once captured. */
export function countApproval(session: Session, card: Row<'issuing.card'>, authorization: string, total: number): void {
  if (!card.body.lifecycle_controls) return;
  if (total > probeMax) countPayment(session, card, authorization);
  else if (!isKnown(card, authorization)) {
    card.hidden.probes.push(authorization);
    session.save(card);
  }
}

/** Counts an authorization once, or a force post; at the limit the card cancels itself. */
export function countPayment(session: Session, card: Row<'issuing.card'>, source: string): void {
  const { hidden } = card;
  const count = card.body.lifecycle_controls?.cancel_after.payment_count;
  if (count === undefined) return;
  if (!hidden.payments_counted.includes(source)) {
    hidden.probes = hidden.probes.filter((id) => id !== source);
    hidden.payments_counted.push(source);
    session.save(card);
  }
  if (hidden.payments_counted.length < count || card.body.status === 'canceled') return;
  changeCard(session, card, () => {
    card.body.status = 'canceled';
    hidden.canceled_by_lifecycle = true;
  });
}

function isKnown({ hidden }: Row<'issuing.card'>, authorization: string): boolean {
  return hidden.probes.includes(authorization) || hidden.payments_counted.includes(authorization);
}
