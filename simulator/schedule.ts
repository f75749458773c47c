import type { Session } from './session';

/** What simulated time brings about. The handlers are in jobs.ts. */
export type Job =
  | 'activate_capabilities'
  | 'balance_transaction_available'
  | 'authorization_expires'
  | 'fraud_challenge_expires'
  | 'topup_settles'
  | 'payout_settles'
  | 'automatic_payout'
  | 'dispute_expires';

export function schedule(session: Session, atMs: number, job: Job, payload: Record<string, string>): void {
  session.db.run(
    'insert into due (platform, account, at_ms, job, payload) values (?, ?, ?, ?, ?)',
    ...[session.platform.id, session.account, Math.floor(atMs), job, JSON.stringify(payload)],
  );
  session.db.onCommit(() => session.outside.wakeSchedule());
}

export function unschedule(session: Session, job: Job): void {
  session.db.run(
    'delete from due where platform = ? and account = ? and job = ?',
    ...[session.platform.id, session.account, job],
  );
}
