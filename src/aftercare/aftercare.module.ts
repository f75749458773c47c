import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { FundingTransfersModule } from '../funding-transfers/funding-transfers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { AftercareSettlementEntity } from './aftercare-settlement.entity';
import { AftercareController } from './aftercare.controller';
import { AftercareRepository } from './aftercare.repository';
import { AftercareService } from './aftercare.service';

/** What stands after a payout's money moved beyond it, until finance settles it. */
@Module({
  imports: [TypeOrmModule.forFeature([AftercareSettlementEntity]), LedgerModule, FundingTransfersModule, PayoutsModule],
  controllers: [AftercareController],
  providers: [AftercareService, AftercareRepository],
  exports: [AftercareService],
})
export class AftercareModule {}
