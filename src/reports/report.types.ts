import { PayoutStatus } from '../payouts/payout.types';

export const reportNames = [
  'settlement',
  'unspent',
  'reclaims',
  'authorizations',
  'ledger',
  'funding',
  'journal',
] as const;
export type ReportName = (typeof reportNames)[number];

export const reportFormats = ['json', 'csv'] as const;
export type ReportFormat = (typeof reportFormats)[number];

/** Which rows: `from` inclusive and `to` exclusive by occurrence; `cutoff` exclusive by when we wrote it. Null: no bound. */
export type ReportPeriod = Readonly<{
  from: Date | null;
  to: Date | null;
  cutoff: Date | null;
  connectedAccountId: string | null;
  /** Only what belongs to payouts of this status: that of now, or with a `cutoff` that of then. */
  payoutStatus: PayoutStatus | null;
  /** Only what belongs to payouts that carry this label; a label never changes. */
  label: string | null;
}>;

/**
 * `minor` is an amount in minor units, and so is `major`, which CSV writes in major units (12.50); `time` is ISO 8601 in UTC. All come
 * from the database as text, exactly.
 */
export type ColumnType = 'text' | 'minor' | 'major' | 'count' | 'flag' | 'time';

export type ReportRow = Readonly<Record<string, string | null>>;

/** Sums by currency, then by column. */
export type Totals = Readonly<Record<string, Readonly<Record<string, bigint>>>>;

export type ReportSummary = Readonly<{
  rows: number;
  totals: Totals;
  /** The same sums taken from the postings themselves. */
  ledger: Totals;
  ties: boolean;
}>;

export type Report = Readonly<{
  name: ReportName;
  period: ReportPeriod;
  /** Pages of rows in a fixed order, read as the consumer takes them; the summary once they are all read. */
  pages: AsyncIterable<readonly ReportRow[]>;
  summary: () => Promise<ReportSummary>;
  columns: readonly Readonly<{ name: string; type: ColumnType }>[];
}>;
