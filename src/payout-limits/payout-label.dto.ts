import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { PayoutLabel } from './payout-limit.types';

/** The limits of a label; what is absent has none. */
export class PutPayoutLabelDto {
  /** What may be promised under it in a UTC day: minor units, of each currency by itself. @example 50000 */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  daily_limit?: number;

  /** How many of its payouts may be open (not ended) at a time, each with its card. @example 5 */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  open_payouts_limit?: number;
}

export class PayoutLabelView {
  /** @example "agent-7" */
  label: string;
  /** Minor units a UTC day, of each currency by itself; null: no limit. */
  daily_limit: number | null;
  open_payouts_limit: number | null;
  /** Since when nothing new is paid under it; null: it is in use. */
  retired_at: string | null;
  created_at: string;
}

export function toPayoutLabelView(label: PayoutLabel): PayoutLabelView {
  return {
    label: label.label,
    daily_limit: label.dailyLimitMinor === null ? null : Number(label.dailyLimitMinor),
    open_payouts_limit: label.openPayoutsLimit,
    retired_at: label.retiredAt?.toISOString() ?? null,
    created_at: label.createdAt.toISOString(),
  };
}
