import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateStripeEvents1767000200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- What Stripe told us, each event once, cut down to the fields we need: no names, addresses, telephone numbers or card data.
      create table stripe_events (
        id                  text collate "C" primary key,
        stripe_event_id     text collate "C" not null unique,
        type                text not null,
        stripe_account_id   text, -- null: the platform
        object_id           text,
        object_type         text,
        object              jsonb not null check (jsonb_typeof(object) = 'object'),
        previous_attributes jsonb,
        api_version         text,
        occurred_at         timestamptz not null, -- Stripe's, to the second
        received_at         timestamptz not null,
        source              text not null check (source in ('webhook', 'sweep')),
        status              text not null check (status in ('pending', 'handled', 'ignored', 'dead')),
        attempts            integer not null default 0 check (attempts >= 0),
        dispatched_at       timestamptz, -- first handed to its handlers
        is_stale            boolean not null default false,
        handled_by          text[] not null default '{}',
        handled_at          timestamptz,
        last_error          text,
        next_attempt_at     timestamptz not null default clock_timestamp(),
        check ((status in ('handled', 'ignored')) = (handled_at is not null))
      );
      create index stripe_events_of_object on stripe_events (object_id, occurred_at) where dispatched_at is not null;
      create index stripe_events_pending on stripe_events (next_attempt_at) where status = 'pending';
      create index stripe_events_dead on stripe_events (id) where status = 'dead';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table stripe_events;
    `);
  }
}
