import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** A database of its own, cloned from the migrated template. `isEmpty`: nothing has been migrated in it. */
export async function createTestDatabase(options: { isEmpty?: boolean } = {}): Promise<TestDatabase> {
  const templateUrl = new URL(process.env['TEST_DATABASE_URL']!);
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.isEmpty ? 'template0' : templateUrl.pathname.slice(1);
  await onServer(`create database ${name} template ${template} strategy file_copy`);
  const url = new URL(templateUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => onServer(`drop database if exists ${name} with (force)`) };
}

/** PostgreSQL clones a template only while nobody else does. */
const cloneLock = 7_236_002;

async function onServer(sql: string): Promise<void> {
  const url = new URL(process.env['TEST_DATABASE_URL']!);
  url.pathname = '/postgres';
  const client = new Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [cloneLock]);
    await client.query(sql);
  } finally {
    await client.end();
  }
}
