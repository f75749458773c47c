import { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateAuditLog1767150000000 implements MigrationInterface {
  name = 'CreateAuditLog1767150000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';

      -- Who did what, to what, from where. Written in the transaction of the change; never changed, never removed, and therefore
      -- without a secret or personal data in it.
      create table audit_log (
        id           text collate "C" primary key,
        occurred_at  timestamptz not null,
        actor_type   text not null check (actor_type in ('api_key', 'command', 'system', 'anonymous')),
        -- The id of the API key; the name of the system user who typed a command.
        actor_id     text collate "C",
        actor_role   text,
        action       text collate "C" not null check (action ~ '^[a-z_]+\\.[a-z_]+$'),
        object_type  text not null,
        object_id    text collate "C",
        outcome      text not null check (outcome in ('done', 'refused')),
        refusal_code text,
        before       jsonb,
        after        jsonb,
        ip           text,
        user_agent   text check (length(user_agent) <= 200),
        request_id   text,
        constraint audit_log_says_why_refused check ((outcome = 'refused') = (refusal_code is not null)),
        constraint audit_log_refused_changes_nothing check (outcome = 'done' or (before is null and after is null)),
        constraint audit_log_names_its_key check ((actor_type = 'api_key') = (actor_role is not null))
      );
      create index audit_log_by_actor on audit_log (actor_id, id);
      create index audit_log_by_object on audit_log (object_id, id);
      create index audit_log_by_action on audit_log (action, id);
      create index audit_log_by_time on audit_log (occurred_at, id);

      create trigger append_only before update or delete or truncate on audit_log
        for each statement execute function refuse_change();
    `);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      set local lock_timeout = '5s';
      drop table audit_log;
    `);
  }
}
