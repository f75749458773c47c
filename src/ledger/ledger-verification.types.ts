/** One thing in the ledger that is not as it must be. */
export interface LedgerProblem {
  /** The payout or journal entry it was found at. */
  readonly where: string;
  readonly what: string;
}

export interface VerificationProgress {
  readonly entriesChecked: number;
  readonly payoutsChecked: number;
}

export interface LedgerVerification extends VerificationProgress {
  readonly problemsFound: number;
}

/** Hears what a verification finds while it runs: a ledger may have more problems than fit in memory. */
export interface VerificationListener {
  onProblem(problem: LedgerProblem): void;
  onProgress?(progress: VerificationProgress): void;
}
