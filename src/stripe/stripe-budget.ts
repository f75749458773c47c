import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config';
import { Database } from '../platform/database/database';
import { StripeUnavailable } from './stripe.errors';

// One statement reserves for all who wait in this process; more would hold the tokens of other replicas too long.
const reservationMax = 50;

// Longer than this and the work had better go back to its queue, which survives a restart.
const waitMsMax = 10_000;

interface Waiter {
  readonly go: (waitMs: number) => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Keeps all replicas together under Stripe's rate (https://docs.stripe.com/rate-limits): a token bucket in one row of PostgreSQL.
 * The row may go into debt: who takes a token that is not there yet knows how long to wait for it, so nobody polls and the order is kept.
 * Never used while an authorization is decided.
 */
@Injectable()
export class StripeBudget {
  private readonly waiters: Waiter[] = [];
  private isReserving = false;
  private readonly perSecond: number;
  private readonly burst: number;

  constructor(
    private readonly database: Database,
    config: Config,
  ) {
    this.perSecond = config.stripeRequestsPerSecond;
    // Small: Stripe counts per second, and a full bucket on top of the refill would go over.
    this.burst = Math.max(1, Math.floor(this.perSecond / 10));
  }

  /**
   * Returns when one request may go out.
   * @throws {StripeUnavailable} when the queue for Stripe is longer than ten seconds
   */
  async take(): Promise<void> {
    const waitMs = await new Promise<number>((go, refuse) => {
      this.waiters.push({ go, refuse });
      if (!this.isReserving) void this.reserve();
    });
    if (waitMs > 0) await sleep(waitMs);
  }

  private async reserve(): Promise<void> {
    this.isReserving = true;
    try {
      while (this.waiters.length > 0) {
        const batch = this.waiters.splice(0, reservationMax);
        await this.reserveFor(batch);
      }
    } finally {
      this.isReserving = false;
    }
  }

  private async reserveFor(batch: readonly Waiter[]): Promise<void> {
    try {
      const tokens = await this.takeTokens(batch.length);
      if (tokens === null) throw new StripeUnavailable('more requests wait than its rate limit allows');
      batch.forEach(({ go }, index) => {
        const balance = tokens + batch.length - (index + 1);
        go(balance >= 0 ? 0 : Math.ceil((-balance / this.perSecond) * 1_000));
      });
    } catch (error) {
      batch.forEach(({ refuse }) => refuse(error));
    }
  }

  /** What is left after taking `count`, negative when they are owed; null when the debt would be too deep. */
  private async takeTokens(count: number): Promise<number | null> {
    const [row] = await this.database.query<{ tokens: number }>(
      `insert into stripe_budgets as b (name, tokens, refilled_at)
       values ('requests', $2::float8 - $1::float8, clock_timestamp())
       on conflict (name) do update
         set tokens = least($2::float8, b.tokens + $3::float8 * greatest(0, extract(epoch from clock_timestamp() - b.refilled_at))) - $1::float8,
             refilled_at = clock_timestamp()
         where b.tokens + $3::float8 * greatest(0, extract(epoch from clock_timestamp() - b.refilled_at)) > -$4::float8
       returning b.tokens`,
      [count, this.burst, this.perSecond, (waitMsMax / 1_000) * this.perSecond],
    );
    return row?.tokens ?? null;
  }
}
