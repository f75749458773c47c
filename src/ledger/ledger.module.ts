import { Module } from '@nestjs/common';
import { LedgerRepository } from './ledger.repository';
import { LedgerService } from './ledger.service';
import { LedgerVerificationRepository } from './ledger-verification.repository';
import { LedgerVerificationService } from './ledger-verification.service';

@Module({
  providers: [LedgerService, LedgerRepository, LedgerVerificationService, LedgerVerificationRepository],
  exports: [LedgerService, LedgerVerificationService],
})
export class LedgerModule {}
