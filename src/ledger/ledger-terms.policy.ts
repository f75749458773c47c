import { Posting } from './ledger-account.types';
import { Terms } from './ledger.types';

/** Adds a payout's postings up to its terms: what `payout_balances` must say too. */
export function termsOf(entries: readonly { kind: string; postings: readonly Posting[] }[]): Terms {
  const terms: Terms = {
    accepted: 0n,
    owed: 0n,
    held: 0n,
    reclaiming: 0n,
    paid: 0n,
    reclaimed: 0n,
    released: 0n,
    overspent: 0n,
    probeBuffer: 0n,
    aftercare: 0n,
  };
  for (const { kind, postings } of entries) {
    const change = (name: string) =>
      postings
        .filter((posting) => posting.account.startsWith(`${name}:`))
        .reduce((sum, posting) => sum + posting.amountMinor, 0n);
    const owed = -change('payout_owed');
    const held = -change('payout_held');
    const reclaiming = -change('payout_reclaiming');
    const promised = owed + held + reclaiming;
    terms.owed += owed;
    terms.held += held;
    terms.reclaiming += reclaiming;
    terms.probeBuffer -= change('probe_buffer');
    terms.aftercare -= change('aftercare');
    terms.overspent += change('seller_receivable');
    // What left the promise, or came into it, is named by the kind of fact.
    if (kind === 'payout_accepted') terms.accepted += promised;
    else if (kind === 'payout_released') terms.released -= promised;
    else if (kind === 'reclaim_done') terms.reclaimed -= promised;
    else terms.paid -= promised;
  }
  return terms;
}

/** accepted = owed + held + reclaiming + paid + reclaimed + released, each at least zero. */
export function isConserved(terms: Terms): boolean {
  return (
    Object.values(terms).every((term: bigint) => term >= 0n) &&
    terms.accepted === terms.owed + terms.held + terms.reclaiming + terms.paid + terms.reclaimed + terms.released
  );
}
