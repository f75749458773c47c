import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCardLinks1767001200000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table card_links (
        id text collate "C" primary key,
        connected_account_id text collate "C" not null references connected_accounts (id),
        payout_id text collate "C" not null references payouts (id),
        -- Hex SHA-256 of the token. The token itself is in the seller's mail and nowhere else.
        token_hash text not null unique check (token_hash ~ '^[0-9a-f]{64}$'),
        passcode_salt text,
        passcode_hash text,
        passcode_tries smallint not null default 0 check (passcode_tries between 0 and 5),
        created_at timestamptz not null,
        expires_at timestamptz not null,
        ended_at timestamptz,
        ended_because text check (ended_because in ('revoked', 'replaced', 'locked')),
        views integer not null default 0 check (views >= 0),
        last_viewed_at timestamptz,
        last_viewed_with text check (last_viewed_with in ('phone', 'computer', 'robot', 'other')),
        check (expires_at > created_at),
        check ((passcode_salt is null) = (passcode_hash is null)),
        check ((ended_at is null) = (ended_because is null))
      );

      -- Re-issuing kills the old link: two live links to one payout cannot exist, however many requests race.
      create unique index card_links_one_live on card_links (payout_id) where ended_at is null;
      create index card_links_by_payout on card_links (payout_id, id desc);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'; drop table card_links;`);
  }
}
