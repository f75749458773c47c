import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Encryption } from '../platform/encryption/encryption.service';
import { Clock } from '../shared/clock';
import { compareManifests, hashOfSeal, SealedFacts, textOfSeal } from './ledger-seal.policy';
import { LedgerSealsRepository, StoredSeal } from './ledger-seals.repository';
import { LedgerProblem, SealMark } from './ledger-verification.types';

const purpose = 'ledger seal';
// Some ninety bytes an entry: a seal is read and written in one piece.
const entriesPerSeal = 1_000;
const sealsPerPage = 10;
const writersPauseMs = 50;
const writersPausesMax = 600;

/** The ledger is being written to by a transaction that does not end; what it writes cannot be sealed yet. */
export class LedgerNeverStill extends Error {
  constructor() {
    super('A transaction has been writing to the ledger for half a minute: nothing is sealed until it ends.');
  }
}

/** What a check of the seals found so far. */
export interface SealsChecked {
  readonly sealsChecked: number;
  readonly newest: SealMark | null;
  /** Posted since the newest seal: only chains and balances speak for these. */
  readonly unsealedEntries: number;
}

/**
 * Signs what is in the ledger, a thousand entries at a time: every entry, so that the head of every chain and every entry outside the
 * chains is under a signature made with a key that is not in the database. Hash chains alone would not tell when somebody who can
 * write every table takes out a whole chain, or the end of one (docs/decisions/0012).
 */
@Injectable()
export class LedgerSealsService {
  constructor(
    private readonly repository: LedgerSealsRepository,
    private readonly encryption: Encryption,
    private readonly clock: Clock,
  ) {}

  /**
   * Seals everything posted since the newest seal. Safe to repeat and to run twice at once; each seal commits by itself.
   * @throws {LedgerNeverStill}
   */
  async sealNew(): Promise<{ entries: number; newest: SealMark | null }> {
    const upTo = await this.settledUpTo();
    let entries = 0;
    for (;;) {
      const last = await this.repository.newest();
      const page = await this.repository.nextManifest(last?.toEntryId ?? '0', upTo, entriesPerSeal);
      if (page === null) return { entries, newest: last && markOf(last) };
      const seal = this.sign({
        number: (last?.number ?? 0) + 1,
        sealedAtText: this.clock.now().toISOString(),
        afterEntryId: last?.toEntryId ?? '0',
        toEntryId: page.toEntryId,
        manifest: page.manifest,
        previousHash: last ? hashOfSeal(last) : '',
      });
      if (await this.repository.insert(seal, page.entryCount)) entries += page.entryCount;
    }
  }

  /**
   * Holds every seal against its signature, its predecessor and the entries as they are now.
   * @param expected a seal that was noted outside the database
   */
  async check(
    onProblem: (problem: LedgerProblem) => void,
    onProgress: (sealsChecked: number) => void,
    expected?: SealMark,
  ): Promise<SealsChecked> {
    let last: StoredSeal | undefined;
    let sealsChecked = 0;
    // A seal whose key is gone is vouched for by a newer one that names it; this is the first that still waits for one.
    let unvouched: StoredSeal | undefined;
    let isExpectedFound = expected === undefined;
    for (;;) {
      const page = await this.repository.withCurrentManifest(last?.number ?? 0, sealsPerPage);
      for (const { seal, manifestNow } of page) {
        const tell = (what: string) => onProblem({ where: `seal ${seal.number} of ${seal.sealedAtText}`, what });
        if (seal.number !== (last?.number ?? 0) + 1) tell(`follows seal ${last?.number ?? 0}: those between are gone`);
        if (seal.previousHash !== (last ? hashOfSeal(last) : '')) tell('does not follow from the seal before it');
        if (seal.afterEntryId !== (last?.toEntryId ?? '0')) tell('does not begin where the seal before it ends');
        switch (this.encryption.checkSignature(purpose, textOfSeal(seal), seal)) {
          case 'valid':
            unvouched = undefined;
            break;
          case 'invalid':
            tell('is not what was signed');
            break;
          case 'unknown_key':
            unvouched ??= seal;
            break;
        }
        for (const { entryId, owner, difference } of compareManifests(seal.manifest, manifestNow)) {
          onProblem({
            where: `entry ${entryId} (${owner})`,
            what: `${saying[difference]} seal ${seal.number} of ${seal.sealedAtText}`,
          });
        }
        if (expected?.number === seal.number) isExpectedFound = expected.hash === hashOfSeal(seal);
        last = seal;
      }
      sealsChecked += page.length;
      onProgress(sealsChecked);
      if (page.length < sealsPerPage) break;
    }
    if (unvouched) {
      onProblem({
        where: `seal ${unvouched.number} of ${unvouched.sealedAtText}`,
        what: `is signed with key ${unvouched.keyId}, which DATA_ENCRYPTION_KEYS does not hold, and no newer seal vouches for it`,
      });
    }
    if (!isExpectedFound) {
      onProblem({ where: `seal ${expected!.number}`, what: 'is gone, or is another than the one that was noted' });
    }
    return {
      sealsChecked,
      newest: last ? markOf(last) : null,
      unsealedEntries: await this.repository.countAfter(last?.toEntryId ?? '0'),
    };
  }

  private sign(facts: Omit<SealedFacts, 'keyId'>): StoredSeal {
    return { ...facts, ...this.encryption.sign(purpose, (keyId) => textOfSeal({ ...facts, keyId })) };
  }

  /**
   * An entry's id is taken before its transaction commits, so a lower id may appear after a higher one. Whoever held a lower id than
   * the newest we see was writing when we saw it: once all who were are done, no entry can appear below it any more. Nobody is made
   * to wait but us.
   */
  private async settledUpTo(): Promise<string> {
    const upTo = await this.repository.newestEntryId();
    const writers = new Set(await this.repository.writers());
    for (let pauses = 0; writers.size > 0; pauses += 1) {
      if (pauses === writersPausesMax) throw new LedgerNeverStill();
      await pause(writersPauseMs);
      const now = new Set(await this.repository.writers());
      for (const writer of writers) if (!now.has(writer)) writers.delete(writer);
    }
    return upTo;
  }
}

const saying = {
  gone: 'is gone; it was sealed by',
  changed: 'is not what was sealed by',
  added: 'was added among the entries of',
} as const;

function markOf(seal: StoredSeal): SealMark {
  return { number: seal.number, hash: hashOfSeal(seal) };
}
