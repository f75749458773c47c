import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { DataSource, EntityMetadata } from 'typeorm';
import { dataSourceOptions } from '../../src/platform/database/data-source-options';
import { hasPendingMigrations, runMigrations } from '../../src/platform/database/migrations';
import { dumpSchema } from '../../src/platform/database/schema-dump';
import { startTestApp } from '../support/app';
import { createTestDatabase, TestDatabase } from '../support/database';

const root = join(__dirname, '../..');
const files = readdirSync(join(root, 'migrations')).filter((name) => /^\d+-.+\.ts$/.test(name));

describe('migrations', () => {
  const made: TestDatabase[] = [];

  afterAll(async () => {
    for (const database of made) await database.drop();
  });

  async function emptyDatabase(): Promise<string> {
    const database = await createTestDatabase({ isEmpty: true });
    made.push(database);
    return database.url;
  }

  it('bring an empty database up to date, whoever else does the same at the same time', async () => {
    const url = await emptyDatabase();
    expect(await hasPendingMigrations(url)).toBe(true);

    const ran = await Promise.all([runMigrations(url), runMigrations(url), runMigrations(url)]);

    // Each by one of the three, in the order of the files.
    expect(ran.flat().map(timestampOf)).toEqual(files.map(timestampOf));
    expect(ran.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await hasPendingMigrations(url)).toBe(false);
    expect(await runMigrations(url)).toEqual([]);
  });

  it('are named by the rule: a verb, an object, SQL with a lock timeout', () => {
    for (const file of files) {
      expect(file).toMatch(/^\d{13}-(create|add|index|backfill|enforce|rename|drop)-[a-z0-9-]+\.ts$/);
      const text = readFileSync(join(root, 'migrations', file), 'utf8');
      const [up, down] = text.split('async down(');
      for (const half of [up, down])
        expect([file, half]).toEqual([file, expect.stringContaining(`set local lock_timeout = '5s'`)]);
    }
  });

  it('add up to migrations/schema.sql, which reviewers read', async () => {
    const url = await emptyDatabase();
    await runMigrations(url);

    const dumped = await dumpSchema(url);

    // Remade by `npm run migrate:dump`.
    expect(dumped).toBe(readFileSync(join(root, 'migrations/schema.sql'), 'utf8'));
  });

  it('leave out nothing in schema.sql: loaded into an empty database it makes the same schema', async () => {
    const url = await emptyDatabase();
    const written = readFileSync(join(root, 'migrations/schema.sql'), 'utf8');
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(written).finally(() => client.end());

    expect(await dumpSchema(url)).toBe(written);
  });

  it('go down to nothing, one by one, and up again to the same schema', async () => {
    const url = await emptyDatabase();
    await runMigrations(url);
    const before = await dumpSchema(url);
    const dataSource = await new DataSource(dataSourceOptions(url)).initialize();

    for (let undone = 0; undone < files.length; undone += 1) await dataSource.undoLastMigration();
    const left: unknown = await dataSource.query(
      `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind <> 'i' and relname not like 'migrations%'
       union all select proname from pg_proc where pronamespace = 'public'::regnamespace`,
    );
    await dataSource.destroy();

    expect(left).toEqual([]);
    expect(await runMigrations(url)).toHaveLength(files.length);
    expect(await dumpSchema(url)).toBe(before);
  });
});

describe('entities', () => {
  it('have the columns, types and nullability of their tables', async () => {
    const app = await startTestApp();
    const { dataSource } = app.database;
    const catalog = await app.database.query<CatalogColumn>(
      `select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as is_nullable
       from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`,
    );
    const tables = Map.groupBy(catalog, (column) => column.table);

    const drifts = dataSource.entityMetadatas.flatMap((entity) => driftOf(dataSource, entity, tables));
    const known = dataSource.entityMetadatas.map((entity) => entity.name);
    await app.stop();

    expect(drifts).toEqual([]);
    // Every entity file is registered by its module, or this test would not have seen it.
    const entityFiles = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.entity.ts'),
    );
    expect(known.length).toBe(entityFiles.length);
  });
});

interface CatalogColumn {
  table: string;
  name: string;
  type: string;
  is_nullable: boolean;
}

function driftOf(dataSource: DataSource, entity: EntityMetadata, tables: Map<string, CatalogColumn[]>): string[] {
  const stored = tables.get(entity.tableName);
  if (!stored) return [`${entity.name}: there is no table ${entity.tableName}`];
  const say = (type: string, isNullable: boolean) => `${type}${isNullable ? '' : ' not null'}`;
  const inCatalog = new Map(stored.map((column) => [column.name, say(column.type, column.is_nullable)]));
  const inEntity = new Map(
    entity.columns.map((column) => {
      const type = `${dataSource.driver.normalizeType(column)}${column.isArray ? '[]' : ''}`;
      return [column.databaseName, say(type, column.isNullable)];
    }),
  );
  const names = new Set([...inCatalog.keys(), ...inEntity.keys()]);
  return [...names]
    .filter((name) => inCatalog.get(name) !== inEntity.get(name))
    .map((name) => `${entity.name}.${name}: the entity says ${inEntity.get(name)}, the table ${inCatalog.get(name)}`);
}

/** `CreateLedger1767000400000` or `1767000400000-create-ledger.ts`. */
function timestampOf(name: string): string {
  return /\d{13}/.exec(name)?.[0] ?? name;
}
