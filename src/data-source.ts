import { DataSource } from 'typeorm';
import { dataSourceOptions } from './platform/database/data-source-options';

/** For TypeORM's command line: `DATABASE_URL=… npx typeorm -d dist/src/data-source.js migration:show`. */
export const dataSource = new DataSource(dataSourceOptions(process.env['DATABASE_URL'] ?? ''));
