import { MigrationInterface, QueryRunner } from 'typeorm';

export class BackfillCardAskedInactive1767160000001 implements MigrationInterface {
  name = 'BackfillCardAskedInactive1767160000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      update cards set asked_inactive = true where frozen and cancel_requested_at is null and status in ('active', 'inactive');
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      update cards set asked_inactive = false where asked_inactive;
    `);
  }
}
