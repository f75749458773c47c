import { Injectable } from '@nestjs/common';
import { Metrics } from '../platform/metrics/metrics.service';
import { Clock } from '../shared/clock';
import { AnalyticsService } from './analytics.service';
import { AnalyticsGroup, FundingRunway } from './analytics.types';

const windowMs = 24 * 60 * 60_000;
// Whoever scrapes every second costs one look a minute.
const keptMs = 60_000;

interface Seen {
  readonly total: AnalyticsGroup;
  readonly reasons: readonly { reason: string; asked: number }[];
  readonly breaks: readonly { type: string; breaks: number }[];
  readonly runways: readonly FundingRunway[];
}

/**
 * The business of the last 24 hours for Prometheus, over all replicas. Labels are few by design: reasons, types and currencies; no
 * seller, no merchant. Read from the database once a minute at most, and never from Stripe.
 */
@Injectable()
export class AnalyticsMetrics {
  private seen: Promise<Seen> | undefined;
  private seenAt = 0;

  constructor(
    metrics: Metrics,
    private readonly analytics: AnalyticsService,
    private readonly clock: Clock,
  ) {
    const gauge = <Label extends string>(
      name: string,
      help: string,
      labels: Label[],
      rows: (seen: Seen) => readonly (readonly [labels: Record<Label, string>, value: number])[],
    ) =>
      metrics.gauge(name, help, labels, async (each) => {
        const values = rows(await this.look());
        each.reset();
        for (const [labelled, value] of values) each.set(labelled, value);
      });

    gauge('disburse_authorizations_24h', 'Answers of the last 24 hours.', ['reason'], ({ reasons }) =>
      reasons.map(({ reason, asked }) => [{ reason }, asked]),
    );
    gauge('disburse_card_creations_24h', 'Cards of the last 24 hours.', ['outcome'], ({ total: { cards } }) => [
      [{ outcome: 'made' }, cards?.made ?? 0],
      [{ outcome: 'failed' }, cards?.failed ?? 0],
    ]);
    gauge(
      'disburse_payout_ready_seconds_24h',
      'From the request of a payout to a usable card, last 24 hours.',
      ['quantile'],
      ({ total: { ready } }) =>
        [['0.5', ready?.p50] as const, ['0.95', ready?.p95] as const].flatMap(([quantile, value]) =>
          value === null || value === undefined ? [] : [[{ quantile }, value] as const],
        ),
    );
    gauge(
      'disburse_settled_minor_24h',
      'What became of promised money in the last 24 hours, minor units.',
      ['currency', 'became'],
      ({ total: { money = [] } }) =>
        money.flatMap(({ currency, paid, reclaimed, released }) => [
          [{ currency, became: 'spent' }, Number(paid)] as const,
          [{ currency, became: 'reclaimed' }, Number(reclaimed)] as const,
          [{ currency, became: 'released' }, Number(released)] as const,
        ]),
    );
    gauge('disburse_reconciliation_breaks_open', 'Differences nobody has explained yet.', ['type'], ({ breaks }) =>
      breaks.map(({ type, breaks: count }) => [{ type }, count]),
    );
    gauge(
      'disburse_platform_available_minor',
      'The platform’s available balance at Stripe as last seen, minor units.',
      ['currency'],
      ({ runways }) => runways.map(({ currency, availableMinor }) => [{ currency }, Number(availableMinor)]),
    );
    gauge(
      'disburse_platform_balance_age_seconds',
      'How long ago the platform’s balance was last seen.',
      ['currency'],
      ({ runways }) =>
        runways.map(({ currency, seenAt }) => [{ currency }, (this.clock.now().getTime() - seenAt.getTime()) / 1_000]),
    );
    gauge(
      'disburse_funding_runway_days',
      'How many days the platform’s balance lasts at the pace of the last seven days. Absent: nothing was funded.',
      ['currency'],
      ({ runways }) => runways.flatMap(({ currency, days }) => (days === null ? [] : [[{ currency }, days] as const])),
    );
  }

  private async look(): Promise<Seen> {
    const now = this.clock.now().getTime();
    if (!this.seen || now - this.seenAt >= keptMs) {
      this.seenAt = now;
      this.seen = this.read(now);
      this.seen.catch(() => (this.seen = undefined));
    }
    return this.seen;
  }

  private async read(now: number): Promise<Seen> {
    const period = { from: new Date(now - windowMs), to: new Date(now + 1), connectedAccountId: null };
    return {
      total: await this.analytics.totals(period),
      reasons: await this.analytics.decisionsByReason(period),
      breaks: await this.analytics.openBreaks(),
      runways: await this.analytics.runways(),
    };
  }
}
