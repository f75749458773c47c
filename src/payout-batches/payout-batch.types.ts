export const batchFormats = ['ndjson', 'csv'] as const;
export type BatchFormat = (typeof batchFormats)[number];

export const batchRowStatuses = ['queued', 'accepted', 'failed'] as const;
/** `queued`: will become a payout; `accepted`: is one; `failed`: was refused, and nothing was promised. */
export type BatchRowStatus = (typeof batchRowStatuses)[number];

export const batchRowsMax = 10_000;
/** The largest file, in bytes. */
export const batchBytesMax = 16 * 1024 * 1024;

/** Many payouts asked for at once. */
export interface PayoutBatch {
  readonly id: string;
  readonly format: BatchFormat;
  readonly rowCount: number;
  readonly contentSha256: Buffer;
  readonly requestedByApiKeyId: string;
  readonly requestedByFamilyId: string;
  readonly createdAt: Date;
  /** Null while rows are queued. */
  readonly completedAt: Date | null;
}

export interface PayoutBatchRow {
  /** From one, in the order of the file; a CSV's header is not counted. */
  readonly number: number;
  readonly reference: string;
  readonly status: BatchRowStatus;
  readonly payoutId: string | null;
  readonly payoutStatus: string | null;
  readonly waitingOn: string | null;
  readonly failure: Readonly<{ code: string; detail: string }> | null;
}

/** How far a batch is: rows by their status, and the payouts they became by theirs. */
export interface BatchProgress {
  readonly rows: Readonly<Record<BatchRowStatus, number>>;
  readonly payouts: Readonly<Record<string, number>>;
}
