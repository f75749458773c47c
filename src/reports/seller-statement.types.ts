import { Currency } from '../shared/money';
import { ReportRow } from './report.types';

/** One of the seller's ledger accounts over the month, all its payouts together; a debit is above zero. Minor units. */
export type StatementAccount = Readonly<{
  account: string;
  openingMinor: bigint;
  debitMinor: bigint;
  creditMinor: bigint;
  closingMinor: bigint;
}>;

/**
 * What is promised to a seller and neither paid nor taken back, over one month (UTC). Pages first, then `closing`: it is known once the
 * rows have been read.
 */
export type SellerStatement = Readonly<{
  connectedAccountId: string;
  month: string;
  from: Date;
  to: Date;
  cutoff: Date | null;
  currency: Currency;
  columns: readonly Readonly<{ name: string; type: 'text' | 'minor' | 'time' }>[];
  pages: AsyncIterable<readonly ReportRow[]>;
  closing: () => StatementClosing;
}>;

export type StatementClosing = Readonly<{
  rows: number;
  openingMinor: bigint;
  closingMinor: bigint;
  accounts: readonly StatementAccount[];
  /** The closing balance again, straight from the postings. */
  ledgerMinor: bigint;
  ties: boolean;
}>;
