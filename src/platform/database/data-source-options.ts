import { join } from 'node:path';
import { DataSourceOptions } from 'typeorm';

/** How every connection of ours is made; migrations are the compiled files beside this build, or the sources under a test runner. */
export function dataSourceOptions(databaseUrl: string, poolMax = 4): DataSourceOptions {
  return {
    type: 'postgres',
    url: databaseUrl,
    applicationName: 'disburse',
    synchronize: false,
    migrationsRun: false,
    migrations: [join(__dirname, '../../../migrations/*-*.{js,ts}')],
    migrationsTransactionMode: 'each',
    // A lookup by undefined must never mean "any row".
    invalidWhereValuesBehavior: { null: 'throw', undefined: 'throw' },
    extra: { max: poolMax, connectionTimeoutMillis: 5_000 },
    logging: false,
  };
}
