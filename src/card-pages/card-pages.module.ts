import { Module } from '@nestjs/common';
import { AuthorizationsModule } from '../authorizations/authorizations.module';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { CardLinksModule } from '../card-links/card-links.module';
import { CardPageTextsModule } from '../card-page-texts/card-page-texts.module';
import { CardTransactionsModule } from '../card-transactions/card-transactions.module';
import { CardholdersModule } from '../cardholders/cardholders.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { StripeModule } from '../stripe/stripe.module';
import { CardPagesController } from './card-pages.controller';
import { CardPagesService } from './card-pages.service';
import { PageVisits } from './page-visits.service';

/** The page behind a card link. It owns no table: links are `card-links`', cards Stripe's. */
@Module({
  imports: [
    CardLinksModule,
    CardPageTextsModule,
    AuthorizationsModule,
    CardTransactionsModule,
    CardIssuanceModule,
    CardholdersModule,
    ConnectedAccountsModule,
    LedgerModule,
    PayoutsModule,
    StripeModule,
  ],
  controllers: [CardPagesController],
  providers: [CardPagesService, PageVisits],
})
export class CardPagesModule {}
