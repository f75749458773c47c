import { Injectable } from '@nestjs/common';
import { Database, Tx } from '../platform/database/database';
import { AccountBalance, EntryKind, JournalEntry, PayoutTerms, Statement } from './ledger.types';
import { findBrokenLink } from './ledger-chain.policy';
import { isConserved, termsOf } from './ledger-terms.policy';
import { LedgerRepository } from './ledger.repository';

/**
 * What is true about money. Entries are only ever added; each sums to zero per currency and each fact posts once, which the
 * database enforces. Postings and the payout's terms commit in the caller's transaction.
 */
@Injectable()
export class LedgerService {
  constructor(
    private readonly repository: LedgerRepository,
    private readonly database: Database,
  ) {}

  /**
   * Posts a fact. `posted: false` when this kind and source were posted before for this seller: nothing changed.
   * @throws when the entry does not balance, names no account of the chart, or would make a term of the payout negative
   */
  async post(tx: Tx, entry: JournalEntry): Promise<{ posted: boolean }> {
    return { posted: (await this.repository.post(tx, entry)) !== null };
  }

  /** The same for many facts, in their order and in one statement. */
  async postAll(tx: Tx, entries: readonly JournalEntry[]): Promise<void> {
    await this.repository.postAll(tx, entries);
  }

  async isPosted(tx: Tx, connectedAccountId: string, kind: EntryKind, sourceId: string): Promise<boolean> {
    return (await this.repository.findEntryId(tx, connectedAccountId, kind, sourceId)) !== null;
  }

  /**
   * Says which posted fact explains a line of Stripe's ledger. Answers false when the line was explained before.
   * @throws {Error} when the fact was never posted
   */
  async linkBalanceTransaction(
    tx: Tx,
    link: { connectedAccountId: string; balanceTransactionId: string; kind: EntryKind; sourceId: string },
  ): Promise<boolean> {
    const entryId = await this.repository.findEntryId(tx, link.connectedAccountId, link.kind, link.sourceId);
    if (entryId === null)
      throw new Error(`No entry ${link.kind} ${link.sourceId} of ${link.connectedAccountId} to link to.`);
    return this.repository.link(tx, link.connectedAccountId, link.balanceTransactionId, entryId);
  }

  /** Those of the given lines of Stripe's ledger that an entry explains already. */
  async findMatched(
    tx: Tx,
    connectedAccountId: string,
    balanceTransactionIds: readonly string[],
  ): Promise<Set<string>> {
    return new Set(await this.repository.findMatched(tx, connectedAccountId, balanceTransactionIds));
  }

  /** The payout's terms, its row locked until the transaction ends. @throws {Error} when nothing was ever posted for it */
  async payoutTerms(tx: Tx, payoutId: string): Promise<PayoutTerms> {
    const terms = await this.repository.findTerms(tx, payoutId, true);
    if (!terms) throw new Error(`Nothing was posted for ${payoutId}.`);
    return terms;
  }

  /** The payout's terms as of the last commit, for reading. */
  async findPayoutTerms(payoutId: string): Promise<PayoutTerms | null> {
    return this.repository.findTerms(this.database.reader, payoutId, false);
  }

  /** Terms of many payouts by payout id, for lists. */
  async termsOf(
    payoutIds: readonly string[],
    tx: Tx = this.database.reader,
  ): Promise<ReadonlyMap<string, PayoutTerms>> {
    const terms = await this.repository.findTermsOf(tx, payoutIds);
    return new Map(terms.map((each) => [each.payoutId, each]));
  }

  /** Every account of the chart this seller has postings in, by name without owner. */
  async accountBalances(connectedAccountId: string, tx: Tx = this.database.reader): Promise<AccountBalance[]> {
    return this.repository.accountBalances(tx, connectedAccountId);
  }

  /** Minor units; a debit balance is above zero, so a liability's is below. */
  async accountBalance(tx: Tx, connectedAccountId: string, account: string): Promise<bigint> {
    return this.repository.accountBalance(tx, connectedAccountId, account);
  }

  /** Every entry of a payout in the order of its chain, and what they prove; `at` leaves out what occurred later. */
  async statementOf(payoutId: string, at?: Date): Promise<Statement> {
    const chain = await this.repository.entriesOf(this.database.reader, payoutId);
    const entries = at ? chain.filter((entry) => entry.occurredAt <= at) : chain;
    const terms = termsOf(entries);
    return {
      entries,
      terms,
      isBalanced: isConserved(terms),
      // The whole chain, whatever `at`: a chain is by order of posting, which need not be the order of occurrence.
      brokenAtSequence: findBrokenLink(payoutId, chain),
      chainHead: chain.at(-1)?.hash ?? null,
    };
  }
}
