import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { FundingTransferHopEntity } from './funding-transfer-hop.entity';
import { FundingTransferEntity } from './funding-transfer.entity';
import { FundingTransfersService } from './funding-transfers.service';
import { SellerFloatEntity } from './seller-float.entity';

@Module({
  imports: [TypeOrmModule.forFeature([FundingTransferEntity, FundingTransferHopEntity, SellerFloatEntity])],
  providers: [FundingTransfersService],
  exports: [FundingTransfersService],
})
export class FundingTransfersModule {}
