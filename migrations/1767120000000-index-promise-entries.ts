import { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The entries that settlement, unspent and statements are made of, by time, and by seller and time: their first row is found without
 * walking over the rest. Holds and their releases are left out: the decision of an authorization keeps no index for finance.
 */
export class IndexPromiseEntries1767120000000 implements MigrationInterface {
  name = 'IndexPromiseEntries1767120000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const kinds = `('payout_accepted', 'payout_released', 'capture', 'refund', 'refund_reversed', 'dispute_won', 'dispute_won_reversed',
      'receivable_settled', 'reclaim_intended', 'reclaim_refused', 'reclaim_done')`;
    await queryRunner.query(`
      set local lock_timeout = '5s';
      create index journal_entries_of_promises on journal_entries (occurred_at, id) where kind in ${kinds};
      create index journal_entries_of_promises_by_account on journal_entries (connected_account_id, occurred_at, id) where kind in ${kinds};
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop index journal_entries_of_promises_by_account;
      drop index journal_entries_of_promises;
    `);
  }
}
