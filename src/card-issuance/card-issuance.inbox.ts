import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { CardIssuanceService } from './card-issuance.service';

/** Events only say that something changed: Stripe is asked how the card stands now, so order and repetition do not matter. */
@Injectable()
export class CardIssuanceInbox {
  constructor(private readonly cardIssuance: CardIssuanceService) {}

  @OnStripeEvent('issuing_card.created', 'issuing_card.updated')
  async afterChange(event: StripeEvent): Promise<void> {
    const stripeCardId = event.object['id'];
    if (typeof stripeCardId !== 'string') return;
    const card = await this.cardIssuance.findByStripeCardId(stripeCardId);
    if (card) await this.cardIssuance.refresh(card.id);
  }
}
