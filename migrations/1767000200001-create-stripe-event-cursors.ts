import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateStripeEventCursors1767000200001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- How far the sweep of /v1/events has come, per account: webhooks get lost, the list does not.
      create table stripe_event_cursors (
        stripe_account_id text collate "C" primary key, -- 'platform' for the platform itself
        swept_to          timestamptz, -- newest event seen by a finished sweep; null: none yet
        next_sweep_at     timestamptz not null,
        created_at        timestamptz not null
      );
      create index stripe_event_cursors_due on stripe_event_cursors (next_sweep_at);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table stripe_event_cursors;
    `);
  }
}
