import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { PayoutProgressService } from './payout-progress.service';

/** Money became available on the platform: payouts that wait for it try again. */
@Injectable()
export class PayoutsInbox {
  constructor(private readonly progress: PayoutProgressService) {}

  @OnStripeEvent('balance.available')
  async afterBalance(event: StripeEvent): Promise<void> {
    if (event.stripeAccount === null) await this.progress.resumeWaiting({ reasons: ['platform_funds'] });
  }
}
