import { Injectable } from '@nestjs/common';
import { findBrokenLink } from './ledger-chain.policy';
import { isConserved, termsOf } from './ledger-terms.policy';
import { Terms } from './ledger.types';
import { LedgerVerificationRepository, StoredChain } from './ledger-verification.repository';
import { LedgerVerification, VerificationListener } from './ledger-verification.types';

const entriesPerPage = 2_000;
const payoutsPerPage = 200;

/**
 * Proves the stored ledger from its own rows, without trusting what keeps it right while it is written: every entry is whole and
 * sums to zero, every payout's hash chain follows, and its balances are what its postings add up to. Reads only; may run beside
 * a working service, page by page.
 */
@Injectable()
export class LedgerVerificationService {
  constructor(private readonly repository: LedgerVerificationRepository) {}

  async verify(listener: VerificationListener): Promise<LedgerVerification> {
    let entriesChecked = 0;
    let payoutsChecked = 0;
    let problemsFound = 0;
    const tell = (where: string, what: string) => {
      problemsFound += 1;
      listener.onProblem({ where, what });
    };

    for (let after = '0'; ;) {
      const page = await this.repository.checkEntries(after, entriesPerPage);
      if (page.lastId === null) break;
      for (const { where, what } of page.problems) tell(where, what);
      entriesChecked += page.checked;
      listener.onProgress?.({ entriesChecked, payoutsChecked });
      after = page.lastId;
    }
    for (let after = ''; ;) {
      const chains = await this.repository.chains(after, payoutsPerPage);
      for (const chain of chains) for (const what of problemsOf(chain)) tell(chain.payoutId, what);
      payoutsChecked += chains.length;
      listener.onProgress?.({ entriesChecked, payoutsChecked });
      if (chains.length < payoutsPerPage) break;
      after = chains.at(-1)!.payoutId;
    }
    return { entriesChecked, payoutsChecked, problemsFound };
  }
}

function problemsOf({ payoutId, entries, balances, networkHeldMinor }: StoredChain): string[] {
  const problems: string[] = [];
  const broken = findBrokenLink(payoutId, entries);
  if (broken !== null) problems.push(`the hash chain breaks at sequence ${broken}`);
  const proven = termsOf(entries);
  if (!isConserved(proven)) problems.push(`its postings do not conserve what was accepted: ${say(proven)}`);
  if (balances === null) return [...problems, 'has entries but no row of balances'];

  for (const term of Object.keys(proven) as (keyof Terms)[]) {
    if (balances.terms[term] === proven[term]) continue;
    problems.push(`payout_balances say ${term} ${balances.terms[term]}, the postings ${proven[term]}`);
  }
  if (balances.networkHeldMinor !== networkHeldMinor) {
    problems.push(`payout_balances say network_held ${balances.networkHeldMinor}, the postings ${networkHeldMinor}`);
  }
  // A chain whose last entries were cut off is whole in itself; the balances still name its head.
  const head = entries.at(-1);
  if (balances.lastSequence !== (head?.sequence ?? 0) || balances.lastHash !== (head?.hash ?? '')) {
    problems.push(
      `payout_balances end the chain at sequence ${balances.lastSequence}, the entries at ${head?.sequence ?? 0}`,
    );
  }
  return problems;
}

function say(terms: Terms): string {
  return Object.entries(terms)
    .map(([term, amount]) => `${term} ${amount as bigint}`)
    .join(', ');
}
