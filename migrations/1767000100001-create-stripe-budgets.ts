import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateStripeBudgets1767000100001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- A token bucket that all replicas share. Unlogged: after a crash a full bucket is as good.
      create unlogged table stripe_budgets (
        name        text primary key,
        tokens      double precision not null, -- below zero: owed, and waited for by whoever took them
        refilled_at timestamptz not null
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table stripe_budgets;
    `);
  }
}
