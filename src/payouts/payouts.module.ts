import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { CardholdersModule } from '../cardholders/cardholders.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { FundingTransfersModule } from '../funding-transfers/funding-transfers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutLimitsModule } from '../payout-limits/payout-limits.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { PayoutMoves } from './payout-moves.service';
import { PayoutProgressService } from './payout-progress.service';
import { PayoutEntity } from './payout.entity';
import { PayoutsController } from './payouts.controller';
import { PayoutsInbox } from './payouts.inbox';
import { PayoutsJobs } from './payouts.jobs';
import { PayoutsRepository } from './payouts.repository';
import { PayoutsService } from './payouts.service';

@Module({
  imports: [
    TypeOrmModule.forFeature([PayoutEntity]),
    StripeModule,
    WebhookOutboxModule,
    LedgerModule,
    ConnectedAccountsModule,
    CardholdersModule,
    FundingTransfersModule,
    CardIssuanceModule,
    PayoutLimitsModule,
  ],
  controllers: [PayoutsController],
  providers: [PayoutsService, PayoutProgressService, PayoutMoves, PayoutsRepository, PayoutsJobs, PayoutsInbox],
  exports: [PayoutsService],
})
export class PayoutsModule {}
