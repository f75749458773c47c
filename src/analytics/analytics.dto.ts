import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsDate, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { isMoment } from '../platform/http/is-moment.decorator';
import { analyticsGroupings } from './analytics.types';
import type {
  Analytics,
  AnalyticsGroup,
  AnalyticsGrouping,
  AnalyticsPeriod,
  CardNumbers,
  DecisionNumbers,
  MoneyNumbers,
  ReadyNumbers,
} from './analytics.types';

const dayMs = 86_400_000;

/** A moment, or a day in UTC: its first moment, or the first one after it. Anything else is left for the validator to refuse. */
function toMoment(value: unknown, edge: 'start' | 'end'): unknown {
  if (typeof value !== 'string') return value;
  if (isMoment(value)) return new Date(value);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value) || !isMoment(`${value}T00:00:00Z`)) return value;
  const day = new Date(`${value}T00:00:00Z`);
  return edge === 'start' ? day : new Date(day.getTime() + dayMs);
}

export class AnalyticsQuery {
  /**
   * First moment of the period: ISO 8601, or a day (UTC).
   * @example "2026-11-01T00:00:00Z"
   */
  @Transform(({ value }: { value: unknown }) => toMoment(value, 'start'))
  @IsDate({ message: 'from must be an ISO 8601 moment or a day' })
  from: Date;

  /**
   * End of the period, exclusive; a day is included whole. At most 366 days after `from`.
   * @example "2026-12-01T00:00:00Z"
   */
  @Transform(({ value }: { value: unknown }) => toMoment(value, 'end'))
  @IsDate({ message: 'to must be an ISO 8601 moment or a day' })
  to: Date;

  /** `country` and `category` are the merchant's; `day` is in UTC. */
  @IsOptional()
  @IsIn(analyticsGroupings)
  group_by: AnalyticsGrouping = 'reason';

  /** Only this seller. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  connected_account?: string;

  /** How many groups to return at most. */
  @IsOptional()
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  )
  @IsInt()
  @Min(1)
  @Max(1_000)
  limit: number = 100;

  /** The `key` of the last group of the page before. */
  @IsOptional()
  @IsString()
  @MaxLength(255)
  starting_after?: string;
}

export class DecisionNumbersView {
  /** Authorization requests that were answered. */
  asked: number;
  approved: number;
  declined: number;
  /** From 0 to 1. */
  @ApiProperty({ type: 'number', format: 'double' })
  approval_rate: number;
  @ApiProperty({ type: 'number', format: 'double' })
  decline_rate: number;
}

export class CardNumbersView {
  requested: number;
  made: number;
  failed: number;
  /** From 0 to 1. */
  @ApiProperty({ type: 'number', format: 'double' })
  failure_rate: number;
}

export class TimeToReadyView {
  /** Payouts requested in the period. */
  requested: number;
  /** Of those, how many had a card that could be used. */
  ready: number;
  /** Seconds from the request to a usable card: half were faster. Waiting for approval counts too. */
  @ApiProperty({ type: 'number', format: 'double', nullable: true })
  p50_seconds: number | null;
  @ApiProperty({ type: 'number', format: 'double', nullable: true })
  p95_seconds: number | null;
}

/** Minor units; as the settlement report has them for the same period. */
export class MoneyNumbersView {
  currency: string;
  captured: number;
  refunded: number;
  /** Stayed spent: captured less what came back into the payout, overspend apart. */
  spent: number;
  overspent: number;
  /** Not spent: reclaimed and released together. */
  unspent: number;
  /** Had been moved and is back. */
  reclaimed: number;
  /** Had never been moved. */
  released: number;
  /** Of spent and unspent together, from 0 to 1; null when there was neither. */
  @ApiProperty({ type: 'number', format: 'double', nullable: true })
  share_spent: number | null;
  @ApiProperty({ type: 'number', format: 'double', nullable: true })
  share_unspent: number | null;
  @ApiProperty({ type: 'number', format: 'double', nullable: true })
  share_reclaimed: number | null;
}

export class AnalyticsNumbersView {
  authorizations: DecisionNumbersView | null;
  cards: CardNumbersView | null;
  time_to_ready: TimeToReadyView | null;
  money: MoneyNumbersView[] | null;
}

/** One group. A part is null where there is nothing, or where it cannot be split that way (money has no merchant country). */
export class AnalyticsGroupView extends AnalyticsNumbersView {
  /** The reason, seller, label, country, category or day; null for none. */
  key: string | null;
}

export class AnalyticsView {
  from: string;
  to: string;
  group_by: AnalyticsGrouping;
  connected_account: string | null;
  data: AnalyticsGroupView[];
  has_more: boolean;
  next_cursor: string | null;
  /** Of all groups, those on other pages included. */
  total: AnalyticsNumbersView;
}

export function toAnalyticsView(
  query: AnalyticsQuery,
  period: AnalyticsPeriod,
  { groups, total }: Analytics,
): AnalyticsView {
  const { starting_after: after } = query;
  const rest = after === undefined ? groups : groups.filter(({ key }) => key === null || key > after);
  const shown = rest.slice(0, query.limit);
  const hasMore = rest.length > shown.length;
  return {
    from: period.from.toISOString(),
    to: period.to.toISOString(),
    group_by: query.group_by,
    connected_account: period.connectedAccountId,
    data: shown.map((group) => ({ key: group.key, ...toNumbersView(group) })),
    has_more: hasMore,
    next_cursor: hasMore ? (shown.at(-1)?.key ?? null) : null,
    total: toNumbersView(total),
  };
}

function toNumbersView({ decisions, cards, ready, money }: AnalyticsGroup): AnalyticsNumbersView {
  return {
    authorizations: decisions ? toDecisions(decisions) : null,
    cards: cards ? toCards(cards) : null,
    time_to_ready: ready ? toReady(ready) : null,
    money: money ? money.map(toMoney) : null,
  };
}

function toDecisions({ asked, approved, declined }: DecisionNumbers): DecisionNumbersView {
  return { asked, approved, declined, approval_rate: ratio(approved, asked), decline_rate: ratio(declined, asked) };
}

function toCards({ requested, made, failed }: CardNumbers): CardNumbersView {
  return { requested, made, failed, failure_rate: ratio(failed, made + failed) };
}

function toReady({ requested, ready, p50, p95 }: ReadyNumbers): TimeToReadyView {
  return { requested, ready, p50_seconds: p50 && rounded(p50), p95_seconds: p95 && rounded(p95) };
}

function toMoney({
  currency,
  captured,
  refunded,
  paid,
  overspent,
  reclaimed,
  released,
}: MoneyNumbers): MoneyNumbersView {
  const unspent = reclaimed + released;
  const settled = paid + unspent;
  const share = (part: bigint) => (settled > 0n ? ratio(Number(part), Number(settled)) : null);
  return {
    currency,
    captured: Number(captured),
    refunded: Number(refunded),
    spent: Number(paid),
    overspent: Number(overspent),
    unspent: Number(unspent),
    reclaimed: Number(reclaimed),
    released: Number(released),
    share_spent: share(paid),
    share_unspent: share(unspent),
    share_reclaimed: share(reclaimed),
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1e6) / 1e6;
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
