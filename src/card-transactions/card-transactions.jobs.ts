import { Injectable } from '@nestjs/common';
import { AuthorizationClosed, CardTransactionsSeen } from '../authorizations/authorization.events';
import { ReclaimFailed } from '../funding-transfers/funding-transfer.events';
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

  /** Closed by captures: their own events may be late or lost, and the payout waits for them. */
  @On(AuthorizationClosed)
  async afterClose(event: AuthorizationClosed): Promise<void> {
    await this.cardTransactions.syncAll(event);
  }

  @On(ReclaimFailed)
  async afterFailedReclaim({ reference, fundingTransferId }: ReclaimFailed): Promise<void> {
    await this.cardTransactions.afterRefusedReclaim(reference, fundingTransferId);
  }
}
