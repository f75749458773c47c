import { Module } from '@nestjs/common';
import { StripeModule } from '../stripe/stripe.module';
import { AnalyticsController } from './analytics.controller';
import { AnalyticsJobs } from './analytics.jobs';
import { AnalyticsMetrics } from './analytics-metrics';
import { AnalyticsRepository } from './analytics.repository';
import { AnalyticsService } from './analytics.service';

/** Rates, times and shares, as JSON and as metrics. Reads views only. */
@Module({
  imports: [StripeModule],
  controllers: [AnalyticsController],
  providers: [AnalyticsService, AnalyticsRepository, AnalyticsJobs, AnalyticsMetrics],
})
export class AnalyticsModule {}
