import { Injectable } from '@nestjs/common';

/** Books captures and refunds. The only writer of its tables. */
@Injectable()
export class CardTransactionsService {
  /**
   * Asks Stripe for the card transaction and books it, its authorization's releases first, in one database transaction.
   * Safe to repeat; does nothing for a card that is not ours.
   */
  async sync(stripeTransactionId: string, stripeAccount: string | null): Promise<void> {
    throw new Error(`not written yet: ${stripeTransactionId} ${stripeAccount}`);
  }
}
