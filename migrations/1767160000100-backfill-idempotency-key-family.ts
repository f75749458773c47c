import { MigrationInterface, QueryRunner } from 'typeorm';

export class BackfillIdempotencyKeyFamily1767160000100 implements MigrationInterface {
  name = 'BackfillIdempotencyKeyFamily1767160000100';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- A key and its successors are one caller. Where several of them were answered under one idempotency key, the first answer stands.
      delete from idempotency_keys later using api_keys later_key
      where later_key.id = later.api_key_id and exists (
        select from idempotency_keys earlier join api_keys earlier_key on earlier_key.id = earlier.api_key_id
        where earlier_key.family_id = later_key.family_id and earlier.key = later.key
          and (earlier.created_at, earlier.api_key_id) < (later.created_at, later.api_key_id));
      update idempotency_keys answered set api_key_id = caller.family_id from api_keys caller
      where caller.id = answered.api_key_id and caller.family_id <> caller.id;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    // Which key of a line was answered is forgotten: all answers are the first one's.
    await queryRunner.query(`set local lock_timeout = '5s'`);
  }
}
