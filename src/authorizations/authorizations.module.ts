import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { AuthorizationRequestEntity } from './authorization-request.entity';
import { AuthorizationEntity } from './authorization.entity';
import { AuthorizationsController } from './authorizations.controller';
import { AuthorizationsInbox } from './authorizations.inbox';
import { AuthorizationsJobs } from './authorizations.jobs';
import { AuthorizationsRepository } from './authorizations.repository';
import { AuthorizationsService } from './authorizations.service';

/** Holds and releases, as the network recorded them; and the receipts of decisions. */
@Module({
  imports: [
    TypeOrmModule.forFeature([AuthorizationEntity, AuthorizationRequestEntity]),
    LedgerModule,
    ConnectedAccountsModule,
    CardIssuanceModule,
    PayoutsModule,
    StripeModule,
    WebhookOutboxModule,
  ],
  controllers: [AuthorizationsController],
  providers: [AuthorizationsService, AuthorizationsRepository, AuthorizationsInbox, AuthorizationsJobs],
  exports: [AuthorizationsService],
})
export class AuthorizationsModule {}
