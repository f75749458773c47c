import { MigrationInterface, QueryRunner } from 'typeorm';

export class AddCardLinkBindings1767130000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      alter table card_links
        -- Hex SHA-256 of the cookie of the browser that showed the card first, or last proved the passcode.
        add column browser_hash text check (browser_hash ~ '^[0-9a-f]{64}$'),
        add column bound_at timestamptz,
        add column revealed_at timestamptz,
        add column reveals integer not null default 0 check (reveals >= 0),
        add constraint card_links_bound_by_reveal check ((browser_hash is null) = (reveals = 0) and (browser_hash is null) = (bound_at is null) and (browser_hash is null) = (revealed_at is null)),
        drop constraint card_links_last_viewed_with_check,
        add constraint card_links_last_viewed_with_check check (length(last_viewed_with) <= 60);

      -- What reminders look through: links whose card nobody has seen.
      create index card_links_unrevealed on card_links (created_at) where ended_at is null and revealed_at is null;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop index card_links_unrevealed;
      alter table card_links
        drop constraint card_links_bound_by_reveal,
        drop column browser_hash, drop column bound_at, drop column revealed_at, drop column reveals,
        drop constraint card_links_last_viewed_with_check;
      update card_links set last_viewed_with = 'other' where last_viewed_with is not null;
      alter table card_links
        add constraint card_links_last_viewed_with_check check (last_viewed_with in ('phone', 'computer', 'robot', 'other'));
    `);
  }
}
