import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EncryptionModule } from '../platform/encryption/encryption.module';
import { EventsController } from './events.controller';
import { OutboxService } from './outbox.service';
import { OutgoingEvent } from './outgoing-event.entity';
import { WebhookDeliveriesController } from './webhook-deliveries.controller';
import { WebhookDeliveriesJobs } from './webhook-deliveries.jobs';
import { WebhookDeliveriesService } from './webhook-deliveries.service';
import { WebhookDelivery } from './webhook-delivery.entity';
import { WebhookDeliveryAttempt } from './webhook-delivery-attempt.entity';
import { WebhookEndpoint } from './webhook-endpoint.entity';
import { WebhookEndpointsController } from './webhook-endpoints.controller';
import { WebhookEndpointsService } from './webhook-endpoints.service';
import { WebhookOutboxRepository } from './webhook-outbox.repository';
import { WebhookSender } from './webhook-sender';

/** What we tell the marketplace: stored with the fact, signed, delivered, retried. */
@Module({
  imports: [
    TypeOrmModule.forFeature([OutgoingEvent, WebhookEndpoint, WebhookDelivery, WebhookDeliveryAttempt]),
    EncryptionModule,
  ],
  controllers: [EventsController, WebhookEndpointsController, WebhookDeliveriesController],
  providers: [
    OutboxService,
    WebhookEndpointsService,
    WebhookDeliveriesService,
    WebhookDeliveriesJobs,
    WebhookOutboxRepository,
    WebhookSender,
  ],
  exports: [OutboxService],
})
export class WebhookOutboxModule {}
