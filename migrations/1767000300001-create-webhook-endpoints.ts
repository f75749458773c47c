import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateWebhookEndpoints1767000300001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table webhook_endpoints (
        id                         text collate "C" primary key,
        url                        text not null check (length(url) <= 2048),
        description                text,
        -- Empty: every type.
        event_types                text[] not null,
        status                     text not null check (status in ('enabled', 'disabled')),
        disabled_reason            text,
        -- Encrypted with DATA_ENCRYPTION_KEYS, never readable here.
        secret_encrypted           text not null check (secret_encrypted not like 'whsec%'),
        previous_secret_encrypted  text check (previous_secret_encrypted not like 'whsec%'),
        previous_secret_expires_at timestamptz,
        created_at                 timestamptz not null,
        deleted_at                 timestamptz,
        check ((status = 'disabled') = (disabled_reason is not null)),
        check ((previous_secret_encrypted is null) = (previous_secret_expires_at is null))
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table webhook_endpoints;
    `);
  }
}
