import { Injectable } from '@nestjs/common';
import { AuthorizationClosed } from '../authorizations/authorization.events';
import { On } from '../platform/events/on.decorator';
import { CardTransactionsService } from './card-transactions.service';

/** An authorization was closed by captures: their own events may be late or lost, and the payout waits for them. */
@Injectable()
export class CardTransactionsJobs {
  constructor(private readonly cardTransactions: CardTransactionsService) {}

  @On(AuthorizationClosed)
  async afterClose({ payoutId, stripeTransactionIds, stripeAccount }: AuthorizationClosed): Promise<void> {
    await this.cardTransactions.syncAll(payoutId, stripeTransactionIds, stripeAccount);
  }
}
