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

  /** The same for many at once, in their order. */
  async appendAll(tx: Tx, events: readonly OutgoingEventDraft[]): Promise<void> {
    const now = this.clock.now();
    const rows = events.map((event) => ({
      type: event.type,
      account: event.connectedAccountId ?? null,
      payout: event.payoutId ?? null,
      data: event.data,
      at: event.occurredAt ?? now,
    }));
    await queryRows(
      tx,
      `select append_outgoing_event(type, account, payout, data, at)
         from jsonb_to_recordset($1::jsonb) as event (type text, account text, payout text, data jsonb, at timestamptz)`,
      [JSON.stringify(rows)],
    );
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
