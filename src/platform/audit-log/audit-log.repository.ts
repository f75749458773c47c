import { Injectable } from '@nestjs/common';
import { Database, queryRows, Tx } from '../database/database';
import { AuditEntry } from './audit-entry.entity';
import { snapshotSql } from './audited-objects.policy';
import type { AuditedAct, AuditFilter, AuditOrigin } from './audit-log.types';

export type NewAuditEntry = AuditedAct &
  AuditOrigin &
  Readonly<{
    id: string;
    occurredAt: Date;
    noun: string | null;
    refusalCode: string | null;
    before: object | null;
    /** What to show afterwards where it is not the object's row. */
    after: object | null;
  }>;

@Injectable()
export class AuditLogRepository {
  constructor(private readonly database: Database) {}

  /** The shown part of an object as it stands in this transaction; null when there is none. */
  async snapshot(tx: Tx, noun: string, id: string): Promise<object | null> {
    const sql = snapshotSql(noun, '$1');
    if (sql === null) return null;
    const [row] = await queryRows<{ shown: object | null }>(tx, `select ${sql} as shown`, [id]);
    return row?.shown ?? null;
  }

  /** Writes an entry; what the object looks like afterwards is read by the same statement. */
  async insert(tx: Tx, entry: NewAuditEntry): Promise<void> {
    const after =
      entry.refusalCode === null && entry.noun !== null && entry.objectId !== null
        ? snapshotSql(entry.noun, '$8::text')
        : null;
    await tx.query(
      `insert into audit_log (id, occurred_at, actor_type, actor_id, actor_role, action, object_type, object_id, outcome,
                              refusal_code, before, after, ip, user_agent, request_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8::text, case when $9::text is null then 'done' else 'refused' end,
               $9::text, $10::jsonb, coalesce($14::jsonb, ${after ?? 'null'}), $11, $12, $13)`,
      [
        entry.id,
        entry.occurredAt,
        entry.actorType,
        entry.actorId,
        entry.actorRole,
        entry.action,
        entry.objectType,
        entry.objectId,
        entry.refusalCode,
        entry.before === null ? null : JSON.stringify(entry.before),
        entry.ip,
        entry.userAgent,
        entry.requestId,
        entry.after === null ? null : JSON.stringify(entry.after),
      ],
    );
  }

  /** Newest first, at most `limit`, older than `before`. */
  async list(filter: AuditFilter, limit: number, before?: string): Promise<AuditEntry[]> {
    const query = this.database.reader.getRepository(AuditEntry).createQueryBuilder('entry');
    const equal: readonly (readonly [column: string, value: string | undefined])[] = [
      ['actor_id', filter.actorId],
      ['action', filter.action],
      ['object_type', filter.objectType],
      ['object_id', filter.objectId],
      ['outcome', filter.outcome],
    ];
    for (const [column, value] of equal) {
      if (value !== undefined) query.andWhere(`entry.${column} = :${column}`, { [column]: value });
    }
    if (filter.from) query.andWhere('entry.occurred_at >= :from', { from: filter.from });
    if (filter.to) query.andWhere('entry.occurred_at < :to', { to: filter.to });
    if (before !== undefined) query.andWhere('entry.id < :before', { before });
    return query.orderBy('entry.id', 'DESC').take(limit).getMany();
  }
}
