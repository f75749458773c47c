import { Global, Module } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ApiKey } from './api-key.entity';
import { ApiKeyGuard } from './api-key.guard';
import { ApiKeysController } from './api-keys.controller';
import { ApiKeysRepository } from './api-keys.repository';
import { ApiKeysService } from './api-keys.service';
import { RouteClassification } from './route-classification';

/** Who may call: keys, roles, and the guard before every route. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([ApiKey]), DiscoveryModule],
  controllers: [ApiKeysController],
  providers: [ApiKeysRepository, ApiKeysService, RouteClassification, { provide: APP_GUARD, useClass: ApiKeyGuard }],
  exports: [ApiKeysService, RouteClassification],
})
export class ApiKeysModule {}
