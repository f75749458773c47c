import { Injectable } from '@nestjs/common';
import { Clock } from '../shared/clock';
import { queryRows, Tx } from '../platform/database/database';
import { OutgoingEvent } from './outgoing-event.entity';
import { OutgoingEventDraft } from './outgoing-event.types';
import { OutgoingEventNotFound } from './webhook-endpoint.errors';
import { EventFilter, WebhookOutboxRepository } from './webhook-outbox.repository';

/**
 * Where modules say what the marketplace should hear. The event is a row in the caller's transaction: it is told if and only if
 * the fact was committed. Delivery goes on behind (`webhook-deliveries.jobs.ts`).
 */
@Injectable()
export class OutboxService {
  constructor(
    private readonly clock: Clock,
    private readonly repository: WebhookOutboxRepository,
  ) {}

  /** Answers the event's id. `data` must survive JSON; minor units as numbers, as in the API. */
  async append(tx: Tx, event: OutgoingEventDraft): Promise<string> {
    const [row] = await queryRows<{ id: string }>(tx, `select append_outgoing_event($1, $2, $3, $4, $5) as id`, [
      event.type,
      event.connectedAccountId ?? null,
      event.payoutId ?? null,
      JSON.stringify(event.data),
      event.occurredAt ?? this.clock.now(),
    ]);
    return row!.id;
  }

  async list(filter: EventFilter, limit: number, startingAfter?: string): Promise<OutgoingEvent[]> {
    return this.repository.listEvents(filter, limit, startingAfter);
  }

  /** @throws {OutgoingEventNotFound} */
  async get(id: string): Promise<OutgoingEvent> {
    const event = await this.repository.findEvent(id);
    if (!event) throw new OutgoingEventNotFound(id);
    return event;
  }
}
