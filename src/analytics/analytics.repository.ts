import { Injectable } from '@nestjs/common';
import { Database, queryRows, Tx } from '../platform/database/database';
import {
  AnalyticsGrouping,
  AnalyticsPeriod,
  CardNumbers,
  DecisionNumbers,
  FundingRunway,
  MoneyNumbers,
  ReadyNumbers,
} from './analytics.types';

export type Keyed<Numbers> = Numbers & { readonly key: string | null };

/** The column of each part by which it can be split; a part without one has no groups of that kind. Never from a request. */
const columns = {
  decisions: {
    reason: 'reason',
    connected_account: 'connected_account_id',
    label: 'label',
    country: 'country',
    category: 'category',
    day: utcDay(),
  },
  cards: { reason: 'reason', connected_account: 'connected_account_id', label: 'label', day: utcDay() },
  ready: { connected_account: 'connected_account_id', label: 'label', day: utcDay() },
  money: { connected_account: 'connected_account_id', label: 'label', day: utcDay() },
} satisfies Record<string, Partial<Record<AnalyticsGrouping, string>>>;

const inPeriod = `occurred_at >= $1 and occurred_at < $2 and ($3::text is null or connected_account_id = $3)`;

@Injectable()
export class AnalyticsRepository {
  constructor(private readonly database: Database) {}

  async decisions(period: AnalyticsPeriod, by: AnalyticsGrouping | null): Promise<Keyed<DecisionNumbers>[]> {
    return this.read(
      columns.decisions,
      period,
      by,
      (key) => `
      select ${key} as key, count(*)::int as asked, (count(*) filter (where approved))::int as approved,
             (count(*) filter (where not approved))::int as declined
        from analytics_decisions where ${inPeriod} group by 1`,
    );
  }

  async cards(period: AnalyticsPeriod, by: AnalyticsGrouping | null): Promise<Keyed<CardNumbers>[]> {
    // By reason means by what made them fail: those that did not have none.
    const only = by === 'reason' ? 'and has_failed' : '';
    return this.read(
      columns.cards,
      period,
      by,
      (key) => `
      select ${key} as key, count(*)::int as requested, (count(*) filter (where is_made))::int as made,
             (count(*) filter (where has_failed))::int as failed
        from analytics_cards where ${inPeriod} ${only} group by 1`,
    );
  }

  async ready(period: AnalyticsPeriod, by: AnalyticsGrouping | null): Promise<Keyed<ReadyNumbers>[]> {
    return this.read(
      columns.ready,
      period,
      by,
      (key) => `
      select ${key} as key, count(*)::int as requested, count(seconds_to_ready)::int as ready,
             percentile_cont(0.5) within group (order by seconds_to_ready) as p50,
             percentile_cont(0.95) within group (order by seconds_to_ready) as p95
        from analytics_payouts where ${inPeriod} group by 1`,
    );
  }

  async money(period: AnalyticsPeriod, by: AnalyticsGrouping | null): Promise<Keyed<MoneyNumbers>[]> {
    const rows = await this.read<Keyed<Record<keyof MoneyNumbers, string>>>(
      columns.money,
      period,
      by,
      (key) => `
      select ${key} as key, currency, sum(captured) as captured, sum(refunded) as refunded, sum(paid) as paid,
             sum(overspent) as overspent, sum(reclaimed) as reclaimed, sum(released) as released
        from analytics_money where ${inPeriod} group by 1, 2 order by 1, 2`,
    );
    return rows.map((row) => ({
      key: row.key,
      currency: row.currency,
      captured: BigInt(row.captured),
      refunded: BigInt(row.refunded),
      paid: BigInt(row.paid),
      overspent: BigInt(row.overspent),
      reclaimed: BigInt(row.reclaimed),
      released: BigInt(row.released),
    }));
  }

  async openBreaks(): Promise<{ type: string; breaks: number }[]> {
    return this.database.query('select type, breaks from analytics_open_breaks');
  }

  /** What Stripe said the platform has. An older answer never overwrites a newer one. */
  async keepPlatformBalance(tx: Tx, currency: string, availableMinor: bigint, seenAt: Date): Promise<void> {
    await queryRows(
      tx,
      `insert into platform_balances (currency, available_minor, seen_at) values ($1, $2, $3)
       on conflict (currency) do update set available_minor = excluded.available_minor, seen_at = excluded.seen_at
         where platform_balances.seen_at <= excluded.seen_at`,
      [currency, availableMinor.toString(), seenAt],
    );
  }

  /** The platform's balances beside what was moved out of them a day, on average since `since`. */
  async runways(since: Date, days: number): Promise<FundingRunway[]> {
    const rows = await this.database.query<{ currency: string; available: string; seen_at: Date; moved: string }>(
      `select b.currency, b.available_minor as available, b.seen_at, coalesce(f.moved, 0) as moved
         from platform_balances b
         left join (select currency, sum(total) as moved from report_funding where occurred_at >= $1 group by currency) f
           on f.currency = b.currency
        order by b.currency`,
      [since],
    );
    return rows.map((row) => {
      const averagePerDay = Number(row.moved) / days;
      return {
        currency: row.currency,
        availableMinor: BigInt(row.available),
        seenAt: row.seen_at,
        averagePerDay,
        days: averagePerDay > 0 ? Math.max(0, Number(row.available)) / averagePerDay : null,
      };
    });
  }

  private async read<Row>(
    known: Partial<Record<AnalyticsGrouping, string>>,
    { from, to, connectedAccountId }: AnalyticsPeriod,
    by: AnalyticsGrouping | null,
    sql: (key: string) => string,
  ): Promise<Row[]> {
    const key = by === null ? 'null::text' : known[by];
    return key === undefined ? [] : this.database.query<Row>(sql(key), [from, to, connectedAccountId]);
  }
}

function utcDay(): string {
  return `to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD')`;
}
