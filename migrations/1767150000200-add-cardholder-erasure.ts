import { MigrationInterface, QueryRunner } from 'typeorm';

export class AddCardholderErasure1767150000200 implements MigrationInterface {
  name = 'AddCardholderErasure1767150000200';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      alter table cardholders add column erased_at timestamptz;
      -- Nothing is left to decrypt.
      alter table cardholders add constraint cardholder_erased_is_gone
        check ((erased_at is not null) = (personal_data_encrypted = 'erased'));

      -- Payouts that still need their cardholder: a card may be issued, used or asked about.
      create view cardholder_open_payouts as
      select cardholder_id, count(*)::int as payouts from payouts where status <> 'closed' group by cardholder_id;

      -- What is old enough to be forgotten.
      create index stripe_events_kept on stripe_events (handled_at)
        where status in ('handled', 'ignored') and object <> '{}'::jsonb;
      create index outgoing_events_by_age on outgoing_events (created_at);
      create index webhook_deliveries_by_age on webhook_deliveries (created_at) where status <> 'pending';
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop index webhook_deliveries_by_age;
      drop index outgoing_events_by_age;
      drop index stripe_events_kept;
      drop view cardholder_open_payouts;
      alter table cardholders drop constraint cardholder_erased_is_gone;
      alter table cardholders drop column erased_at;
    `);
  }
}
