import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { AmountMatch } from '../card-issuance/card.types';
import { amountMatches } from '../card-issuance/card.types';
import type { PayoutTerms, Statement } from '../ledger/ledger.types';
import { labelShape } from '../payout-limits/payout-limit.types';
import { IsMoment } from '../platform/http/is-moment.decorator';
import { PageQuery } from '../platform/http/page.dto';
import { StrictValidationPipe } from '../platform/http/validation.pipe';
import { FieldError, InvalidFields } from '../shared/domain-error';
import type { Currency } from '../shared/money';
import { currencies } from '../shared/money';
import type { Payout, PayoutRequest, PayoutStatus, TimelineEntry, WaitingReason } from './payout.types';
import { payoutStatuses, waitingReasons } from './payout.types';

const defaultLifetimeMs = 30 * 24 * 60 * 60_000;

/** Where the card may be used. Allow and block lists of one kind exclude each other. */
export class PayoutControlsDto {
  /** Stripe's merchant category names, the only ones allowed. @example ["books_periodicals_and_newspapers"] */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(300)
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  allowed_categories?: string[];

  /** Stripe's merchant category names, refused. @example ["betting_casino_gambling"] */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(300)
  @IsString({ each: true })
  @MaxLength(100, { each: true })
  blocked_categories?: string[];

  /** ISO 3166 alpha-2, the only merchant countries allowed. @example ["US"] */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(250)
  @IsString({ each: true })
  @Length(2, 2, { each: true })
  allowed_merchant_countries?: string[];

  /** ISO 3166 alpha-2, refused merchant countries. @example ["KP"] */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(250)
  @IsString({ each: true })
  @Length(2, 2, { each: true })
  blocked_merchant_countries?: string[];

  /** `exact`: the purchase must be for all of it. Default `up_to`. @example "up_to" */
  @IsOptional()
  @IsIn(amountMatches)
  amount_match?: AmountMatch;
}

/** A payout to make. */
export class CreatePayoutDto {
  /** Who is paid. @example "seller_01J9ZQ4M5N6P7R8S9T0V1W2X3Y" */
  @IsString()
  @Length(1, 255)
  connected_account: string;

  /** Who may hold the card; belongs to the connected account. @example "holder_01J9ZQ4M5N6P7R8S9T0V1W2X3Y" */
  @IsString()
  @Length(1, 255)
  cardholder: string;

  /** Minor units, more than one major unit. @example 25000 */
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  amount: number;

  /** The account's own currency. @example "usd" */
  @IsIn(currencies)
  currency: Currency;

  /** When the card ends and what is left comes back: ISO 8601, at most 370 days ahead. Default: in 30 days. @example "2026-12-24T18:00:00Z" */
  @IsOptional()
  @IsMoment()
  @MaxLength(40)
  expires_at?: string;

  /** The marketplace's own name for it, unique among payouts. @example "order-1001" */
  @IsString()
  @Length(1, 200)
  reference: string;

  /** Shown to the seller. @example "November sales" */
  @IsOptional()
  @IsString()
  @MaxLength(500)
  description?: string;

  /**
   * Whose card it is, an automated buyer's say: letters, digits and `. _ : -`. Limits, rotation, retirement and reports go by it.
   * @example "agent-7"
   */
  @IsOptional()
  @IsString()
  @Matches(labelShape, {
    message: 'label must be 1 to 64 letters, digits and . _ : -, beginning with a letter or digit',
  })
  label?: string;

  /** What it is for. @example "office supplies" */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  purpose?: string;

  @IsOptional()
  @ValidateNested()
  @IsObject()
  @Type(() => PayoutControlsDto)
  controls?: PayoutControlsDto;

  /** Up to 50 texts of the marketplace's own. @example { "order": "1001" } */
  @IsOptional()
  @IsObject()
  metadata?: Record<string, string>;
}

/** Which payouts to list. */
export class PayoutsQuery extends PageQuery {
  @IsOptional()
  @IsIn(payoutStatuses)
  status?: PayoutStatus;

  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  @IsOptional()
  @IsString()
  @MaxLength(200)
  reference?: string;

  @IsOptional()
  @IsString()
  @MaxLength(64)
  label?: string;

  @IsOptional()
  @IsString()
  @MaxLength(100)
  purpose?: string;

  /** What pending ones wait for: `approval` lists those that need a decision. */
  @IsOptional()
  @IsIn(waitingReasons)
  waiting_on?: WaitingReason;

  /** Created at or after: ISO 8601. */
  @IsOptional()
  @IsMoment()
  created_from?: string;

  /** Created before: ISO 8601. */
  @IsOptional()
  @IsMoment()
  created_to?: string;
}

/** Why a payout above the threshold may go on. */
export class ApprovePayoutDto {
  /** Stays on the timeline. @example "Checked against order 1001." */
  @IsOptional()
  @IsString()
  @Length(1, 500)
  note?: string;
}

/** Why a payout above the threshold may not go on. */
export class RejectPayoutDto {
  /** Stays on the timeline, and is the detail of the payout's failure. @example "The order was returned." */
  @IsString()
  @Length(1, 500)
  @Matches(/\S/, { message: 'note must not be blank' })
  note: string;
}

/** As of when a statement is wanted. */
export class StatementQuery {
  /** Leaves out what occurred later: ISO 8601. Default: now. */
  @IsOptional()
  @IsMoment()
  at?: string;
}

/** The amounts of a payout in minor units, each at least zero. */
export class PayoutAmountsView {
  accepted: number;
  /** Promised and not spent yet, what is on its way back included. */
  owed: number;
  /** On hold at a merchant. */
  held: number;
  /** On its way back to the marketplace; part of `owed`. */
  reclaiming: number;
  /** Captured, less refunds taken back into the payout. */
  paid: number;
  reclaimed: number;
  /** Never moved: the promise was taken back. */
  released: number;
  /** Captured beyond the payout. */
  overspent: number;
}

/** What another key decided on a payout above the threshold. */
export class PayoutApprovalView {
  decision: 'approved' | 'rejected';
  note: string | null;
  /** The key that decided. */
  api_key: string;
  decided_at: string;
}

/** Why a payout failed. */
export class PayoutFailureView {
  code: string;
  detail: string;
}

export class PayoutView extends PayoutAmountsView {
  id: string;
  connected_account: string;
  cardholder: string;
  amount: number;
  currency: string;
  status: string;
  /** What a pending payout waits for, or null. */
  waiting_on: string | null;
  /** How it ended, or null. */
  outcome: string | null;
  reference: string;
  description: string | null;
  label: string | null;
  purpose: string | null;
  controls: PayoutControlsDto;
  metadata: Record<string, string>;
  /** The card that can be used, or was. */
  card: string | null;
  failure: PayoutFailureView | null;
  /** The key that asked for it; null where that was not yet recorded. */
  requested_by: string | null;
  /** Null until another key decided, and where nobody had to. */
  approval: PayoutApprovalView | null;
  expires_at: string;
  created_at: string;
}

export class TimelineEntryView {
  occurred_at: string;
  /** A past fact. */
  kind: string;
  detail: Record<string, unknown>;
}

export class TimelineView {
  data: TimelineEntryView[];
}

/** The conservation proof, recomputed from the postings: accepted = owed + held + paid + reclaimed + released. */
export class StatementProofView extends PayoutAmountsView {
  balanced: boolean;
}

export class StatementChainView {
  /** Every entry follows from the one before it. */
  whole: boolean;
  /** Sequence of the first entry that does not, or null. */
  broken_at: number | null;
  /** Hash of the newest entry, hex. */
  head: string | null;
}

export class StatementPostingView {
  /** @example "payout_owed:payout_01J9ZQ4M5N6P7R8S9T0V1W2X3Y:usd" */
  account: string;
  /** Minor units. */
  debit: number;
  /** Minor units. */
  credit: number;
}

export class StatementEntryView {
  sequence: number;
  /** @example "capture" */
  kind: string;
  /** What makes the fact itself: a Stripe id, or ours. */
  source: string;
  occurred_at: string;
  postings: StatementPostingView[];
  stripe_balance_transactions: string[];
  hash: string;
}

export class StatementView {
  payout: string;
  reference: string;
  connected_account: string;
  currency: string;
  status: string;
  /** What occurred later is left out; null: nothing is. */
  at: string | null;
  proof: StatementProofView;
  chain: StatementChainView;
  entries: StatementEntryView[];
}

const strict = new StrictValidationPipe();

/** A payout's body that did not come as a request of its own. @throws {ValidationFailed} as the route itself would */
export async function readPayoutBody(body: unknown): Promise<CreatePayoutDto> {
  return (await strict.transform(body, { type: 'body', metatype: CreatePayoutDto })) as CreatePayoutDto;
}

/** Makes the request the service takes. @throws {InvalidFields} on metadata that is not flat text */
export function toPayoutRequest(body: CreatePayoutDto, now: Date): PayoutRequest {
  return {
    connectedAccountId: body.connected_account,
    cardholderId: body.cardholder,
    amountMinor: BigInt(body.amount),
    currency: body.currency,
    expiresAt: body.expires_at ? new Date(body.expires_at) : new Date(now.getTime() + defaultLifetimeMs),
    reference: body.reference,
    description: body.description ?? null,
    label: body.label ?? null,
    purpose: body.purpose ?? null,
    controls: given(body.controls ?? {}),
    metadata: checkedMetadata(body.metadata ?? {}),
  };
}

/** Null in an optional field is no field at all. */
function given(controls: PayoutControlsDto): PayoutControlsDto {
  return Object.fromEntries(Object.entries(controls).filter(([, value]) => value !== undefined && value !== null));
}

/** The limits are Stripe's own for metadata, so that it fits where the service passes it on. https://docs.stripe.com/metadata */
function checkedMetadata(metadata: Record<string, unknown>): Record<string, string> {
  const problems: FieldError[] = [];
  const entries = Object.entries(metadata);
  if (Array.isArray(metadata) || entries.length > 50) {
    problems.push({ pointer: '/metadata', detail: 'must be an object of at most 50 texts' });
  }
  for (const [key, value] of entries.slice(0, 50)) {
    const pointer = `/metadata/${key.slice(0, 40)}`;
    if (key.length > 40) problems.push({ pointer, detail: 'has a key longer than 40 characters' });
    if (typeof value !== 'string' || value.length > 500) {
      problems.push({ pointer, detail: 'must be text of at most 500 characters' });
    }
  }
  if (problems.length > 0) throw new InvalidFields(problems);
  return metadata as Record<string, string>;
}

const noAmounts: PayoutAmountsView = {
  accepted: 0,
  owed: 0,
  held: 0,
  reclaiming: 0,
  paid: 0,
  reclaimed: 0,
  released: 0,
  overspent: 0,
};

export function toPayoutView(payout: Payout, terms: PayoutTerms | undefined): PayoutView {
  return {
    id: payout.id,
    connected_account: payout.connectedAccountId,
    cardholder: payout.cardholderId,
    amount: Number(payout.amountMinor),
    currency: payout.currency,
    status: payout.status,
    waiting_on: payout.waitingOn,
    outcome: payout.outcome,
    ...(terms
      ? {
          accepted: Number(terms.acceptedMinor),
          owed: Number(terms.owedMinor + terms.reclaimingMinor),
          held: Number(terms.heldMinor),
          reclaiming: Number(terms.reclaimingMinor),
          paid: Number(terms.paidMinor),
          reclaimed: Number(terms.reclaimedMinor),
          released: Number(terms.releasedMinor),
          overspent: Number(terms.overspentMinor),
        }
      : { ...noAmounts, accepted: Number(payout.amountMinor), owed: Number(payout.amountMinor) }),
    reference: payout.reference,
    description: payout.description,
    label: payout.label,
    purpose: payout.purpose,
    controls: payout.controls as PayoutControlsDto,
    metadata: payout.metadata,
    card: payout.cardId,
    failure: payout.failure,
    requested_by: payout.requestedByApiKeyId,
    approval: payout.approval && {
      decision: payout.approval.decision,
      note: payout.approval.note,
      api_key: payout.approval.apiKeyId,
      decided_at: payout.approval.decidedAt.toISOString(),
    },
    expires_at: payout.expiresAt.toISOString(),
    created_at: payout.createdAt.toISOString(),
  };
}

export function toTimelineView(entry: TimelineEntry): TimelineEntryView {
  return { occurred_at: entry.occurredAt.toISOString(), kind: entry.kind, detail: entry.detail };
}

/** Postings, hash chain and the conservation proof: accepted = owed + held + paid + reclaimed + released. */
export function toStatementView(payout: Payout, statement: Statement, at: Date | null): StatementView {
  const { terms } = statement;
  return {
    payout: payout.id,
    reference: payout.reference,
    connected_account: payout.connectedAccountId,
    currency: payout.currency,
    status: payout.status,
    at: at?.toISOString() ?? null,
    proof: {
      accepted: Number(terms.accepted),
      owed: Number(terms.owed + terms.reclaiming),
      held: Number(terms.held),
      reclaiming: Number(terms.reclaiming),
      paid: Number(terms.paid),
      reclaimed: Number(terms.reclaimed),
      released: Number(terms.released),
      overspent: Number(terms.overspent),
      balanced: statement.isBalanced,
    },
    chain: {
      whole: statement.brokenAtSequence === null,
      broken_at: statement.brokenAtSequence,
      head: statement.chainHead,
    },
    entries: statement.entries.map((entry) => ({
      sequence: entry.sequence,
      kind: entry.kind,
      source: entry.sourceId,
      occurred_at: entry.occurredAtText,
      postings: entry.postings.map((posting) => ({
        account: posting.account,
        debit: posting.amountMinor > 0n ? Number(posting.amountMinor) : 0,
        credit: posting.amountMinor < 0n ? Number(-posting.amountMinor) : 0,
      })),
      stripe_balance_transactions: [...entry.balanceTransactionIds],
      hash: entry.hash,
    })),
  };
}
