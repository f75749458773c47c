import { MigrationInterface, QueryRunner } from 'typeorm';

/** What finance looks after: money beyond a payout, or after its close, whether a merchant or a dispute moved it. */
export class CreateAftercareItems1767100000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`
      create index disputes_in_aftercare on disputes (id) where overspent_minor <> 0 or aftercare_minor <> 0
    `);
    // Ids of both kinds end in a ULID: it puts them in one order.
    await queryRunner.query(`
      create view aftercare_items as
      select t.id, split_part(t.id, '_', 2) as position, t.id as card_transaction_id, null::text as stripe_dispute_id, t.type, t.kind,
             t.amount_minor, t.paid_minor, t.overspent_minor, t.aftercare_minor, t.balance_transaction_id, t.is_after_close,
             t.refund_match, t.refunded_card_transaction_id, t.occurred_at, t.created_at
      from card_transactions t
      where t.is_after_close or t.overspent_minor <> 0 or t.aftercare_minor <> 0
      union all
      select d.id, split_part(d.id, '_', 2), d.card_transaction_id, d.stripe_dispute_id, 'dispute', 'dispute',
             d.returned_minor, d.paid_minor, d.overspent_minor, d.aftercare_minor, null, d.aftercare_minor <> 0,
             null, null, coalesce(d.closed_at, d.updated_at), d.created_at
      from disputes d
      where d.overspent_minor <> 0 or d.aftercare_minor <> 0
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`set local lock_timeout = '5s'`);
    await queryRunner.query(`drop view aftercare_items`);
    await queryRunner.query(`drop index disputes_in_aftercare`);
  }
}
