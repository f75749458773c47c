import { MigrationInterface, QueryRunner } from 'typeorm';

export class EnforceArgon2idPasscodes1767130000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- Hashes of the earlier kind cannot be checked any more: their links end, and the marketplace issues new ones.
      update card_links set ended_at = coalesce(ended_at, created_at), ended_because = coalesce(ended_because, 'revoked'), passcode_hash = null, passcode_salt = null
        where passcode_hash is not null;

      -- An argon2id hash carries its salt and its costs.
      alter table card_links drop column passcode_salt;
      alter table card_links add constraint card_links_passcode_is_argon2id check (passcode_hash ~ '^\\$argon2id\\$');
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      update card_links set ended_at = coalesce(ended_at, created_at), ended_because = coalesce(ended_because, 'revoked'), passcode_hash = null
        where passcode_hash is not null;
      alter table card_links drop constraint card_links_passcode_is_argon2id;
      alter table card_links add column passcode_salt text;
      alter table card_links add check ((passcode_salt is null) = (passcode_hash is null));
    `);
  }
}
