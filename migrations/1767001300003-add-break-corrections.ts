import { MigrationInterface, QueryRunner } from 'typeorm';

export class AddBreakCorrections1767001300003 implements MigrationInterface {
  name = 'AddBreakCorrections1767001300003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- A correcting entry that somebody proposed and nobody else has approved yet.
      alter table reconciliation_breaks
        add column correction_against text check (correction_against in ('suspense', 'seller_receivable', 'stripe_fees', 'losses')),
        add column correction_note text,
        add column correction_proposed_by text,
        add column correction_proposed_at timestamptz,
        add column correction_approved_by text,
        add constraint reconciliation_breaks_correction_whole
          check (num_nulls(correction_against, correction_note, correction_proposed_by, correction_proposed_at) in (0, 4)),
        -- Two people, whatever the code does.
        add constraint reconciliation_breaks_correction_by_two
          check (correction_approved_by is null or correction_approved_by <> correction_proposed_by);
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      alter table reconciliation_breaks
        drop constraint reconciliation_breaks_correction_by_two,
        drop constraint reconciliation_breaks_correction_whole,
        drop column correction_approved_by,
        drop column correction_proposed_at,
        drop column correction_proposed_by,
        drop column correction_note,
        drop column correction_against;
    `);
  }
}
