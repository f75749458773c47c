import { Injectable } from '@nestjs/common';
import { Clock } from '../shared/clock';
import { queryRows, Tx } from '../platform/database/database';
import { OutgoingEventDraft } from './outgoing-event.types';

/**
 * Where modules say what the marketplace should hear. The event is a row in the caller's transaction: it is told if and only if
 * the fact was committed. Delivery goes on behind (`webhook-deliveries.jobs.ts`).
 */
@Injectable()
export class OutboxService {
  constructor(private readonly clock: Clock) {}

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
}
