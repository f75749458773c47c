import { createHash } from 'node:crypto';

/** What a seal says, and is signed for. */
export interface SealedFacts {
  readonly number: number;
  /** ISO 8601 with milliseconds, UTC. */
  readonly sealedAtText: string;
  readonly afterEntryId: string;
  readonly toEntryId: string;
  /** A line per entry, by id: `<id> <payout or seller> <SHA-256>`. */
  readonly manifest: string;
  /** {@link hashOfSeal} of the seal before; empty for the first. */
  readonly previousHash: string;
  readonly keyId: string;
}

/** The canonical text that is signed. */
export function textOfSeal(seal: SealedFacts): string {
  return [
    'disburse ledger seal 1',
    seal.number,
    seal.sealedAtText,
    seal.afterEntryId,
    seal.toEntryId,
    seal.previousHash,
    seal.keyId,
    seal.manifest,
  ].join('\n');
}

/** SHA-256 of a seal's text, hex: what the next seal names, and what may be kept outside the database. */
export function hashOfSeal(seal: SealedFacts): string {
  return createHash('sha256').update(textOfSeal(seal), 'utf8').digest('hex');
}

export interface EntryDifference {
  readonly entryId: string;
  /** The payout it belongs to, or the seller where it belongs to none. */
  readonly owner: string;
  readonly difference: 'gone' | 'changed' | 'added';
}

/** What has become of the entries of a manifest since it was signed, by entry id. */
export function compareManifests(sealed: string, now: string): EntryDifference[] {
  if (sealed === now) return [];
  const [before, after] = [linesOf(sealed), linesOf(now)];
  const differences: EntryDifference[] = [];
  for (const [entryId, { owner, digest }] of before) {
    const found = after.get(entryId);
    if (!found) differences.push({ entryId, owner, difference: 'gone' });
    else if (found.owner !== owner || found.digest !== digest) {
      differences.push({ entryId, owner, difference: 'changed' });
    }
  }
  for (const [entryId, { owner }] of after) {
    if (!before.has(entryId)) differences.push({ entryId, owner, difference: 'added' });
  }
  return differences.sort((a, b) => Number(BigInt(a.entryId) - BigInt(b.entryId)));
}

function linesOf(manifest: string): Map<string, { owner: string; digest: string }> {
  const lines = manifest === '' ? [] : manifest.split('\n');
  return new Map(
    lines.map((line) => {
      const [entryId = '', owner = '', digest = ''] = line.split(' ');
      return [entryId, { owner, digest }];
    }),
  );
}
