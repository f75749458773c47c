import { IsIn, IsOptional, Matches } from 'class-validator';
import { PageQuery } from '../platform/http/page.dto';
import type { BatchProgress, BatchRowStatus, PayoutBatch, PayoutBatchRow } from './payout-batch.types';
import { batchRowStatuses } from './payout-batch.types';

/** Which rows of a batch to list. */
export class BatchRowsQuery extends PageQuery {
  @IsOptional()
  @IsIn(batchRowStatuses)
  status?: BatchRowStatus;

  /** The number of the last row of the page before. @example "100" */
  @IsOptional()
  @Matches(/^\d{1,6}$/, { message: 'starting_after must be the number of a row' })
  declare starting_after?: string;
}

/** Rows by what became of them. */
export class BatchRowCountsView {
  /** Will become payouts. */
  queued: number;
  /** Are payouts. */
  accepted: number;
  /** Were refused; nothing was promised. */
  failed: number;
}

export class PayoutBatchView {
  /** @example "batch_01J9ZQ4M5N6P7R8S9T0V1W2X3Y" */
  id: string;
  /** `completed` when no row is queued any more. */
  status: 'processing' | 'completed';
  format: 'ndjson' | 'csv';
  row_count: number;
  /** Of the file as it was sent, hex. */
  sha256: string;
  rows: BatchRowCountsView;
  /** The payouts that rows became, counted by their status. @example { "ready": 8, "pending": 2 } */
  payouts: Record<string, number>;
  requested_by: string;
  created_at: string;
  completed_at: string | null;
}

export class PayoutBatchSummaryView {
  id: string;
  status: 'processing' | 'completed';
  format: 'ndjson' | 'csv';
  row_count: number;
  created_at: string;
  completed_at: string | null;
}

/** Why a row was refused at last. */
export class BatchRowFailureView {
  /** Stable; what the route of a single payout would have answered. @example "seller_daily_limit_exceeded" */
  code: string;
  /** A sentence for a person. */
  detail: string;
}

export class PayoutBatchRowView {
  /** From one, in the order of the file; a CSV's header is not counted. */
  row: number;
  reference: string;
  status: 'queued' | 'accepted' | 'failed';
  payout: string | null;
  payout_status: string | null;
  /** What the payout waits for: `approval`, say. */
  waiting_on: string | null;
  failure: BatchRowFailureView | null;
}

/** A label of which all payouts are being changed. */
export class LabelActView {
  /** @example "agent-7" */
  label: string;
  retired_at: string | null;
}

export function toBatchView(batch: PayoutBatch, progress: BatchProgress): PayoutBatchView {
  const { created_at, completed_at, ...summary } = toBatchSummaryView(batch);
  return {
    ...summary,
    sha256: batch.contentSha256.toString('hex'),
    rows: progress.rows,
    payouts: progress.payouts,
    requested_by: batch.requestedByApiKeyId,
    created_at,
    completed_at,
  };
}

export function toBatchSummaryView(batch: PayoutBatch): PayoutBatchSummaryView {
  return {
    id: batch.id,
    status: batch.completedAt ? 'completed' : 'processing',
    format: batch.format,
    row_count: batch.rowCount,
    created_at: batch.createdAt.toISOString(),
    completed_at: batch.completedAt?.toISOString() ?? null,
  };
}

export function toBatchRowView(row: PayoutBatchRow): PayoutBatchRowView {
  return {
    row: row.number,
    reference: row.reference,
    status: row.status,
    payout: row.payoutId,
    payout_status: row.payoutStatus,
    waiting_on: row.waitingOn,
    failure: row.failure,
  };
}
