import { MigrationInterface, QueryRunner } from 'typeorm';

export class AddApiKeyFamilies1767140000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- The first key of a line of rotations. A successor is the same caller: it shares limits, and cannot approve what the old key asked for.
      alter table api_keys add family_id text collate "C" references api_keys (id);
      update api_keys set family_id = id;
      alter table api_keys alter family_id set not null;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      alter table api_keys drop family_id;
    `);
  }
}
