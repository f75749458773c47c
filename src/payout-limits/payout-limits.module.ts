import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PayoutLabelEntity } from './payout-label.entity';
import { PayoutLabelsController } from './payout-labels.controller';
import { PayoutLimitsJobs } from './payout-limits.jobs';
import { PayoutLimitsRepository } from './payout-limits.repository';
import { PayoutLimitsService } from './payout-limits.service';

@Module({
  imports: [TypeOrmModule.forFeature([PayoutLabelEntity])],
  controllers: [PayoutLabelsController],
  providers: [PayoutLimitsService, PayoutLimitsRepository, PayoutLimitsJobs],
  exports: [PayoutLimitsService],
})
export class PayoutLimitsModule {}
