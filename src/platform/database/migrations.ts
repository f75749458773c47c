import { DataSource } from 'typeorm';
import { dataSourceOptions } from './data-source-options';

// Any number, the same in every replica: who holds it migrates, the others wait and then find nothing to do.
const migrationLock = 7_236_001;

async function withDataSource<Result>(
  databaseUrl: string,
  work: (dataSource: DataSource) => Promise<Result>,
): Promise<Result> {
  const dataSource = await new DataSource(dataSourceOptions(databaseUrl)).initialize();
  try {
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

/** Brings the database up to date, one replica at a time. Answers the names of the migrations it ran. */
export async function runMigrations(databaseUrl: string): Promise<string[]> {
  return withDataSource(databaseUrl, async (dataSource) => {
    const lockHolder = dataSource.createQueryRunner();
    await lockHolder.query('select pg_advisory_lock($1)', [migrationLock]);
    try {
      const migrations = await dataSource.runMigrations();
      return migrations.map((migration) => migration.name);
    } finally {
      await lockHolder.query('select pg_advisory_unlock($1)', [migrationLock]);
      await lockHolder.release();
    }
  });
}

/** True when a migration of this build has not run on that database. */
export async function hasPendingMigrations(databaseUrl: string): Promise<boolean> {
  return withDataSource(databaseUrl, (dataSource) => dataSource.showMigrations());
}
