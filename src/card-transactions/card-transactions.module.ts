import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthorizationsModule } from '../authorizations/authorizations.module';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { FundingTransfersModule } from '../funding-transfers/funding-transfers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { AftercareSettlementEntity } from './aftercare-settlement.entity';
import { AftercareService } from './aftercare.service';
import { CardTransactionEntity } from './card-transaction.entity';
import { CardTransactionsController } from './card-transactions.controller';
import { CardTransactionsInbox } from './card-transactions.inbox';
import { CardTransactionsJobs } from './card-transactions.jobs';
import { CardTransactionsRepository } from './card-transactions.repository';
import { CardTransactionsService } from './card-transactions.service';
import { DisputeEntity } from './dispute.entity';
import { DisputesController } from './disputes.controller';
import { DisputesInbox } from './disputes.inbox';
import { DisputesRepository } from './disputes.repository';
import { DisputesService } from './disputes.service';

/** Captures, refunds, force captures; disputes; aftercare. */
@Module({
  imports: [
    TypeOrmModule.forFeature([CardTransactionEntity, DisputeEntity, AftercareSettlementEntity]),
    LedgerModule,
    ConnectedAccountsModule,
    CardIssuanceModule,
    FundingTransfersModule,
    PayoutsModule,
    AuthorizationsModule,
    StripeModule,
    WebhookOutboxModule,
  ],
  controllers: [CardTransactionsController, DisputesController],
  providers: [
    CardTransactionsService,
    CardTransactionsRepository,
    CardTransactionsInbox,
    CardTransactionsJobs,
    DisputesService,
    DisputesRepository,
    DisputesInbox,
    AftercareService,
  ],
  exports: [CardTransactionsService, DisputesService],
})
export class CardTransactionsModule {}
