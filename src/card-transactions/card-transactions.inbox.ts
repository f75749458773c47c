import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { CardTransactionsService } from './card-transactions.service';

/** Whatever the event says, Stripe is asked how the card transaction stands: it is booked once, by its own id. */
@Injectable()
export class CardTransactionsInbox {
  constructor(private readonly cardTransactions: CardTransactionsService) {}

  @OnStripeEvent('issuing_transaction.created', 'issuing_transaction.updated')
  async afterCardTransaction(event: StripeEvent): Promise<void> {
    if (typeof event.object['id'] === 'string')
      await this.cardTransactions.sync(event.object['id'], event.stripeAccount);
  }
}
