import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { LedgerModule } from '../ledger/ledger.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookInboxModule } from '../webhook-inbox/webhook-inbox.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { ConnectedAccountEntity } from './connected-account.entity';
import { ConnectedAccountsController } from './connected-accounts.controller';
import { ConnectedAccountsInbox } from './connected-accounts.inbox';
import { ConnectedAccountsJobs } from './connected-accounts.jobs';
import { ConnectedAccountsRepository } from './connected-accounts.repository';
import { ConnectedAccountsService } from './connected-accounts.service';

@Module({
  imports: [
    TypeOrmModule.forFeature([ConnectedAccountEntity]),
    StripeModule,
    WebhookInboxModule,
    WebhookOutboxModule,
    LedgerModule,
  ],
  controllers: [ConnectedAccountsController],
  providers: [ConnectedAccountsService, ConnectedAccountsRepository, ConnectedAccountsJobs, ConnectedAccountsInbox],
  exports: [ConnectedAccountsService],
})
export class ConnectedAccountsModule {}
