import { MigrationInterface, QueryRunner } from 'typeorm';

export class RenameIdempotencyKeyCaller1767160000101 implements MigrationInterface {
  name = 'RenameIdempotencyKeyCaller1767160000101';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      alter table idempotency_keys rename column api_key_id to key_family_id;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      alter table idempotency_keys rename column key_family_id to api_key_id;
    `);
  }
}
