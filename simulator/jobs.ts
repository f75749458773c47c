import { activateCapabilities } from './accounts';
import { makeAvailable } from './balance';
import { expireAuthorization } from './captures';
import { expireDispute } from './disputes';
import { expireFraudChallenge } from './fraud-challenges';
import { settlePayout, sweep } from './payouts';
import type { Job } from './schedule';
import type { Session } from './session';
import { settleTopup } from './topups';

type Payload = Record<string, string>;

/** What each scheduled job does when its time has come. */
export const jobs: Record<Job, (session: Session, payload: Payload) => void> = {
  activate_capabilities: (session) => activateCapabilities(session),
  balance_transaction_available: (session, { id }) => makeAvailable(session, id ?? ''),
  authorization_expires: (session, { id }) => {
    const row = session.find('issuing.authorization', id ?? '');
    if (row?.body.approved && row.body.status === 'pending') expireAuthorization(session, {}, row.body.id);
  },
  fraud_challenge_expires: (session, { id }) => expireFraudChallenge(session, id ?? ''),
  topup_settles: (session, { id, failure, message }) => {
    settleTopup(session, id ?? '', failure ? { code: failure, message: message ?? '' } : undefined);
  },
  payout_settles: (session, { id }) => void settlePayout(session, id ?? ''),
  automatic_payout: (session) => sweep(session),
  dispute_expires: (session, { id }) => expireDispute(session, id ?? ''),
};
