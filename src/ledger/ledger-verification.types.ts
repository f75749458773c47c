/** One thing in the ledger that is not as it must be. */
export interface LedgerProblem {
  /** The payout, journal entry or seal it was found at. */
  readonly where: string;
  readonly what: string;
}

/** A seal as it may be noted outside the database. */
export interface SealMark {
  readonly number: number;
  /** SHA-256 of its text, hex. */
  readonly hash: string;
}

export interface VerificationProgress {
  readonly entriesChecked: number;
  readonly payoutsChecked: number;
  readonly sealsChecked: number;
  /** From 0 to 1: rows read, of those there were at the start. */
  readonly done: number;
}

export interface LedgerVerification extends Omit<VerificationProgress, 'done'> {
  readonly problemsFound: number;
  readonly newestSeal: SealMark | null;
  /** Posted since the newest seal: their chains and balances were proven, no signature speaks for them yet. */
  readonly unsealedEntries: number;
}

/** Hears what a verification finds while it runs: a ledger may have more problems than fit in memory. */
export interface VerificationListener {
  onProblem(problem: LedgerProblem): void;
  onProgress?(progress: VerificationProgress): void;
}
