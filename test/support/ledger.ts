import { LedgerVerificationService } from '../../src/ledger/ledger-verification.service';
import { LedgerProblem } from '../../src/ledger/ledger-verification.types';
import { TestApp } from './app';

/** Everything in the ledger is as it must be: entries whole and zero, chains whole, balances what the postings say, terms conserved. */
export async function expectLedgerToBalance({ app, database }: TestApp): Promise<void> {
  const problems: LedgerProblem[] = [];
  await app.get(LedgerVerificationService).verify({ onProblem: (problem) => problems.push(problem) });
  expect(problems).toEqual([]);
  // Once more by a question that shares nothing with the service's own.
  const sums = await database.query(
    `select currency, sum(amount_minor) from postings group by currency having sum(amount_minor) <> 0`,
  );
  expect(sums).toEqual([]);
}
