import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CardholdersModule } from '../cardholders/cardholders.module';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { StripeModule } from '../stripe/stripe.module';
import { CardEntity } from './card.entity';
import { CardIssuanceController } from './card-issuance.controller';
import { CardIssuanceInbox } from './card-issuance.inbox';
import { CardIssuanceJobs } from './card-issuance.jobs';
import { CardIssuanceRepository } from './card-issuance.repository';
import { CardIssuanceService } from './card-issuance.service';

@Module({
  imports: [TypeOrmModule.forFeature([CardEntity]), StripeModule, ConnectedAccountsModule, CardholdersModule],
  controllers: [CardIssuanceController],
  providers: [CardIssuanceService, CardIssuanceRepository, CardIssuanceJobs, CardIssuanceInbox],
  exports: [CardIssuanceService],
})
export class CardIssuanceModule {}
