import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateCardLinkReminders1767130000003 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- One row for each reminder sent: a link is reminded of once at each age, however many workers look.
      create table card_link_reminders (
        card_link_id text collate "C" not null references card_links (id) on delete cascade,
        connected_account_id text collate "C" not null references connected_accounts (id),
        age_hours integer not null check (age_hours > 0),
        reminded_at timestamptz not null,
        primary key (card_link_id, age_hours)
      );
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'; drop table card_link_reminders;`);
  }
}
