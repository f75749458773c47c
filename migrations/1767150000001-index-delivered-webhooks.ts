import { MigrationInterface, QueryRunner } from 'typeorm';

export class IndexDeliveredWebhooks1767150000001 implements MigrationInterface {
  name = 'IndexDeliveredWebhooks1767150000001';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      -- Whether an endpoint has taken anything lately, and what is old enough to be forgotten.
      create index webhook_deliveries_delivered on webhook_deliveries (endpoint_id, delivered_at) where status = 'delivered';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop index webhook_deliveries_delivered;
    `);
  }
}
