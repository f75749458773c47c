import { DynamicModule, Global, Module } from '@nestjs/common';
import { Clock, SystemClock } from '../../shared/clock';
import { Config } from './config';

/** Gives everyone the configuration and the clock. */
@Global()
@Module({})
export class ConfigModule {
  static with(config: Config, clock: Clock = new SystemClock()): DynamicModule {
    return {
      module: ConfigModule,
      providers: [
        { provide: Config, useValue: config },
        { provide: Clock, useValue: clock },
      ],
      exports: [Config, Clock],
    };
  }
}
