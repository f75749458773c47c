import { Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdempotencyKey } from './idempotency-key.entity';
import { IdempotencyJobs } from './idempotency.jobs';
import { Idempotency } from './idempotency.service';
import { ProblemFilter } from './problem.filter';
import { StrictInputGuard } from './strict-input.guard';
import { StrictValidationPipe } from './validation.pipe';

/** What every endpoint shares: problem details, strict input, idempotent answers. Import `ApiKeysModule` first: its guard must ask before this one. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([IdempotencyKey])],
  providers: [
    Idempotency,
    IdempotencyJobs,
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_PIPE, useClass: StrictValidationPipe },
    { provide: APP_GUARD, useClass: StrictInputGuard },
  ],
  exports: [Idempotency],
})
export class HttpModule {}
