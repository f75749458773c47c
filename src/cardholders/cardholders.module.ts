import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ConnectedAccountsModule } from '../connected-accounts/connected-accounts.module';
import { StripeModule } from '../stripe/stripe.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { CardholderEntity } from './cardholder.entity';
import { CardholdersController } from './cardholders.controller';
import { CardholdersInbox } from './cardholders.inbox';
import { CardholdersJobs } from './cardholders.jobs';
import { CardholdersRepository } from './cardholders.repository';
import { CardholdersService } from './cardholders.service';

@Module({
  imports: [TypeOrmModule.forFeature([CardholderEntity]), StripeModule, ConnectedAccountsModule, WebhookOutboxModule],
  controllers: [CardholdersController],
  providers: [CardholdersService, CardholdersRepository, CardholdersJobs, CardholdersInbox],
  exports: [CardholdersService],
})
export class CardholdersModule {}
