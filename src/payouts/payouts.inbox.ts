import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { PayoutsService } from './payouts.service';

/** Money became available on the platform: payouts that wait for it try again. */
@Injectable()
export class PayoutsInbox {
  constructor(private readonly payouts: PayoutsService) {}

  @OnStripeEvent('balance.available')
  async afterBalance(event: StripeEvent): Promise<void> {
    if (event.stripeAccount === null) await this.payouts.resumeWaiting({ reasons: ['platform_funds'] });
  }
}
