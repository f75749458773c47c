import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCardLinkViews1767130000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      create table card_link_views (
        id bigint generated always as identity primary key,
        connected_account_id text collate "C" not null references connected_accounts (id),
        card_link_id text collate "C" not null references card_links (id) on delete cascade,
        action text not null check (action in ('opened_page', 'entered_passcode', 'mistyped_passcode', 'showed_card')),
        -- "Safari on iPhone": never the whole user agent.
        client text not null check (length(client) <= 60),
        -- Null unless CARD_LINK_ADDRESSES says otherwise.
        address text check (length(address) <= 60),
        occurred_at timestamptz not null
      );

      create index card_link_views_by_link on card_link_views (card_link_id, id desc);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'; drop table card_link_views;`);
  }
}
