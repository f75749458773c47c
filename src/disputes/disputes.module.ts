import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CardTransactionsModule } from '../card-transactions/card-transactions.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { DisputeEntity } from './dispute.entity';
import { DisputesController } from './disputes.controller';
import { DisputesInbox } from './disputes.inbox';
import { DisputesRepository } from './disputes.repository';
import { DisputesService } from './disputes.service';

/** Captures that the marketplace disputes at Stripe, and what they bring back. */
@Module({
  imports: [
    TypeOrmModule.forFeature([DisputeEntity]),
    LedgerModule,
    ConnectedAccountsModule,
    PayoutsModule,
    CardTransactionsModule,
    StripeModule,
    WebhookOutboxModule,
  ],
  controllers: [DisputesController],
  providers: [DisputesService, DisputesRepository, DisputesInbox],
  exports: [DisputesService],
})
export class DisputesModule {}
