/** What the numbers may be split by. Country and category are the merchant's. */
export const analyticsGroupings = ['reason', 'connected_account', 'label', 'country', 'category', 'day'] as const;
export type AnalyticsGrouping = (typeof analyticsGroupings)[number];

/** From included, to excluded. */
export type AnalyticsPeriod = Readonly<{ from: Date; to: Date; connectedAccountId: string | null }>;

export type DecisionNumbers = Readonly<{ asked: number; approved: number; declined: number }>;
export type CardNumbers = Readonly<{ requested: number; made: number; failed: number }>;
export type ReadyNumbers = Readonly<{ requested: number; ready: number; p50: number | null; p95: number | null }>;
/** Minor units. */
export type MoneyNumbers = Readonly<{
  currency: string;
  captured: bigint;
  refunded: bigint;
  paid: bigint;
  overspent: bigint;
  reclaimed: bigint;
  released: bigint;
}>;

/** One group's numbers; a part is undefined where the grouping does not apply to it. */
export type AnalyticsGroup = {
  key: string | null;
  decisions?: DecisionNumbers;
  cards?: CardNumbers;
  ready?: ReadyNumbers;
  money?: MoneyNumbers[];
};

export type Analytics = Readonly<{ groups: readonly AnalyticsGroup[]; total: AnalyticsGroup }>;

/** How long the platform's balance lasts at the pace of the last days, by currency. */
export type FundingRunway = Readonly<{
  currency: string;
  availableMinor: bigint;
  seenAt: Date;
  averagePerDay: number;
  days: number | null;
}>;
