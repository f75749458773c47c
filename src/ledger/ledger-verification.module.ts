import { Module } from '@nestjs/common';
import { LedgerSealsRepository } from './ledger-seals.repository';
import { LedgerSealsService } from './ledger-seals.service';
import { LedgerVerificationRepository } from './ledger-verification.repository';
import { LedgerVerificationService } from './ledger-verification.service';

/** Proves and seals the ledger; needs neither jobs nor routes, so that a command can do it. */
@Module({
  providers: [LedgerVerificationService, LedgerVerificationRepository, LedgerSealsService, LedgerSealsRepository],
  exports: [LedgerVerificationService, LedgerSealsService],
})
export class LedgerVerificationModule {}
