import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { PayoutLimitsModule } from '../payout-limits/payout-limits.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { PayoutBatchEntity } from './payout-batch.entity';
import { PayoutBatchesController } from './payout-batches.controller';
import { PayoutBatchesJobs } from './payout-batches.jobs';
import { PayoutBatchesRepository } from './payout-batches.repository';
import { PayoutBatchesService } from './payout-batches.service';
import { PayoutLabelActsController } from './payout-label-acts.controller';
import { PayoutLabelActsService } from './payout-label-acts.service';

/** Many payouts at once: batches of new ones, and acts on all of one label. */
@Module({
  imports: [
    TypeOrmModule.forFeature([PayoutBatchEntity]),
    WebhookOutboxModule,
    PayoutLimitsModule,
    CardIssuanceModule,
    PayoutsModule,
  ],
  controllers: [PayoutBatchesController, PayoutLabelActsController],
  providers: [PayoutBatchesService, PayoutBatchesRepository, PayoutBatchesJobs, PayoutLabelActsService],
})
export class PayoutBatchesModule {}
