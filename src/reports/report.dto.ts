import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsDate, IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import type { PayoutStatus } from '../payouts/payout.types';
import { payoutStatuses } from '../payouts/payout.types';
import type { ReportFormat, ReportName } from './report.types';
import { reportFormats } from './report.types';

const dayShape = /^\d{4}-\d{2}-\d{2}$/;
const momentShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const dayMs = 24 * 60 * 60 * 1_000;

/** A moment, or a day in UTC: its first moment, or with `end` the first one after it. Anything else is left for the validator to refuse. */
export function toMoment(value: unknown, edge: 'start' | 'end'): unknown {
  if (typeof value !== 'string') return value;
  if (!dayShape.test(value)) return momentShape.test(value) ? new Date(value) : value;
  const day = new Date(`${value}T00:00:00Z`);
  // The parser takes the 31st of November for the 1st of December, or refuses.
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(value)) return value;
  return edge === 'start' ? day : new Date(day.getTime() + dayMs);
}

/** Rows whose columns are those of the CSV. */
const ApiRows = () =>
  ApiProperty({
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: {
        anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'boolean' }, { type: 'null' as 'string' }],
      },
    },
  });

/** The sums of a report and, beside them, the same taken from the postings themselves. */
export class ReportSummaryView {
  rows: number;
  /** By currency, then by column; minor units. */
  totals: Record<string, Record<string, number>>;
  ledger: Record<string, Record<string, number>>;
  /** Both say the same. */
  ties: boolean;
}

/** A report as JSON. The columns of its rows are those of its CSV. */
export class ReportView {
  object: 'report';
  name: ReportName;
  from: string | null;
  to: string | null;
  cutoff: string | null;
  connected_account: string | null;
  status: PayoutStatus | null;
  label: string | null;
  @ApiRows()
  data: Record<string, string | number | boolean | null>[];
  summary: ReportSummaryView;
}

/** One ledger account of the seller over the month; minor units. */
export class SellerStatementAccountView {
  account: string;
  opening: number;
  debit: number;
  credit: number;
  closing: number;
}

export class SellerStatementLedgerView {
  closing_balance: number;
}

/** A seller's month as JSON. */
export class SellerStatementView {
  object: 'seller_statement';
  connected_account: string;
  /** @example "2026-11" */
  month: string;
  currency: string;
  from: string;
  to: string;
  cutoff: string | null;
  @ApiRows()
  data: Record<string, string | number | boolean | null>[];
  /** How many rows. */
  movements: number;
  opening_balance: number;
  closing_balance: number;
  /** The same taken from the postings themselves. */
  ledger: SellerStatementLedgerView;
  /** Both say the same. */
  ties: boolean;
  accounts: SellerStatementAccountView[];
}

export class ReportQuery {
  /** First moment of the period: ISO 8601, or a day (UTC). Absent: from the beginning. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => toMoment(value, 'start'))
  @IsDate({ message: 'from must be an ISO 8601 moment or a day' })
  from?: Date;

  /** End of the period, exclusive; a day is included whole. Absent: everything. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => toMoment(value, 'end'))
  @IsDate({ message: 'to must be an ISO 8601 moment or a day' })
  to?: Date;

  /** Leaves out what was written at or after this moment, so that a report can be made again later. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => toMoment(value, 'end'))
  @IsDate({ message: 'cutoff must be an ISO 8601 moment or a day' })
  cutoff?: Date;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  /** Only what belongs to payouts of this status: that of now, or with `cutoff` that of then. */
  @IsOptional()
  @IsIn(payoutStatuses)
  status?: PayoutStatus;

  /** Only what belongs to payouts that carry this label. @example "agent-7" */
  @IsOptional()
  @IsString()
  @MaxLength(64)
  label?: string;

  /** `json` (default) or `csv`. */
  @IsOptional()
  @IsIn(reportFormats)
  format?: ReportFormat;
}

const monthShape = /^\d{4}-(0[1-9]|1[0-2])$/;

/** The first moments (UTC) of a month and of the one after it. */
export function toMonth(month: string): { from: Date; to: Date } {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return { from: new Date(Date.UTC(year, number - 1)), to: new Date(Date.UTC(year, number)) };
}

export class StatementQuery {
  /** `2026-11`, in UTC. */
  @Matches(monthShape, { message: 'month must be a month like 2026-11' })
  month: string;

  /** Leaves out what was written at or after this moment, so that a statement can be made again later. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => toMoment(value, 'end'))
  @IsDate({ message: 'cutoff must be an ISO 8601 moment or a day' })
  cutoff?: Date;

  /** `json` (default) or `csv`. */
  @IsOptional()
  @IsIn(reportFormats)
  format?: ReportFormat;
}
