import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { FundingTransfersService } from './funding-transfers.service';

/** Events only wake: Stripe is asked how things stand, so an event that is late, repeated or first does no harm. */
@Injectable()
export class FundingTransfersInbox {
  constructor(private readonly fundingTransfers: FundingTransfersService) {}

  @OnStripeEvent('balance.available')
  async afterBalanceAvailable(event: StripeEvent): Promise<void> {
    if (event.stripeAccount) await this.fundingTransfers.balanceAvailable(event.stripeAccount);
  }

  @OnStripeEvent(
    'topup.succeeded',
    'topup.failed',
    'topup.canceled',
    'topup.reversed',
    'payout.paid',
    'payout.failed',
    'payout.canceled',
  )
  async afterMovement(event: StripeEvent): Promise<void> {
    if (!event.stripeAccount) return;
    const id = event.object['id'];
    if (typeof id === 'string') await this.fundingTransfers.movementEnded(id);
    // A person's top-up of a prefunded account is float.
    if (event.type === 'topup.succeeded') await this.fundingTransfers.balanceAvailable(event.stripeAccount);
  }
}
