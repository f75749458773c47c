import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { StripeModule } from '../stripe/stripe.module';
import { DeadLettersController } from './dead-letters.controller';
import { StoredStripeEvent } from './stored-stripe-event.entity';
import { StripeEventCursor } from './stripe-event-cursor.entity';
import { StripeEventDispatcher } from './stripe-event-dispatcher';
import { StripeEventHandlers } from './stripe-event-handlers';
import { WebhookInboxMetrics } from './webhook-inbox-metrics';
import { WebhookInboxController } from './webhook-inbox.controller';
import { WebhookInboxJobs } from './webhook-inbox.jobs';
import { WebhookInboxRepository } from './webhook-inbox.repository';
import { WebhookInboxService } from './webhook-inbox.service';

/** What Stripe tells us: verified, stored once, dispatched. */
@Module({
  imports: [DiscoveryModule, StripeModule, TypeOrmModule.forFeature([StoredStripeEvent, StripeEventCursor])],
  controllers: [WebhookInboxController, DeadLettersController],
  providers: [
    WebhookInboxService,
    WebhookInboxRepository,
    WebhookInboxJobs,
    WebhookInboxMetrics,
    StripeEventHandlers,
    StripeEventDispatcher,
  ],
  exports: [WebhookInboxService],
})
export class WebhookInboxModule {}
