import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { LedgerModule } from '../ledger/ledger.module';
import { StripeModule } from '../stripe/stripe.module';
import { FundingTransferHopEntity } from './funding-transfer-hop.entity';
import { FundingTransferEntity } from './funding-transfer.entity';
import { FundingTransfersInbox } from './funding-transfers.inbox';
import { FundingTransfersJobs } from './funding-transfers.jobs';
import { FundingTransfersRepository } from './funding-transfers.repository';
import { FundingTransfersService } from './funding-transfers.service';
import { PrefundedRail } from './prefunded.rail';
import { SellerFloatEntity } from './seller-float.entity';
import { TopupRail } from './topup.rail';
import { TransferRail } from './transfer.rail';

/** Money on its way to an Issuing balance, and back. */
@Module({
  imports: [
    TypeOrmModule.forFeature([FundingTransferEntity, FundingTransferHopEntity, SellerFloatEntity]),
    StripeModule,
    LedgerModule,
    ConnectedAccountsModule,
  ],
  providers: [
    FundingTransfersService,
    FundingTransfersRepository,
    FundingTransfersJobs,
    FundingTransfersInbox,
    TransferRail,
    TopupRail,
    PrefundedRail,
  ],
  exports: [FundingTransfersService],
})
export class FundingTransfersModule {}
