import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateIdempotencyKeys1767000000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- The answer is json, not jsonb: a replay repeats the same bytes. No foreign key to api_keys: a key's answers outlive it harmlessly.
      create table idempotency_keys (
        api_key_id   text collate "C" not null,
        key          text collate "C" not null check (length(key) between 1 and 255),
        request_hash bytea not null check (length(request_hash) = 32),
        status       integer not null check (status between 200 and 299),
        answer       json not null,
        created_at   timestamptz not null,
        primary key (api_key_id, key)
      );
      create index idempotency_keys_created_at on idempotency_keys (created_at);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table idempotency_keys;
    `);
  }
}
