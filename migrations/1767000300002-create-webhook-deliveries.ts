import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateWebhookDeliveries1767000300002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table webhook_deliveries (
        id               text collate "C" primary key,
        endpoint_id      text collate "C" not null references webhook_endpoints (id),
        event_id         text collate "C" not null references outgoing_events (id),
        -- Copied from the event: the order within a payout is asked for on every attempt.
        payout_id        text collate "C",
        event_sequence   bigint not null,
        status           text not null check (status in ('pending', 'delivered', 'failed', 'canceled')),
        attempts_count   integer not null default 0 check (attempts_count >= 0),
        -- Since when this round of attempts has been running; a redelivery by hand starts a new round.
        first_attempt_at timestamptz,
        next_attempt_at  timestamptz,
        -- Somebody is sending it right now, or died doing so.
        leased_until     timestamptz,
        delivered_at     timestamptz,
        created_at       timestamptz not null,
        unique (endpoint_id, event_id),
        check ((status = 'pending') = (next_attempt_at is not null)),
        check (status <> 'delivered' or delivered_at is not null)
      );
      create index webhook_deliveries_due on webhook_deliveries (endpoint_id, next_attempt_at) where status = 'pending';
      create index webhook_deliveries_lane on webhook_deliveries (endpoint_id, payout_id, event_sequence) where status = 'pending';
      create index webhook_deliveries_event on webhook_deliveries (event_id);

      create table webhook_delivery_attempts (
        delivery_id     text collate "C" not null references webhook_deliveries (id),
        attempt         integer not null check (attempt > 0),
        attempted_at    timestamptz not null,
        duration_ms     integer not null check (duration_ms >= 0),
        response_status integer,
        response_start  text check (length(response_start) <= 500),
        error           text,
        primary key (delivery_id, attempt)
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table webhook_delivery_attempts;
      drop table webhook_deliveries;
    `);
  }
}
