import { Injectable } from '@nestjs/common';
import { findBrokenLink } from './ledger-chain.policy';
import { isConserved, termsOf } from './ledger-terms.policy';
import { Terms } from './ledger.types';
import { LedgerVerificationRepository, StoredChain } from './ledger-verification.repository';
import { LedgerSealsService } from './ledger-seals.service';
import { LedgerProblem, LedgerVerification, SealMark, VerificationListener } from './ledger-verification.types';

const entriesPerPage = 2_000;
const payoutsPerPage = 200;

/**
 * Proves the stored ledger from its own rows, without trusting what keeps it right while it is written: every entry is whole and
 * sums to zero, every payout's hash chain follows, its balances are what its postings add up to, and nothing that was ever sealed is
 * gone, changed or added to. Reads only; may run beside a working service, page by page.
 */
@Injectable()
export class LedgerVerificationService {
  constructor(
    private readonly repository: LedgerVerificationRepository,
    private readonly seals: LedgerSealsService,
  ) {}

  /** @param expected a seal that was noted outside the database and must still be there */
  async verify(listener: VerificationListener, expected?: SealMark): Promise<LedgerVerification> {
    const rows = await this.repository.size();
    const checked = { entriesChecked: 0, payoutsChecked: 0, sealsChecked: 0 };
    let problemsFound = 0;
    const tell = (problem: LedgerProblem) => {
      problemsFound += 1;
      listener.onProblem(problem);
    };
    const progress = () => {
      const read = checked.entriesChecked + checked.payoutsChecked + checked.sealsChecked;
      listener.onProgress?.({ ...checked, done: Math.min(1, read / Math.max(1, rows)) });
    };

    for (let after = '0'; ;) {
      const page = await this.repository.checkEntries(after, entriesPerPage);
      if (page.lastId === null) break;
      page.problems.forEach(tell);
      checked.entriesChecked += page.checked;
      progress();
      after = page.lastId;
    }
    for (let after = ''; ;) {
      const chains = await this.repository.chains(after, payoutsPerPage);
      for (const chain of chains) for (const what of problemsOf(chain)) tell({ where: chain.payoutId, what });
      checked.payoutsChecked += chains.length;
      progress();
      if (chains.length < payoutsPerPage) break;
      after = chains.at(-1)!.payoutId;
    }
    const { newest, unsealedEntries } = await this.seals.check(
      tell,
      (sealsChecked) => {
        checked.sealsChecked = sealsChecked;
        progress();
      },
      expected,
    );
    return { ...checked, problemsFound, newestSeal: newest, unsealedEntries };
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
