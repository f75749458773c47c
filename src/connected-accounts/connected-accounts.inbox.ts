import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { ConnectedAccountsService } from './connected-accounts.service';

/** Events only say that something changed: Stripe is asked how the account stands now, so order and repetition do not matter. */
@Injectable()
export class ConnectedAccountsInbox {
  constructor(private readonly connectedAccounts: ConnectedAccountsService) {}

  @OnStripeEvent('account.updated', 'capability.updated', 'account.application.deauthorized')
  async afterChange(event: StripeEvent): Promise<void> {
    if (event.stripeAccount === null) return;
    const account = await this.connectedAccounts.findByStripeAccountId(event.stripeAccount);
    if (account) await this.connectedAccounts.refresh(account.id);
  }
}
