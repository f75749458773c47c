import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { CardLinkRow } from './card-link.entity';
import { CardLinksController } from './card-links.controller';
import { CardLinksRepository } from './card-links.repository';
import { CardLinksService } from './card-links.service';
import { CardPagesController } from './card-pages.controller';

/** The secure link and its page. */
@Module({
  imports: [
    TypeOrmModule.forFeature([CardLinkRow]),
    PayoutsModule,
    LedgerModule,
    CardIssuanceModule,
    ConnectedAccountsModule,
    WebhookOutboxModule,
  ],
  controllers: [CardLinksController, CardPagesController],
  providers: [CardLinksService, CardLinksRepository],
  exports: [CardLinksService],
})
export class CardLinksModule {}
