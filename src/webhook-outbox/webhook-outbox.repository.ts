import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { Database, queryRows, Tx } from '../platform/database/database';
import { OutgoingEvent } from './outgoing-event.entity';
import { WebhookDelivery } from './webhook-delivery.entity';
import { WebhookDeliveryAttempt } from './webhook-delivery-attempt.entity';
import { WebhookEndpoint } from './webhook-endpoint.entity';

export interface EventFilter {
  readonly type?: string | undefined;
  readonly payoutId?: string | undefined;
  readonly connectedAccountId?: string | undefined;
}

export interface DeliveryFilter {
  readonly endpointId?: string | undefined;
  readonly eventId?: string | undefined;
  readonly status?: string | undefined;
}

/** A delivery with what its view shows beside it. */
export interface ListedDelivery {
  readonly id: string;
  readonly delivery: WebhookDelivery;
  readonly eventType: string;
  readonly attempts: readonly WebhookDeliveryAttempt[];
}

/** Everything one attempt needs. */
export interface DeliveryJourney {
  readonly delivery: WebhookDelivery;
  readonly event: OutgoingEvent;
  readonly endpoint: WebhookEndpoint;
}

@Injectable()
export class WebhookOutboxRepository {
  constructor(private readonly database: Database) {}

  // Events

  /** Newest first in the order they were said: ids of one millisecond do not tell it, the sequence does. */
  async listEvents(filter: EventFilter, limit: number, startingAfter?: string): Promise<OutgoingEvent[]> {
    return this.database.reader
      .getRepository(OutgoingEvent)
      .createQueryBuilder('event')
      .where('(:type::text is null or event.type = :type)', { type: filter.type ?? null })
      .andWhere('(:payoutId::text is null or event.payout_id = :payoutId)', { payoutId: filter.payoutId ?? null })
      .andWhere('(:account::text is null or event.connected_account_id = :account)', {
        account: filter.connectedAccountId ?? null,
      })
      .andWhere(`(:after::text is null or event.sequence < (select sequence from outgoing_events where id = :after))`, {
        after: startingAfter ?? null,
      })
      .orderBy('event.sequence', 'DESC')
      .take(limit + 1)
      .getMany();
  }

  async findEvent(id: string): Promise<OutgoingEvent | null> {
    return this.database.reader.getRepository(OutgoingEvent).findOneBy({ id });
  }

  // Endpoints

  async insertEndpoint(tx: Tx, endpoint: WebhookEndpoint): Promise<void> {
    await tx.getRepository(WebhookEndpoint).insert(endpoint);
  }

  async saveEndpoint(tx: Tx, endpoint: WebhookEndpoint): Promise<void> {
    await tx.getRepository(WebhookEndpoint).update({ id: endpoint.id }, endpoint);
  }

  async countEndpoints(tx: Tx): Promise<number> {
    return tx.getRepository(WebhookEndpoint).countBy({ deletedAt: IsNull() });
  }

  async listEndpoints(limit: number, startingAfter?: string): Promise<WebhookEndpoint[]> {
    const query = this.database.reader
      .getRepository(WebhookEndpoint)
      .createQueryBuilder('endpoint')
      .where('endpoint.deleted_at is null');
    if (startingAfter !== undefined) query.andWhere('endpoint.id < :startingAfter', { startingAfter });
    return query
      .orderBy('endpoint.id', 'DESC')
      .take(limit + 1)
      .getMany();
  }

  async findEndpoint(id: string): Promise<WebhookEndpoint | null> {
    return this.database.reader.getRepository(WebhookEndpoint).findOneBy({ id, deletedAt: IsNull() });
  }

  async lockEndpoint(tx: Tx, id: string): Promise<WebhookEndpoint | null> {
    return tx
      .getRepository(WebhookEndpoint)
      .findOne({ where: { id, deletedAt: IsNull() }, lock: { mode: 'pessimistic_write' } });
  }

  // Deliveries

  /**
   * Makes a delivery of each new event for each endpoint that listens to its type. Answers how many events it looked at.
   * An event that is being looked at by another replica is skipped.
   */
  async fanOut(tx: Tx, now: Date, limit: number): Promise<number> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `with fresh as materialized (
         select id, sequence, type, payout_id from outgoing_events
         where fanned_out_at is null order by sequence limit $2 for update skip locked
       ), made as (
         insert into webhook_deliveries (id, endpoint_id, event_id, payout_id, event_sequence, status, next_attempt_at, created_at)
         select 'delivery_' || new_ulid(), endpoint.id, fresh.id, fresh.payout_id, fresh.sequence,
                -- What a disabled endpoint misses is kept as failed, to be sent by hand once it is back.
                case when endpoint.status = 'enabled' then 'pending' else 'failed' end,
                case when endpoint.status = 'enabled' then $1::timestamptz end, $1
         from fresh join webhook_endpoints endpoint
           on endpoint.deleted_at is null
           and (endpoint.event_types = '{}' or fresh.type = any (endpoint.event_types))
         order by fresh.sequence
         on conflict (endpoint_id, event_id) do nothing
       )
       update outgoing_events set fanned_out_at = $1 where id in (select id from fresh) returning id`,
      [now, limit],
    );
    return rows.length;
  }

  /** Delivers one event to one endpoint only, whatever it listens to. */
  async insertTestDelivery(tx: Tx, eventId: string, endpointId: string, now: Date): Promise<string> {
    const [row] = await queryRows<{ id: string }>(
      tx,
      `with event as (
         update outgoing_events set fanned_out_at = $3 where id = $1 returning id, sequence
       )
       insert into webhook_deliveries (id, endpoint_id, event_id, event_sequence, status, next_attempt_at, created_at)
       select 'delivery_' || new_ulid(), $2, event.id, event.sequence, 'pending', $3, $3 from event returning id`,
      [eventId, endpointId, now],
    );
    return row!.id;
  }

  /** One sweep at a time; false when another replica is at it. */
  async tryLockSweep(tx: Tx): Promise<boolean> {
    const [row] = await queryRows<{ locked: boolean }>(
      tx,
      `select pg_try_advisory_xact_lock(hashtextextended('disburse:deliver-outgoing-events', 0)) as locked`,
    );
    return row?.locked ?? false;
  }

  /**
   * Takes deliveries that are due and not being sent, at most `inFlightMax` per endpoint, so that one that hangs does not keep the
   * others waiting. Within a payout the oldest unsettled one goes first and alone.
   */
  async leaseDue(tx: Tx, now: Date, leasedUntil: Date, inFlightMax: number): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `with due as materialized (
         select chosen.id from webhook_endpoints endpoint
         cross join lateral (
           select delivery.id from webhook_deliveries delivery
           where delivery.endpoint_id = endpoint.id and delivery.status = 'pending' and delivery.next_attempt_at <= $1
             and (delivery.leased_until is null or delivery.leased_until <= $1)
             and not exists (
               select 1 from webhook_deliveries earlier
               where earlier.endpoint_id = delivery.endpoint_id and earlier.payout_id = delivery.payout_id
                 and earlier.status = 'pending' and earlier.event_sequence < delivery.event_sequence)
           order by delivery.next_attempt_at, delivery.event_sequence
           limit greatest(0, $3 - (
             select count(*) from webhook_deliveries flying
             where flying.endpoint_id = endpoint.id and flying.status = 'pending' and flying.leased_until > $1))
         ) chosen
         where endpoint.status = 'enabled' and endpoint.deleted_at is null
       )
       update webhook_deliveries set leased_until = $2 where id in (select id from due) returning id`,
      [now, leasedUntil, inFlightMax],
    );
    return rows.map((row) => row.id);
  }

  /** The next delivery of the same payout to the same endpoint, taken if it is due and free. */
  async leaseNextOfLane(tx: Tx, settled: WebhookDelivery, now: Date, leasedUntil: Date): Promise<string | undefined> {
    if (settled.payoutId === null) return undefined;
    const [row] = await queryRows<{ id: string }>(
      tx,
      `update webhook_deliveries set leased_until = $4
       where status = 'pending' and next_attempt_at <= $3 and (leased_until is null or leased_until <= $3) and id = (
         select id from webhook_deliveries where endpoint_id = $1 and payout_id = $2 and status = 'pending'
         order by event_sequence limit 1)
       returning id`,
      [settled.endpointId, settled.payoutId, now, leasedUntil],
    );
    return row?.id;
  }

  async findJourney(id: string): Promise<DeliveryJourney | undefined> {
    const manager = this.database.reader;
    const delivery = await manager.getRepository(WebhookDelivery).findOneBy({ id });
    if (!delivery) return undefined;
    const [event, endpoint] = await Promise.all([
      manager.getRepository(OutgoingEvent).findOneByOrFail({ id: delivery.eventId }),
      manager.getRepository(WebhookEndpoint).findOneByOrFail({ id: delivery.endpointId }),
    ]);
    return { delivery, event, endpoint };
  }

  async lockDelivery(tx: Tx, id: string): Promise<WebhookDelivery | null> {
    return tx.getRepository(WebhookDelivery).findOne({ where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  async saveDelivery(tx: Tx, delivery: WebhookDelivery): Promise<void> {
    await tx.getRepository(WebhookDelivery).update({ id: delivery.id }, delivery);
  }

  async insertAttempt(tx: Tx, attempt: WebhookDeliveryAttempt): Promise<void> {
    await tx.getRepository(WebhookDeliveryAttempt).insert(attempt);
  }

  /** Whether anything at all has arrived there since. */
  async hasDeliveredSince(tx: Tx, endpointId: string, since: Date): Promise<boolean> {
    const rows = await queryRows(
      tx,
      `select 1 from webhook_deliveries where endpoint_id = $1 and status = 'delivered' and delivered_at >= $2 limit 1`,
      [endpointId, since],
    );
    return rows.length > 0;
  }

  /** Ends what is still waiting for an endpoint that will not be asked any more. */
  async endPending(tx: Tx, endpointId: string, status: 'failed' | 'canceled'): Promise<void> {
    await tx.query(
      `update webhook_deliveries set status = $2, next_attempt_at = null, leased_until = null where endpoint_id = $1 and status = 'pending'`,
      [endpointId, status],
    );
  }

  async listDeliveries(filter: DeliveryFilter, limit: number, startingAfter?: string): Promise<ListedDelivery[]> {
    const deliveries = await this.database.reader
      .getRepository(WebhookDelivery)
      .createQueryBuilder('delivery')
      .where('(:endpointId::text is null or delivery.endpoint_id = :endpointId)', {
        endpointId: filter.endpointId ?? null,
      })
      .andWhere('(:eventId::text is null or delivery.event_id = :eventId)', { eventId: filter.eventId ?? null })
      .andWhere('(:status::text is null or delivery.status = :status)', { status: filter.status ?? null })
      .andWhere('(:after::text is null or delivery.id < :after)', { after: startingAfter ?? null })
      .orderBy('delivery.id', 'DESC')
      .take(limit + 1)
      .getMany();
    return this.withAttempts(this.database.reader, deliveries);
  }

  async findDelivery(id: string, tx: Tx = this.database.reader): Promise<ListedDelivery | undefined> {
    const delivery = await tx.getRepository(WebhookDelivery).findOneBy({ id });
    return delivery ? (await this.withAttempts(tx, [delivery]))[0] : undefined;
  }

  private async withAttempts(tx: Tx, deliveries: readonly WebhookDelivery[]): Promise<ListedDelivery[]> {
    const ids = deliveries.map((delivery) => delivery.id);
    const attempts = await tx
      .getRepository(WebhookDeliveryAttempt)
      .createQueryBuilder('attempt')
      .where('attempt.delivery_id = any(:ids)', { ids })
      .orderBy('attempt.attempt', 'ASC')
      .getMany();
    const types = await queryRows<{ id: string; type: string }>(
      tx,
      `select id, type from outgoing_events where id = any($1)`,
      [deliveries.map((delivery) => delivery.eventId)],
    );
    const typeOf = new Map(types.map((row) => [row.id, row.type]));
    return deliveries.map((delivery) => ({
      id: delivery.id,
      delivery,
      eventType: typeOf.get(delivery.eventId) ?? '',
      attempts: attempts.filter((attempt) => attempt.deliveryId === delivery.id),
    }));
  }
}
