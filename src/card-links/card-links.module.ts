import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CardIssuanceModule } from '../card-issuance/card-issuance.module';
import { PayoutsModule } from '../payouts/payouts.module';
import { WebhookOutboxModule } from '../webhook-outbox/webhook-outbox.module';
import { CardLinkRow } from './card-link.entity';
import { CardLinksController } from './card-links.controller';
import { CardLinksJobs } from './card-links.jobs';
import { CardLinksRepository } from './card-links.repository';
import { CardLinksService } from './card-links.service';

/** The secure link: who may show a card, how often it was tried, and whose it is. Its page is `card-pages`. */
@Module({
  imports: [TypeOrmModule.forFeature([CardLinkRow]), PayoutsModule, CardIssuanceModule, WebhookOutboxModule],
  controllers: [CardLinksController],
  providers: [CardLinksService, CardLinksRepository, CardLinksJobs],
  exports: [CardLinksService],
})
export class CardLinksModule {}
