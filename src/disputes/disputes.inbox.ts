import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { DisputesService } from './disputes.service';

/** Whatever the event says, Stripe is asked how the dispute stands: each of its lines is booked once, by its own id. */
@Injectable()
export class DisputesInbox {
  constructor(private readonly disputes: DisputesService) {}

  @OnStripeEvent(
    'issuing_dispute.created',
    'issuing_dispute.updated',
    'issuing_dispute.submitted',
    'issuing_dispute.closed',
    'issuing_dispute.funds_reinstated',
    'issuing_dispute.funds_rescinded',
  )
  async afterDispute(event: StripeEvent): Promise<void> {
    if (typeof event.object['id'] === 'string') await this.disputes.sync(event.object['id'], event.stripeAccount);
  }
}
