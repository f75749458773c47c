import { Injectable } from '@nestjs/common';
import { OnStripeEvent } from '../webhook-inbox/on-stripe-event.decorator';
import type { StripeEvent } from '../webhook-inbox/stripe-event.types';
import { AuthorizationsService } from './authorizations.service';

/** Events only say that something changed: Stripe is asked how the authorization stands now, so order and repetition do not matter. */
@Injectable()
export class AuthorizationsInbox {
  constructor(private readonly authorizations: AuthorizationsService) {}

  @OnStripeEvent('issuing_authorization.created', 'issuing_authorization.updated')
  async afterChange(event: StripeEvent): Promise<void> {
    if (typeof event.object['id'] === 'string') await this.authorizations.sync(event.object['id'], event.stripeAccount);
  }
}
