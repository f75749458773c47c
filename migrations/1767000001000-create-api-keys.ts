import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateApiKeys1767000001000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table api_keys (
        id                    text collate "C" primary key,
        name                  text not null,
        role                  text not null check (role in ('marketplace', 'finance', 'admin', 'auditor', 'pci')),
        -- SHA-256 of the key; the key itself is stored nowhere.
        key_hash              bytea not null unique check (length(key_hash) = 32),
        hint                  text not null check (length(hint) <= 20),
        created_at            timestamptz not null,
        created_by_api_key_id text collate "C" references api_keys (id),
        expires_at            timestamptz,
        revoked_at            timestamptz,
        last_used_at          timestamptz
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table api_keys;
    `);
  }
}
