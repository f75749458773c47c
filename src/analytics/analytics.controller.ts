import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Refuses } from '../platform/http/refuses.decorator';
import { Roles } from '../platform/http/roles.decorator';
import { AnalyticsQuery, AnalyticsView, toAnalyticsView } from './analytics.dto';
import { AnalyticsService } from './analytics.service';

@ApiTags('Analytics')
@Controller('v1/analytics')
export class AnalyticsController {
  constructor(private readonly analytics: AnalyticsService) {}

  /**
   * How the business goes, over a period.
   * How often purchases are approved and why they are declined, how often cards cannot be made, how soon payouts are ready, and what
   * share of the money was spent and came back; split by one thing, with the total beside it.
   */
  @Get()
  @Refuses(422, 'analytics_period_refused')
  @Roles('marketplace', 'finance', 'auditor')
  async read(@Query() query: AnalyticsQuery): Promise<AnalyticsView> {
    const period = { from: query.from, to: query.to, connectedAccountId: query.connected_account ?? null };
    return toAnalyticsView(query, period, await this.analytics.read(period, query.group_by));
  }
}
