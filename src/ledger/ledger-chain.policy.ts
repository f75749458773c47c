import { createHash } from 'node:crypto';
import { Posting } from './ledger-account.types';

export interface ChainedEntry {
  readonly sequence: number;
  readonly kind: string;
  readonly sourceId: string;
  /** `2026-11-21T10:00:00.000000Z`: UTC with microseconds, as PostgreSQL keeps it. */
  readonly occurredAtText: string;
  readonly postings: readonly Posting[];
  /** Hex. */
  readonly previousHash: string;
  readonly hash: string;
}

/** The canonical text of an entry; the SQL function `canonical_entry` writes the same. */
export function canonicalEntry(payoutId: string, entry: Omit<ChainedEntry, 'hash'>): string {
  return [
    entry.previousHash,
    payoutId,
    entry.sequence,
    entry.kind,
    entry.sourceId,
    entry.occurredAtText,
    ...entry.postings.map((posting) => `${posting.account}=${posting.amountMinor}`),
  ].join('\n');
}

export function hashOf(payoutId: string, entry: Omit<ChainedEntry, 'hash'>): string {
  return createHash('sha256').update(canonicalEntry(payoutId, entry), 'utf8').digest('hex');
}

/** The sequence of the first entry that does not follow from the one before it, or null when the chain is whole. */
export function findBrokenLink(payoutId: string, entries: readonly ChainedEntry[]): number | null {
  let previousHash = '';
  let sequence = 0;
  for (const entry of entries) {
    sequence += 1;
    const isWhole =
      entry.sequence === sequence && entry.previousHash === previousHash && entry.hash === hashOf(payoutId, entry);
    if (!isWhole) return sequence;
    previousHash = entry.hash;
  }
  return null;
}
