import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { CardIssuanceService } from './card-issuance.service';

/**
 * Events only say that something changed: Stripe is asked how the card stands now, so order and repetition do not matter. One that says
 * what we know teaches nothing, and most are echoes of our own calls: had the card changed since, a later event would differ. A cancel
 * of ours that is not confirmed yet is told by its own call, and by the check of overdue cancels.
 */
@Injectable()
export class CardIssuanceInbox {
  constructor(private readonly cardIssuance: CardIssuanceService) {}

  @OnStripeEvent('issuing_card.created', 'issuing_card.updated')
  async afterChange(event: StripeEvent): Promise<void> {
    const { id: stripeCardId, status } = event.object;
    if (typeof stripeCardId !== 'string') return;
    const card = await this.cardIssuance.findByStripeCardId(stripeCardId);
    if (!card || card.status === status) return;
    const isOwnCancel = status === 'canceled' && card.cancelRequestedAt !== null;
    if (!isOwnCancel) await this.cardIssuance.refresh(card.id);
  }
}
