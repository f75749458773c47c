import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

// Asking the system for each of an id's sixteen characters was a tenth of what a decision took.
const randomness = new Uint8Array(4096);
let randomnessUsed = randomness.length;

function random(): number {
  if (randomnessUsed === randomness.length) {
    randomFillSync(randomness);
    randomnessUsed = 0;
  }
  return randomness[randomnessUsed++]! / 256;
}

// Monotonic: two ids made in the same millisecond still sort in the order they were made, and lists page by id.
const nextUlid = monotonicFactory(random);

/** Prefixes of our own ids. None has a shape Stripe uses (`ic_`, `tr_` …), so the two are never confused. */
export const idPrefixes = {
  payout: 'payout',
  payoutBatch: 'batch',
  storedStripeEvent: 'inbox',
  connectedAccount: 'seller',
  cardholder: 'holder',
  card: 'card',
  cardLink: 'cardlink',
  fundingTransfer: 'fund',
  overspendSettlement: 'settlement',
  authorization: 'auth',
  authorizationRequest: 'authreq',
  cardTransaction: 'cardtx',
  dispute: 'dispute',
  stripeCall: 'call',
  outgoingEvent: 'event',
  webhookEndpoint: 'hook',
  webhookDelivery: 'delivery',
  apiKey: 'key',
  auditEntry: 'audit',
  reconciliationRun: 'run',
  reconciliationBreak: 'break',
  request: 'request',
} as const;

export type IdPrefix = (typeof idPrefixes)[keyof typeof idPrefixes];

/** `payout_01J…`: a prefix and a ULID. Sorts by the time it was made. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${nextUlid()}`;
}
