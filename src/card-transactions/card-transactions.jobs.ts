import { Injectable } from '@nestjs/common';
import { CardTransactionsSeen } from '../authorizations/authorization.events';
import { On } from '../platform/events/on.decorator';
import { CardTransactionsService } from './card-transactions.service';

/** Reactions to what earlier floors announce. */
@Injectable()
export class CardTransactionsJobs {
  constructor(private readonly cardTransactions: CardTransactionsService) {}

  @On(CardTransactionsSeen)
  async afterSight(event: CardTransactionsSeen): Promise<void> {
    await this.cardTransactions.syncSeen(event);
  }
}
