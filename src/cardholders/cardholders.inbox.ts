import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { CardholdersService } from './cardholders.service';

/** Events only say that something changed: Stripe is asked how the cardholder stands now, so order and repetition do not matter. */
@Injectable()
export class CardholdersInbox {
  constructor(private readonly cardholders: CardholdersService) {}

  @OnStripeEvent('issuing_cardholder.created', 'issuing_cardholder.updated')
  async afterChange(event: StripeEvent): Promise<void> {
    const stripeCardholderId = event.object['id'];
    if (typeof stripeCardholderId !== 'string') return;
    const cardholder = await this.cardholders.findByStripeCardholderId(stripeCardholderId);
    if (cardholder) await this.cardholders.refresh(cardholder.id);
  }
}
