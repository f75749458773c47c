import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PgBoss } from 'pg-boss';
import { EmbeddedDatabase, startEmbeddedDatabase } from '../../src/platform/embedded/embedded-database';
import { EmbeddedSimulator, startEmbeddedSimulator } from '../../src/platform/embedded/embedded-simulator';
import { runMigrations } from '../../src/platform/database/migrations';

export interface Servers {
  database: EmbeddedDatabase;
  simulator: EmbeddedSimulator;
}

declare global {
  var servers: Servers | undefined;
}

/** One real PostgreSQL and one simulator for the whole run. Test files clone a migrated template, and each is its own Stripe platform. */
// eslint-disable-next-line no-restricted-syntax -- jest wants a default export here
export default async function globalSetup(): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'disburse-test-'));
  // PostgreSQL is another user when this is root: it keeps its data here, and the teardown removes it.
  chmodSync(home, 0o755);
  const [database, simulator] = await Promise.all([
    startEmbeddedDatabase(join(home, 'data'), { isDisposable: true, maxConnections: 200 }),
    startEmbeddedSimulator(0, join(home, 'simulator')),
  ]);
  globalThis.servers = { database, simulator };
  await runMigrations(database.url);
  // The queue's own tables, so that no test file waits for them.
  const boss = new PgBoss({ connectionString: database.url, schema: 'pgboss', supervise: false, schedule: false });
  await boss.start();
  await boss.stop({ close: true });
  process.env['TEST_DATABASE_URL'] = database.url;
  process.env['TEST_SIMULATOR_URL'] = simulator.url;
  process.env['TEST_HOME'] = home;
}
