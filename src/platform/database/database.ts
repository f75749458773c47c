import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager } from 'typeorm';

/** An open database transaction. Everything written with it commits together or not at all. */
export type Tx = EntityManager;

/**
 * Runs SQL in a transaction and answers its rows, whatever the statement.
 * (TypeORM answers `[rows, count]` for UPDATE and DELETE; bigint columns arrive as strings.)
 */
export async function queryRows<Row>(tx: Tx, sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
  const result: unknown = await tx.query(sql, [...parameters]);
  return toRows<Row>(result);
}

function toRows<Row>(result: unknown): Row[] {
  if (!Array.isArray(result)) return [];
  const isRowsAndCount = result.length === 2 && Array.isArray(result[0]) && typeof result[1] === 'number';
  return (isRowsAndCount ? result[0] : result) as Row[];
}

@Injectable()
export class Database {
  constructor(readonly dataSource: DataSource) {}

  /** Commits what `work` wrote, or nothing when it throws. Never call the network inside. */
  async transaction<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> {
    return this.dataSource.transaction(work);
  }

  /** One statement outside any transaction: for reads. */
  async query<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return queryRows<Row>(this.dataSource.manager, sql, parameters);
  }

  /** The manager for single statements outside any transaction, where a repository takes a `Tx`. */
  get reader(): Tx {
    return this.dataSource.manager;
  }
}
