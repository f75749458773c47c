import { MigrationInterface, QueryRunner } from 'typeorm';

export class AddCardAskedInactive1767160000000 implements MigrationInterface {
  name = 'AddCardAskedInactive1767160000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- What we last asked Stripe to make of the card, whatever it is there by now: a card is inactive while it is frozen or its seller
      -- suspended, and one that somebody else made inactive stays so.
      alter table cards add column asked_inactive boolean not null default false;
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      alter table cards drop column asked_inactive;
    `);
  }
}
