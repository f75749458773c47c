import { MigrationInterface, QueryRunner } from 'typeorm';

/** Stored events are their own queue: `next_attempt_at` says when one may be taken, `priority` which of the due ones first. */
export class AddStripeEventPriority1767100000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      -- 0: what the card network did with a hold or with money; 1: everything else.
      alter table stripe_events add column priority smallint not null default 1 check (priority in (0, 1));
      create index stripe_events_due on stripe_events (priority, next_attempt_at, id) where status = 'pending';
      drop index stripe_events_pending;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      create index stripe_events_pending on stripe_events (next_attempt_at) where status = 'pending';
      drop index stripe_events_due;
      alter table stripe_events drop column priority;
    `);
  }
}
