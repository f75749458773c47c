import { Global, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { Config } from '../config/config';
import { LogContext } from './log-context';
import { logOptions } from './log-options';

@Global()
@Module({ providers: [LogContext], exports: [LogContext] })
class LogContextModule {}

/** Structured logs: one JSON object a line, on standard output. Nest's own `Logger` writes through it. */
@Global()
@Module({
  imports: [
    LogContextModule,
    LoggerModule.forRootAsync({
      inject: [Config, LogContext],
      useFactory: (config: Config, context: LogContext) => ({
        pinoHttp: logOptions(config, context),
        // Request lines come from one hook (configure-http.ts), not from a middleware around every request.
        forRoutes: [],
      }),
    }),
  ],
  exports: [LogContextModule],
})
export class LoggingModule {}
