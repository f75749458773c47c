import { Transform } from 'class-transformer';
import { IsDate, IsIn, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { PageQuery } from '../platform/http/page.dto';
import type {
  BreakStatus,
  BreakType,
  CorrectionAccount,
  ReconciliationBreak,
  ReconciliationRun,
  RunAccount,
} from './reconciliation.types';
import { breakStatuses, breakTypes, correctionAccounts } from './reconciliation.types';

const dayShape = /^\d{4}-\d{2}-\d{2}$/;
const momentShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const dayMs = 24 * 60 * 60 * 1_000;

/** A moment, or the end of a day in UTC: `2026-11-30` means everything of that day. Anything else is left for the validator to refuse. */
export function toCutoff(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (dayShape.test(value)) {
    const day = new Date(`${value}T00:00:00Z`);
    // The parser takes the 31st of November for the 1st of December, or refuses.
    return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value)
      ? new Date(day.getTime() + dayMs)
      : value;
  }
  return momentShape.test(value) ? new Date(value) : value;
}

export class StartReconciliationRunDto {
  /** One connected account, or `platform`. Absent: all of them and the platform. */
  @IsOptional()
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  connected_account?: string;

  /** What Stripe dates before this moment is compared: ISO 8601, or a day (its end, UTC). Absent: everything known. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => toCutoff(value))
  @IsDate({ message: 'cutoff must be an ISO 8601 moment or a day' })
  cutoff?: Date;
}

export class ReconciliationBreaksQuery extends PageQuery {
  @IsOptional()
  @IsIn(breakStatuses)
  status?: BreakStatus;

  @IsOptional()
  @IsIn(breakTypes)
  type?: BreakType;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  payout?: string;
}

export class ResolveReconciliationBreakDto {
  /** Why this difference is all right, or what was done about it. */
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @MinLength(1)
  @MaxLength(2_000)
  note: string;

  /**
   * Also correct the ledger by the difference, against this account. The break then stays open until another key approves.
   * @example "suspense"
   */
  @IsOptional()
  @IsIn(correctionAccounts)
  correct_against?: CorrectionAccount;
}

export class BreakCorrectionView {
  against: string;
  proposed_by: string;
  proposed_at: string;
  /** Null until another key has approved it. */
  approved_by: string | null;
}

export class ReconciliationRunView {
  id: string;
  object: 'reconciliation_run';
  /** Null: all connected accounts and the platform. */
  connected_account: string | null;
  /** Exclusive, by Stripe's time; null: everything known when it ran. */
  cutoff: string | null;
  status: string;
  accounts_total: number;
  accounts_done: number;
  /** Balance transactions whose journal entry says the same. */
  matched: number;
  /** Differences that went away during this run, missed events ingested included. */
  healed: number;
  /** Open breaks of these accounts, dated before the cut-off. */
  breaks_open: number;
  /** SHA-256 of the bytes of `/v1/reconciliation-runs/:id/report`. */
  report_sha256: string | null;
  created_at: string;
  completed_at: string | null;
}

export class RunAccountView {
  /** Or `platform`. */
  connected_account: string;
  /** `running, completed, failed`, or `unreadable`: Stripe did not let us read it, and a break says so. */
  status: string;
  matched: number;
  /** Lines of other uses of the Stripe account. */
  set_apart: number;
  /** On their way at the moment of the run. */
  in_flight: number;
  healed: number;
  breaks_open: number;
  currency: string | null;
  /** Stripe's Issuing balance, minor units; null when Stripe did not tell it. */
  stripe_issuing: number | null;
  ledger_issuing: number | null;
  failure: string | null;
}

export class ReconciliationRunDetailView extends ReconciliationRunView {
  /** At most a hundred: failed and unreadable ones first, then those with breaks. */
  accounts: RunAccountView[];
}

export class ReconciliationBreakView {
  id: string;
  object: 'reconciliation_break';
  connected_account: string;
  type: string;
  /** What differs; with account and type it names the difference. */
  key: string;
  status: string;
  payout: string | null;
  /** Stripe's figure less ours, minor units. */
  difference: number | null;
  currency: string | null;
  evidence: Readonly<Record<string, unknown>>;
  proposed_action: string;
  age_seconds: number;
  occurred_at: string;
  opened_at: string;
  last_seen_at: string;
  closed_at: string | null;
  /** The API key that resolved it, or the run in which it healed. */
  closed_by: string | null;
  note: string | null;
  /** The correcting entry somebody proposed. */
  correction: BreakCorrectionView | null;
}

export function toReconciliationRunView(run: ReconciliationRun): ReconciliationRunView {
  return {
    id: run.id,
    object: 'reconciliation_run',
    connected_account: run.connectedAccountId,
    cutoff: run.cutoff?.toISOString() ?? null,
    status: run.status,
    accounts_total: run.accountsTotal,
    accounts_done: run.accountsDone,
    matched: run.matched,
    healed: run.healed,
    breaks_open: run.breaksOpen,
    report_sha256: run.reportSha256,
    created_at: run.createdAt.toISOString(),
    completed_at: run.completedAt?.toISOString() ?? null,
  };
}

export function toRunAccountView(account: RunAccount): RunAccountView {
  return {
    connected_account: account.connectedAccountId,
    status: account.status,
    matched: account.matched,
    set_apart: account.setApart,
    in_flight: account.inFlight,
    healed: account.healed,
    breaks_open: account.breaksOpen,
    currency: account.currency,
    stripe_issuing: account.stripeIssuingMinor === null ? null : Number(account.stripeIssuingMinor),
    ledger_issuing: account.ledgerIssuingMinor === null ? null : Number(account.ledgerIssuingMinor),
    failure: account.failure,
  };
}

/** `now` gives the age: from opening to closing, or until now. */
export function toReconciliationBreakView(found: ReconciliationBreak, now: Date): ReconciliationBreakView {
  const agedUntil = found.closedAt ?? now;
  return {
    id: found.id,
    object: 'reconciliation_break',
    connected_account: found.connectedAccountId,
    type: found.type,
    key: found.key,
    status: found.status,
    payout: found.payoutId,
    difference: found.differenceMinor === null ? null : Number(found.differenceMinor),
    currency: found.currency,
    evidence: found.evidence,
    proposed_action: found.proposedAction,
    age_seconds: Math.max(0, Math.floor((agedUntil.getTime() - found.openedAt.getTime()) / 1_000)),
    occurred_at: found.occurredAt.toISOString(),
    opened_at: found.openedAt.toISOString(),
    last_seen_at: found.lastSeenAt.toISOString(),
    closed_at: found.closedAt?.toISOString() ?? null,
    closed_by: found.closedBy,
    note: found.note ?? found.correction?.note ?? null,
    correction: found.correction && {
      against: found.correction.against,
      proposed_by: found.correction.proposedBy,
      proposed_at: found.correction.proposedAt.toISOString(),
      approved_by: found.correction.approvedBy,
    },
  };
}
