import { Injectable } from '@nestjs/common';
import type {
  StripeAccount,
  StripeAccountLink,
  StripeAuthorization,
  StripeBalance,
  StripeBalanceTransaction,
  StripeCard,
  StripeCardTransaction,
  StripeCardholder,
  StripeEphemeralKey,
  StripeEventRecord,
  StripeTopup,
  StripeTransfer,
} from './stripe.types';

/* eslint-disable */
@Injectable()
export class StripeGateway {
  async retrieveAccount(stripeAccountId: string): Promise<StripeAccount | null> {
    throw new Error('not yet');
  }
  async retrieveCardholder(stripeAccount: string, stripeCardholderId: string): Promise<StripeCardholder | null> {
    throw new Error('not yet');
  }
  async retrieveCard(stripeAccount: string, stripeCardId: string): Promise<StripeCard | null> {
    throw new Error('not yet');
  }
  async retrieveAuthorization(
    stripeAccount: string,
    stripeAuthorizationId: string,
  ): Promise<StripeAuthorization | null> {
    throw new Error('not yet');
  }
  async retrieveCardTransaction(
    stripeAccount: string,
    stripeCardTransactionId: string,
  ): Promise<StripeCardTransaction | null> {
    throw new Error('not yet');
  }
  /** `null`: the platform's own. */
  async retrieveBalance(stripeAccount: string | null): Promise<StripeBalance> {
    throw new Error('not yet');
  }
  async retrieveBalanceTransaction(
    stripeAccount: string | null,
    balanceTransactionId: string,
  ): Promise<StripeBalanceTransaction | null> {
    throw new Error('not yet');
  }
  /** With `after` (the last one seen): oldest first, from there on. Without: newest first. */
  listBalanceTransactions(
    stripeAccount: string | null,
    filter?: { after?: string; createdFrom?: Date; createdTo?: Date; sourceId?: string; type?: string },
  ): AsyncIterable<StripeBalanceTransaction> {
    throw new Error('not yet');
  }
  listEvents(
    stripeAccount: string | null,
    filter?: { createdFrom?: Date; types?: readonly string[] },
  ): AsyncIterable<StripeEventRecord> {
    throw new Error('not yet');
  }
  listCards(
    stripeAccount: string,
    filter?: { stripeCardholderId?: string; status?: string; createdFrom?: Date },
  ): AsyncIterable<StripeCard> {
    throw new Error('not yet');
  }
  listCardTransactions(
    stripeAccount: string,
    filter?: { stripeCardId?: string; createdFrom?: Date },
  ): AsyncIterable<StripeCardTransaction> {
    throw new Error('not yet');
  }
  listAuthorizations(
    stripeAccount: string,
    filter?: { stripeCardId?: string; createdFrom?: Date },
  ): AsyncIterable<StripeAuthorization> {
    throw new Error('not yet');
  }
  listTransfers(filter?: {
    destination?: string;
    transferGroup?: string;
    createdFrom?: Date;
  }): AsyncIterable<StripeTransfer> {
    throw new Error('not yet');
  }
  async createAccountLink(link: {
    stripeAccountId: string;
    refreshUrl: string;
    returnUrl: string;
    type?: 'account_onboarding' | 'account_update';
  }): Promise<StripeAccountLink> {
    throw new Error('not yet');
  }
  async createEphemeralKey(key: {
    stripeAccount: string;
    stripeCardId: string;
    nonce: string;
  }): Promise<StripeEphemeralKey> {
    throw new Error('not yet');
  }
  async retrieveTopup(stripeAccount: string, stripeTopupId: string): Promise<StripeTopup | null> {
    throw new Error('not yet');
  }
}
