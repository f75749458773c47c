import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthorizationsModule } from '../authorizations/authorizations.module';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { CardTransactionEntity } from './card-transaction.entity';
import { CardTransactionsController } from './card-transactions.controller';
import { CardTransactionsInbox } from './card-transactions.inbox';
import { CardTransactionsJobs } from './card-transactions.jobs';
import { CardTransactionsRepository } from './card-transactions.repository';
import { CardTransactionsService } from './card-transactions.service';

/** Captures, refunds, force captures: none can be refused. */
@Module({
  imports: [
    TypeOrmModule.forFeature([CardTransactionEntity]),
    LedgerModule,
    ConnectedAccountsModule,
    CardIssuanceModule,
    PayoutsModule,
    AuthorizationsModule,
    StripeModule,
    WebhookOutboxModule,
  ],
  controllers: [CardTransactionsController],
  providers: [CardTransactionsService, CardTransactionsRepository, CardTransactionsInbox, CardTransactionsJobs],
  exports: [CardTransactionsService],
})
export class CardTransactionsModule {}
