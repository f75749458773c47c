import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { RateLimitGuard } from './rate-limit.guard';
import { RateLimitsJobs } from './rate-limits.jobs';
import { RateLimitsRepository } from './rate-limits.repository';
import { RateLimitsService } from './rate-limits.service';

/** How often. Import it after `ApiKeysModule`, whose guard says whose call it is. */
@Global()
@Module({
  providers: [
    RateLimitsService,
    RateLimitsRepository,
    RateLimitsJobs,
    { provide: APP_GUARD, useClass: RateLimitGuard },
  ],
  exports: [RateLimitsService],
})
export class RateLimitsModule {}
