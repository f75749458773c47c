import { DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AftercareModule } from './aftercare/aftercare.module';
import { AuthorizationDecisionsModule } from './authorization-decisions/authorization-decisions.module';
import { AnalyticsModule } from './analytics/analytics.module';
import { AuthorizationsModule } from './authorizations/authorizations.module';
import { CardIssuanceModule } from './card-issuance/card-issuance.module';
import { CardLinksModule } from './card-links/card-links.module';
import { CardPagesModule } from './card-pages/card-pages.module';
import { CardRevealsModule } from './card-reveals/card-reveals.module';
import { CardTransactionsModule } from './card-transactions/card-transactions.module';
import { CardholdersModule } from './cardholders/cardholders.module';
import { ConnectedAccountsModule } from './connected-accounts/connected-accounts.module';
import { DataRetentionModule } from './data-retention/data-retention.module';
import { DisputesModule } from './disputes/disputes.module';
import { FundingTransfersModule } from './funding-transfers/funding-transfers.module';
import { LedgerModule } from './ledger/ledger.module';
import { PayoutBatchesModule } from './payout-batches/payout-batches.module';
import { PayoutLimitsModule } from './payout-limits/payout-limits.module';
import { PayoutsModule } from './payouts/payouts.module';
import { AuditLogModule } from './platform/audit-log/audit-log.module';
import { ApiKeysModule } from './platform/api-keys/api-keys.module';
import { Config } from './platform/config/config';
import { ConfigModule } from './platform/config/config.module';
import { DatabaseModule } from './platform/database/database.module';
import { EncryptionModule } from './platform/encryption/encryption.module';
import { HealthModule } from './platform/health/health.module';
import { HttpModule } from './platform/http/http.module';
import { JobsModule } from './platform/jobs/jobs.module';
import { LoggingModule } from './platform/logging/logging.module';
import { MetricsModule } from './platform/metrics/metrics.module';
import { RateLimitsModule } from './platform/rate-limits/rate-limits.module';
import { ReconciliationModule } from './reconciliation/reconciliation.module';
import { ReportsModule } from './reports/reports.module';
import { Clock, SystemClock } from './shared/clock';
import { StripeModule } from './stripe/stripe.module';
import { WebhookInboxModule } from './webhook-inbox/webhook-inbox.module';
import { WebhookOutboxModule } from './webhook-outbox/webhook-outbox.module';

/** The roof: every floor, in the order money travels. */
@Module({})
export class AppModule {
  /** `config.databaseUrl` is set by now: the embedded database, if there is one, runs. */
  static with(config: Config, clock: Clock = new SystemClock()): DynamicModule {
    const isWorker = config.roles.has('worker');
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config, clock),
        LoggingModule,
        MetricsModule,
        EncryptionModule,
        DatabaseModule.with(config.databaseUrl!, config.databasePoolMax),
        // Schedules only enqueue, and only where jobs run.
        ScheduleModule.forRoot({ intervals: isWorker, cronJobs: isWorker, timeouts: isWorker }),
        JobsModule,
        AuditLogModule,
        ApiKeysModule,
        RateLimitsModule,
        HttpModule,
        HealthModule,
        StripeModule,
        WebhookInboxModule,
        WebhookOutboxModule,
        LedgerModule,
        ConnectedAccountsModule,
        CardholdersModule,
        FundingTransfersModule,
        CardIssuanceModule,
        PayoutLimitsModule,
        PayoutsModule,
        PayoutBatchesModule,
        AuthorizationDecisionsModule,
        AuthorizationsModule,
        CardTransactionsModule,
        DisputesModule,
        AftercareModule,
        CardLinksModule,
        CardPagesModule,
        CardRevealsModule,
        DataRetentionModule,
        ReconciliationModule,
        ReportsModule,
        AnalyticsModule,
      ],
    };
  }
}
