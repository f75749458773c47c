import { Injectable } from '@nestjs/common';
import { Tx } from '../platform/database/database';
import type { StripeAuthorization } from '../stripe/stripe.types';
import { Authorization } from './authorization.types';

/** Decides authorization requests, and keeps our holds equal to the network's. The only writer of its tables, with the decision function. */
@Injectable()
export class AuthorizationsService {
  /**
   * Asks Stripe for the authorization and books what it says: holds, releases, outcome. Safe to repeat; does nothing for a card
   * that is not ours.
   */
  async sync(stripeAuthorizationId: string, stripeAccount: string | null): Promise<void> {
    throw new Error(`not written yet: ${stripeAuthorizationId} ${stripeAccount}`);
  }

  /** Books a fetched authorization in the caller's transaction. Null: its card is not ours. Locks the payout. */
  async book(tx: Tx, snapshot: StripeAuthorization): Promise<Authorization | null> {
    throw new Error(`not written yet: ${snapshot.stripeAuthorizationId} ${tx.connection.name}`);
  }
}
