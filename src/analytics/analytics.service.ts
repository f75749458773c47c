import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { AnalyticsPeriodRefused } from './analytics.errors';
import { AnalyticsRepository, Keyed } from './analytics.repository';
import { Analytics, AnalyticsGroup, AnalyticsGrouping, AnalyticsPeriod, FundingRunway } from './analytics.types';

const dayMs = 86_400_000;
const daysMax = 366;
const runwayDays = 7;

/** How the business runs: what was approved and declined, how soon cards were ready, what became of the money. */
@Injectable()
export class AnalyticsService {
  constructor(
    private readonly repository: AnalyticsRepository,
    private readonly database: Database,
    private readonly gateway: StripeGateway,
    private readonly clock: Clock,
  ) {}

  /** @throws {AnalyticsPeriodRefused} */
  async read(period: AnalyticsPeriod, by: AnalyticsGrouping): Promise<Analytics> {
    const spanMs = period.to.getTime() - period.from.getTime();
    if (spanMs <= 0 || spanMs > daysMax * dayMs) throw new AnalyticsPeriodRefused(daysMax);
    const [groups, [total]] = [await this.collect(period, by), await this.collect(period, null)];
    return { groups, total: total ?? { key: null } };
  }

  /** All numbers of a period, not split. */
  async totals(period: AnalyticsPeriod): Promise<AnalyticsGroup> {
    return (await this.collect(period, null))[0] ?? { key: null };
  }

  async decisionsByReason(period: AnalyticsPeriod): Promise<{ reason: string; asked: number }[]> {
    const rows = await this.repository.decisions(period, 'reason');
    return rows.map(({ key, asked }) => ({ reason: key ?? 'unknown', asked }));
  }

  async openBreaks(): Promise<{ type: string; breaks: number }[]> {
    return this.repository.openBreaks();
  }

  /** Asks Stripe what the platform has, so that nobody needs to ask while metrics are read. */
  async observePlatformBalance(): Promise<void> {
    const askedAt = this.clock.now();
    const balance = await this.gateway.retrieveBalance(null);
    await this.database.transaction(async (tx) => {
      for (const [currency, amountMinor] of balance.available)
        await this.repository.keepPlatformBalance(tx, currency, amountMinor, askedAt);
    });
  }

  /** From what was last seen and what the last seven days took; asks nobody. */
  async runways(): Promise<FundingRunway[]> {
    return this.repository.runways(new Date(this.clock.now().getTime() - runwayDays * dayMs), runwayDays);
  }

  private async collect(period: AnalyticsPeriod, by: AnalyticsGrouping | null): Promise<AnalyticsGroup[]> {
    const groups = new Map<string | null, AnalyticsGroup>();
    const groupOf = (key: string | null): AnalyticsGroup => {
      const known = groups.get(key);
      if (known) return known;
      const made: AnalyticsGroup = { key };
      groups.set(key, made);
      return made;
    };
    const each = <Row extends Keyed<object>>(rows: readonly Row[], keep: (group: AnalyticsGroup, row: Row) => void) =>
      rows.forEach((row) => keep(groupOf(row.key), row));

    each(await this.repository.decisions(period, by), (group, row) => (group.decisions = row));
    each(await this.repository.cards(period, by), (group, row) => (group.cards = row));
    each(await this.repository.ready(period, by), (group, row) => (group.ready = row));
    each(await this.repository.money(period, by), (group, row) => (group.money = [...(group.money ?? []), row]));
    return [...groups.values()].sort((a, b) => compareKeys(a.key, b.key));
  }
}

/** By name; what has none comes last. */
function compareKeys(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  return b === null || a < b ? -1 : 1;
}
