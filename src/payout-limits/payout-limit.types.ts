import { Money } from '../shared/money';

/** What a label may look like: it fits into an address without escaping. */
export const labelShape = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;

/** What a payout is counted against. */
export interface PayoutAdmission {
  readonly connectedAccountId: string;
  /** The line of rotations of the key that asks: a successor renews nothing. */
  readonly keyFamilyId: string;
  readonly label: string | null;
  readonly amount: Money;
}

/** A limit as a refusal tells it. Amounts in minor units. */
export interface LimitStanding {
  readonly scope: 'payout' | 'seller' | 'key' | 'label';
  readonly currency: string;
  readonly limit: number;
  readonly remaining: number;
  /** ISO 8601; null: it does not renew. */
  readonly renews_at: string | null;
}

export interface PayoutLabel {
  readonly label: string;
  /** Minor units a UTC day, of each currency by itself; null: no limit. */
  readonly dailyLimitMinor: bigint | null;
  /** Payouts that have not ended; null: no limit. */
  readonly openPayoutsLimit: number | null;
  readonly retiredAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
