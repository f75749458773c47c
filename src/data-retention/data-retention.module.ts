import { Module } from '@nestjs/common';
import { CardholdersModule } from '../cardholders/cardholders.module';
import { DataRetentionController } from './data-retention.controller';
import { DataRetentionJobs } from './data-retention.jobs';
import { DataRetentionRepository } from './data-retention.repository';
import { DataRetentionService } from './data-retention.service';

/** Forgetting: people on demand, payloads by age, old keys. */
@Module({
  imports: [CardholdersModule],
  controllers: [DataRetentionController],
  providers: [DataRetentionService, DataRetentionRepository, DataRetentionJobs],
  exports: [DataRetentionService],
})
export class DataRetentionModule {}
