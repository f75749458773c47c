import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateRateLimits1767140000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- Counters of one minute: after a crash of the database they begin at zero, so nothing is written ahead for them.
      -- The columns, their types and their order are rate-limiter-flexible's. No index but the key: a count is then updated in place.
      create unlogged table rate_limits (
        key    text collate "C" primary key,
        points integer not null default 0,
        expire bigint
      ) with (fillfactor = 50);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table rate_limits;
    `);
  }
}
