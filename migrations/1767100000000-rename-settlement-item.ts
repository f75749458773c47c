import { MigrationInterface, QueryRunner } from 'typeorm';

/** A dispute's credit that is taken back again can be an overspend too: what is settled is an item, not always a card transaction. */
export class RenameSettlementItem1767100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(
      `alter table aftercare_settlements drop constraint aftercare_settlements_card_transaction_id_fkey`,
    );
    await queryRunner.query(`alter table aftercare_settlements rename column card_transaction_id to item_id`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`alter table aftercare_settlements rename column item_id to card_transaction_id`);
    await queryRunner.query(
      `alter table aftercare_settlements add constraint aftercare_settlements_card_transaction_id_fkey
       foreign key (card_transaction_id) references card_transactions (id)`,
    );
  }
}
