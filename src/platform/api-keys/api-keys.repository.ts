import { Injectable } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { Database, queryRows, Tx } from '../database/database';
import { ApiKeyRole } from '../http/request.types';
import { ApiKey } from './api-key.entity';

/** What the guard needs on every request. */
export interface KeyCheck {
  readonly id: string;
  readonly role: ApiKeyRole;
  readonly familyId: string;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

@Injectable()
export class ApiKeysRepository {
  constructor(private readonly database: Database) {}

  async insert(tx: Tx, apiKey: ApiKey): Promise<void> {
    await tx.getRepository(ApiKey).insert(apiKey);
  }

  /** On every request: one statement by a unique index, without the cost of an entity. */
  async findByHash(keyHash: Buffer): Promise<KeyCheck | undefined> {
    const [row] = await this.database.query<KeyCheck>(
      `select id, role, family_id as "familyId", expires_at as "expiresAt", revoked_at as "revokedAt", last_used_at as "lastUsedAt"
       from api_keys where key_hash = $1`,
      [keyHash],
    );
    return row;
  }

  async touch(id: string, now: Date, olderThan: Date): Promise<void> {
    await this.database.query(
      `update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)`,
      [id, now, olderThan],
    );
  }

  async list(limit: number, startingAfter: string | undefined): Promise<ApiKey[]> {
    return this.database.reader.getRepository(ApiKey).find({
      where: startingAfter === undefined ? {} : { id: LessThan(startingAfter) },
      order: { id: 'DESC' },
      take: limit + 1,
    });
  }

  async find(id: string): Promise<ApiKey | null> {
    return this.database.reader.getRepository(ApiKey).findOneBy({ id });
  }

  async lock(tx: Tx, id: string): Promise<ApiKey | null> {
    return tx.getRepository(ApiKey).findOne({ where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  async isRevoked(tx: Tx, id: string): Promise<boolean> {
    const [row] = await queryRows<{ found: boolean }>(
      tx,
      `select exists (select from api_keys where id = $1 and revoked_at is not null) as found`,
      [id],
    );
    return row?.found ?? false;
  }

  async isOneHand(tx: Tx, id: string, otherId: string): Promise<boolean> {
    const [row] = await queryRows<{ found: boolean }>(
      tx,
      // Whoever made or rotated a key has seen it.
      `with recursive hands as (
         select family_id from api_keys where id = $1
         union
         select maker.family_id from hands
         join api_keys handed on handed.family_id = hands.family_id
         join api_keys maker on maker.id = handed.created_by_api_key_id
       )
       select exists (select from hands join api_keys other on other.id = $2 and other.family_id = hands.family_id) as found`,
      [id, otherId],
    );
    return row?.found ?? false;
  }

  /** Locks every admin key that works, in one order: two admins that revoke each other take turns. */
  async lockActiveAdminIds(tx: Tx, now: Date): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `select id from api_keys where role = 'admin' and revoked_at is null and (expires_at is null or expires_at > $1)
       order by id for update`,
      [now],
    );
    return rows.map((row) => row.id);
  }

  async revoke(tx: Tx, id: string, now: Date): Promise<void> {
    await tx.query(`update api_keys set revoked_at = $2 where id = $1 and revoked_at is null`, [id, now]);
  }

  async expire(tx: Tx, id: string, at: Date): Promise<void> {
    await tx.query(`update api_keys set expires_at = $2 where id = $1 and (expires_at is null or expires_at > $2)`, [
      id,
      at,
    ]);
  }

  /** Roles for which some key works. */
  async activeRoles(tx: Tx, now: Date): Promise<ApiKeyRole[]> {
    const rows = await queryRows<{ role: ApiKeyRole }>(
      tx,
      `select distinct role from api_keys where revoked_at is null and (expires_at is null or expires_at > $1)`,
      [now],
    );
    return rows.map((row) => row.role);
  }

  /** One replica at a time makes the first keys. */
  async lockBootstrap(tx: Tx): Promise<void> {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('disburse:bootstrap-api-keys', 0))`);
  }
}
