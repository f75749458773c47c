import { Module } from '@nestjs/common';
import { AuthorizationsModule } from '../authorizations/authorizations.module';
import { CardTransactionsModule } from '../card-transactions/card-transactions.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { DisputesModule } from '../disputes/disputes.module';
import { LedgerModule } from '../ledger/ledger.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { ReconciliationChecksRepository } from './reconciliation-checks.repository';
import { ReconciliationCompareRepository } from './reconciliation-compare.repository';
import { ReconciliationController } from './reconciliation.controller';
import { ReconciliationJobs } from './reconciliation.jobs';
import { ReconciliationRepository } from './reconciliation.repository';
import { ReconciliationRunnerService } from './reconciliation-runner.service';
import { ReconciliationService } from './reconciliation.service';
import { StripeMirrorRepository } from './stripe-mirror.repository';
import { StripeMirrorService } from './stripe-mirror.service';

/** Ours against Stripe's, both ways; what differs stands in a list until somebody explains it. */
@Module({
  imports: [
    StripeModule,
    WebhookOutboxModule,
    LedgerModule,
    ConnectedAccountsModule,
    AuthorizationsModule,
    CardTransactionsModule,
    DisputesModule,
  ],
  controllers: [ReconciliationController],
  providers: [
    ReconciliationService,
    ReconciliationRunnerService,
    ReconciliationRepository,
    ReconciliationCompareRepository,
    ReconciliationChecksRepository,
    ReconciliationJobs,
    StripeMirrorService,
    StripeMirrorRepository,
  ],
  exports: [ReconciliationService],
})
export class ReconciliationModule {}
