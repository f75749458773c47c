import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { OutboxService } from './outbox.service';
import { OutgoingEvent } from './outgoing-event.entity';

/** What we tell the marketplace: stored with the fact, signed, delivered, retried. */
@Module({
  imports: [TypeOrmModule.forFeature([OutgoingEvent])],
  providers: [OutboxService],
  exports: [OutboxService],
})
export class WebhookOutboxModule {}
