import { Module } from '@nestjs/common';
import { LedgerJobs } from './ledger.jobs';
import { LedgerRepository } from './ledger.repository';
import { LedgerService } from './ledger.service';
import { LedgerVerificationModule } from './ledger-verification.module';

@Module({
  imports: [LedgerVerificationModule],
  providers: [LedgerService, LedgerRepository, LedgerJobs],
  exports: [LedgerService],
})
export class LedgerModule {}
