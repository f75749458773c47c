import { LedgerSealsRepository } from '../../src/ledger/ledger-seals.repository';
import { LedgerSealsService } from '../../src/ledger/ledger-seals.service';
import { LedgerVerificationRepository } from '../../src/ledger/ledger-verification.repository';
import { LedgerVerificationService } from '../../src/ledger/ledger-verification.service';
import { LedgerProblem } from '../../src/ledger/ledger-verification.types';
import { Config, readConfig } from '../../src/platform/config/config';
import { Database } from '../../src/platform/database/database';
import { Encryption } from '../../src/platform/encryption/encryption.service';
import { TestApp } from './app';
import { TestClock } from './clock';

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

/** What proves and seals a ledger, on any connection, without the application. */
export function ledgerTools(
  database: Pick<Database, 'query'>,
  dataEncryptionKeys: readonly Buffer[] = [Buffer.alloc(32, 7)],
): { verification: LedgerVerificationService; seals: LedgerSealsService } {
  const on = database as Database;
  const encryption = new Encryption(new Config({ ...readConfig({}), dataEncryptionKeys }));
  const seals = new LedgerSealsService(new LedgerSealsRepository(on), encryption, new TestClock());
  return { seals, verification: new LedgerVerificationService(new LedgerVerificationRepository(on), seals) };
}
