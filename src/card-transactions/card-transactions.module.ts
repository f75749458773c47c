import { Module } from '@nestjs/common';
import { CardTransactionsService } from './card-transactions.service';

/** Captures, refunds, force captures; aftercare. */
@Module({
  providers: [CardTransactionsService],
  exports: [CardTransactionsService],
})
export class CardTransactionsModule {}
