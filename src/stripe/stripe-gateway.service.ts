import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { classifyStripeError, isResourceMissing } from './classify-stripe-error';
import { StripeClient, stripeApiVersion } from './stripe-client';
import { toStripeEventRecord } from './stripe-event-redaction';
import {
  toStripeAccount,
  toStripeAuthorization,
  toStripeBalance,
  toStripeBalanceTransaction,
  toStripeCard,
  toStripeCardTransaction,
  toStripeCardholder,
  toStripeDispute,
  toStripeTopup,
  toStripeTransfer,
} from './stripe-objects';
import { StripeRefused, StripeUnavailable } from './stripe.errors';
import type {
  StripeAccount,
  StripeAccountLink,
  StripeAuthorization,
  StripeBalance,
  StripeBalanceTransaction,
  StripeCard,
  StripeCardTransaction,
  StripeCardholder,
  StripeDispute,
  StripeEphemeralKey,
  StripeEventRecord,
  StripeTopup,
  StripeTransfer,
} from './stripe.types';

/** What Stripe is told about a pending authorization. */
export type AuthorizationVerdict = Readonly<{
  stripeAccount: string;
  stripeAuthorizationId: string;
  approved: boolean;
  /** Only when less than asked is approved; minor units. */
  amountMinor?: number | undefined;
  metadata: Readonly<Record<string, string>>;
  idempotencyKey: string;
}>;

// Reads may be repeated freely; the SDK does it for connection errors and 5xx.
const readRetries = 2;

/**
 * What may be asked of Stripe without changing anything that matters. Budgeted like every request; never used while an authorization
 * is decided, but for {@link answerAuthorization}. `stripeAccount` null is the platform. Objects that do not exist (404) are `null`.
 *
 * Every method throws {@link StripeUnavailable} when asking again may help and {@link StripeRefused} when it will not.
 */
@Injectable()
export class StripeGateway {
  constructor(private readonly client: StripeClient) {}

  /** https://docs.stripe.com/api/accounts/retrieve */
  async retrieveAccount(stripeAccountId: string): Promise<StripeAccount | null> {
    const account = await this.find('account.retrieve', (sdk) =>
      sdk.accounts.retrieve(stripeAccountId, {}, onAccount(null)),
    );
    return account === null || 'deleted' in account ? null : toStripeAccount(account);
  }

  async retrieveCardholder(stripeAccount: string, stripeCardholderId: string): Promise<StripeCardholder | null> {
    const cardholder = await this.find('cardholder.retrieve', (sdk) =>
      sdk.issuing.cardholders.retrieve(stripeCardholderId, {}, onAccount(stripeAccount)),
    );
    return cardholder && toStripeCardholder(cardholder);
  }

  async retrieveCard(stripeAccount: string, stripeCardId: string): Promise<StripeCard | null> {
    const card = await this.find('card.retrieve', (sdk) =>
      sdk.issuing.cards.retrieve(stripeCardId, {}, onAccount(stripeAccount)),
    );
    return card && toStripeCard(card);
  }

  /** With its balance transactions: the holds and releases that the ledger books. */
  async retrieveAuthorization(
    stripeAccount: string,
    stripeAuthorizationId: string,
  ): Promise<StripeAuthorization | null> {
    const authorization = await this.find('authorization.retrieve', (sdk) =>
      sdk.issuing.authorizations.retrieve(stripeAuthorizationId, {}, onAccount(stripeAccount)),
    );
    return authorization && toStripeAuthorization(authorization);
  }

  /**
   * Tells Stripe the verdict on a pending authorization by the calls it deprecates in favour of the response; where both are given, the
   * call wins. Not through stripe_calls and without a token of the budget: a verdict that queues is a verdict too late.
   * https://docs.stripe.com/issuing/controls/real-time-authorizations/direct-webhook-migration
   *
   * @param timeoutMs after which nobody waits any more, though Stripe may still have heard it
   */
  async answerAuthorization(verdict: AuthorizationVerdict, timeoutMs: number): Promise<void> {
    const { stripeAccount, stripeAuthorizationId: id, metadata, amountMinor, idempotencyKey } = verdict;
    // maxNetworkRetries 0: a second try would not end in time either.
    const options = { stripeAccount, idempotencyKey, timeout: timeoutMs, maxNetworkRetries: 0 };
    const what = verdict.approved ? 'authorization.approve' : 'authorization.decline';
    const telling = this.ask(
      what,
      (sdk) => {
        const { authorizations } = sdk.issuing;
        if (!verdict.approved) return authorizations.decline(id, { metadata }, options);
        const partly = amountMinor === undefined ? {} : { amount: amountMinor };
        return authorizations.approve(id, { ...partly, metadata }, options);
      },
      { isPaid: true },
    );
    // The SDK's own timeout begins anew when it repeats on a connection that Stripe had closed, and with every byte that comes.
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new StripeUnavailable('timeout')), timeoutMs);
    });
    try {
      await Promise.race([telling, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async retrieveCardTransaction(
    stripeAccount: string,
    stripeCardTransactionId: string,
  ): Promise<StripeCardTransaction | null> {
    const transaction = await this.find('card_transaction.retrieve', (sdk) =>
      sdk.issuing.transactions.retrieve(stripeCardTransactionId, {}, onAccount(stripeAccount)),
    );
    return transaction && toStripeCardTransaction(transaction);
  }

  /** With its balance transactions, which Stripe may leave out of the dispute: then they are listed. */
  async retrieveDispute(stripeAccount: string, stripeDisputeId: string): Promise<StripeDispute | null> {
    const dispute = await this.find('dispute.retrieve', (sdk) =>
      sdk.issuing.disputes.retrieve(stripeDisputeId, {}, onAccount(stripeAccount)),
    );
    if (!dispute) return null;
    const lines: StripeBalanceTransaction[] = dispute.balance_transactions?.map(toStripeBalanceTransaction) ?? [];
    if (lines.length === 0) {
      for await (const line of this.listBalanceTransactions(stripeAccount, { sourceId: stripeDisputeId }))
        lines.push(line);
    }
    return toStripeDispute(dispute, lines);
  }

  async retrieveBalance(stripeAccount: string | null): Promise<StripeBalance> {
    return toStripeBalance(
      await this.ask('balance.retrieve', (sdk) => sdk.balance.retrieve({}, onAccount(stripeAccount))),
    );
  }

  async retrieveBalanceTransaction(
    stripeAccount: string | null,
    balanceTransactionId: string,
  ): Promise<StripeBalanceTransaction | null> {
    const line = await this.find('balance_transaction.retrieve', (sdk) =>
      sdk.balanceTransactions.retrieve(balanceTransactionId, {}, onAccount(stripeAccount)),
    );
    return line && toStripeBalanceTransaction(line);
  }

  /**
   * With `after` (the id of the last one seen): oldest first, from there to the newest, so that a cursor can be kept on the way.
   * Without: newest first.
   */
  async *listBalanceTransactions(
    stripeAccount: string | null,
    filter: Readonly<{ after?: string; createdFrom?: Date; createdTo?: Date; sourceId?: string; type?: string }> = {},
  ): AsyncGenerator<StripeBalanceTransaction, void, undefined> {
    const what = 'balance_transaction.list';
    const params = {
      ...createdBetween(filter.createdFrom, filter.createdTo),
      ...(filter.sourceId ? { source: filter.sourceId } : {}),
      ...(filter.type ? { type: filter.type } : {}),
    };
    const list = (sdk: Stripe, page: object) =>
      sdk.balanceTransactions.list({ ...params, ...page }, onAccount(stripeAccount));
    const { after } = filter;
    const lines = after === undefined ? this.client.pages(what, list) : this.client.pagesAfter(what, after, list);
    yield* this.mapped(lines, toStripeBalanceTransaction);
  }

  /** Stripe keeps events for 30 days. Newest first; `types` at most 20. https://docs.stripe.com/api/events/list */
  async *listEvents(
    stripeAccount: string | null,
    filter: Readonly<{ createdFrom?: Date; types?: readonly string[] }> = {},
  ): AsyncGenerator<StripeEventRecord, void, undefined> {
    const params = {
      ...createdBetween(filter.createdFrom),
      ...(filter.types && filter.types.length > 0 ? { types: [...filter.types] } : {}),
    };
    const events = this.client.pages('event.list', (sdk, page) =>
      sdk.events.list({ ...params, ...page }, onAccount(stripeAccount)),
    );
    for await (const event of this.mapped(events, toStripeEventRecord)) {
      // The account's own list leaves the account out of each event.
      if (event) yield { ...event, stripeAccount: event.stripeAccount ?? stripeAccount };
    }
  }

  /** The connected accounts of this platform, newest first. */
  async *listAccounts(filter: Readonly<{ createdFrom?: Date }> = {}): AsyncGenerator<StripeAccount, void, undefined> {
    const params = createdBetween(filter.createdFrom);
    const accounts = this.client.pages('account.list', (sdk, page) =>
      sdk.accounts.list({ ...params, ...page }, onAccount(null)),
    );
    yield* this.mapped(accounts, toStripeAccount);
  }

  async *listCards(
    stripeAccount: string,
    filter: Readonly<{
      stripeCardholderId?: string;
      status?: 'active' | 'inactive' | 'canceled';
      createdFrom?: Date;
    }> = {},
  ): AsyncGenerator<StripeCard, void, undefined> {
    const params = {
      ...createdBetween(filter.createdFrom),
      ...(filter.stripeCardholderId ? { cardholder: filter.stripeCardholderId } : {}),
      ...(filter.status ? { status: filter.status } : {}),
    };
    const cards = this.client.pages('card.list', (sdk, page) =>
      sdk.issuing.cards.list({ ...params, ...page }, onAccount(stripeAccount)),
    );
    yield* this.mapped(cards, toStripeCard);
  }

  async *listAuthorizations(
    stripeAccount: string,
    filter: Readonly<{ stripeCardId?: string; status?: string; createdFrom?: Date }> = {},
  ): AsyncGenerator<StripeAuthorization, void, undefined> {
    const params = {
      ...createdBetween(filter.createdFrom),
      ...(filter.stripeCardId ? { card: filter.stripeCardId } : {}),
      ...(filter.status ? { status: filter.status } : {}),
    };
    const authorizations = this.client.pages('authorization.list', (sdk, page) =>
      sdk.issuing.authorizations.list({ ...params, ...page }, onAccount(stripeAccount)),
    );
    yield* this.mapped(authorizations, toStripeAuthorization);
  }

  async *listCardTransactions(
    stripeAccount: string,
    filter: Readonly<{ stripeCardId?: string; createdFrom?: Date }> = {},
  ): AsyncGenerator<StripeCardTransaction, void, undefined> {
    const params = {
      ...createdBetween(filter.createdFrom),
      ...(filter.stripeCardId ? { card: filter.stripeCardId } : {}),
    };
    const transactions = this.client.pages('card_transaction.list', (sdk, page) =>
      sdk.issuing.transactions.list({ ...params, ...page }, onAccount(stripeAccount)),
    );
    yield* this.mapped(transactions, toStripeCardTransaction);
  }

  /** The platform's transfers, newest first. */
  async *listTransfers(
    filter: Readonly<{ destination?: string; transferGroup?: string; createdFrom?: Date }> = {},
  ): AsyncGenerator<StripeTransfer, void, undefined> {
    const params = {
      ...createdBetween(filter.createdFrom),
      ...(filter.destination ? { destination: filter.destination } : {}),
      ...(filter.transferGroup ? { transfer_group: filter.transferGroup } : {}),
    };
    const transfers = this.client.pages('transfer.list', (sdk, page) =>
      sdk.transfers.list({ ...params, ...page }, onAccount(null)),
    );
    yield* this.mapped(transfers, toStripeTransfer);
  }

  async retrieveTransfer(stripeTransferId: string): Promise<StripeTransfer | null> {
    const transfer = await this.find('transfer.retrieve', (sdk) =>
      sdk.transfers.retrieve(stripeTransferId, {}, onAccount(null)),
    );
    return transfer && toStripeTransfer(transfer);
  }

  async retrieveTopup(stripeAccount: string, stripeTopupId: string): Promise<StripeTopup | null> {
    const topup = await this.find('topup.retrieve', (sdk) =>
      sdk.topups.retrieve(stripeTopupId, {}, onAccount(stripeAccount)),
    );
    return topup && toStripeTopup(topup);
  }

  /** Hosted onboarding; the link works once and for minutes. https://docs.stripe.com/api/account_links/create */
  async createAccountLink(
    link: Readonly<{
      stripeAccountId: string;
      refreshUrl: string;
      returnUrl: string;
      type?: 'account_onboarding' | 'account_update';
    }>,
  ): Promise<StripeAccountLink> {
    const created = await this.ask('account_link.create', (sdk) =>
      sdk.accountLinks.create({
        account: link.stripeAccountId,
        refresh_url: link.refreshUrl,
        return_url: link.returnUrl,
        type: link.type ?? 'account_onboarding',
      }),
    );
    return { url: created.url, expiresAt: new Date(created.expires_at * 1_000) };
  }

  /**
   * For Issuing Elements: the browser's nonce comes in, the key's secret goes back to the same browser and nowhere else.
   * https://docs.stripe.com/issuing/elements
   */
  async createEphemeralKey(
    key: Readonly<{ stripeAccount: string; stripeCardId: string; nonce: string }>,
  ): Promise<StripeEphemeralKey> {
    const created = await this.ask('ephemeral_key.create', (sdk) =>
      sdk.ephemeralKeys.create(
        { issuing_card: key.stripeCardId, nonce: key.nonce },
        // The SDK insists on a version here: the secret's shape is the browser's business.
        { apiVersion: stripeApiVersion, stripeAccount: key.stripeAccount },
      ),
    );
    if (!created.secret) throw new StripeRefused('ephemeral_key_without_secret', 'the key came without a secret');
    return { stripeEphemeralKeyId: created.id, secret: created.secret, expiresAt: new Date(created.expires * 1_000) };
  }

  private async find<Answer>(what: string, ask: (sdk: Stripe) => Promise<Answer>): Promise<Answer | null> {
    try {
      return await this.client.request(what, ask);
    } catch (error) {
      if (isResourceMissing(error)) return null;
      throw toRefusal(error);
    }
  }

  private async ask<Answer>(
    what: string,
    ask: (sdk: Stripe) => Promise<Answer>,
    options: { isPaid?: boolean } = {},
  ): Promise<Answer> {
    try {
      return await this.client.request(what, ask, options);
    } catch (error) {
      throw toRefusal(error);
    }
  }

  private async *mapped<Item, Ours>(
    items: AsyncIterable<Item>,
    toOurs: (item: Item) => Ours,
  ): AsyncGenerator<Ours, void, undefined> {
    try {
      for await (const item of items) yield toOurs(item);
    } catch (error) {
      throw toRefusal(error);
    }
  }
}

function onAccount(stripeAccount: string | null): Stripe.RequestOptions {
  return { maxNetworkRetries: readRetries, ...(stripeAccount === null ? {} : { stripeAccount }) };
}

function createdBetween(from?: Date, to?: Date): { created?: { gte?: number; lte?: number } } {
  if (!from && !to) return {};
  return {
    created: {
      ...(from ? { gte: Math.floor(from.getTime() / 1_000) } : {}),
      ...(to ? { lte: Math.floor(to.getTime() / 1_000) } : {}),
    },
  };
}

/** Stripe's errors in our words; anything else is rethrown as it is. */
export function toRefusal(error: unknown): unknown {
  const verdict = classifyStripeError(error);
  if (!verdict) return error;
  if (verdict.verdict === 'refused') return new StripeRefused(verdict.failure.code, verdict.failure.detail);
  return new StripeUnavailable(verdict.failure.code);
}
