import { DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { dataSourceOptions } from './data-source-options';
import { Database } from './database';

/** Connects to PostgreSQL. Entities are registered by the modules that own them. */
@Global()
@Module({})
export class DatabaseModule {
  static with(databaseUrl: string, poolMax: number): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRoot({
          ...dataSourceOptions(databaseUrl, poolMax),
          autoLoadEntities: true,
          // Starting before the database does is normal in an orchestrated deployment.
          retryAttempts: 10,
          retryDelay: 1_000,
        }),
      ],
      providers: [Database],
      exports: [Database],
    };
  }
}
