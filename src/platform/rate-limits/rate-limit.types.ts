/** So many in so long. Counted over all replicas. */
export interface RateLimit {
  /** Names the quota in answers and separates its counters: lower-case letters and dashes. */
  readonly name: string;
  readonly points: number;
  readonly windowSeconds: number;
}

/** Where a caller stands after one more was counted. */
export interface RateLimitVerdict {
  readonly isAllowed: boolean;
  readonly remaining: number;
  /** Whole seconds until the count begins anew, at least one. */
  readonly resetSeconds: number;
}
