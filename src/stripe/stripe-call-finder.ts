import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { isResourceMissing } from './classify-stripe-error';
import { StripeClient } from './stripe-client';
import {
  toStripeAccount,
  toStripeBalanceTransaction,
  toStripeBankPayout,
  toStripeCard,
  toStripeCardholder,
  toStripeTopup,
  toStripeTransfer,
  toStripeTransferReversal,
} from './stripe-objects';
import { callMetadata, OpenStripeCall } from './stripe-call-sender';
import { StripeCallsRepository } from './stripe-calls.repository';
import type { StripeBalanceTransfer, StripeCallKind, StripeCallParams, StripeCallResults } from './stripe-call.types';
import type { StripeBalanceTransaction } from './stripe.types';

export type Finding<K extends StripeCallKind> =
  | Readonly<{ found: 'yes'; result: StripeCallResults[K] }>
  /** Not there now. Whether that proves anything is for the policy to say. */
  | Readonly<{ found: 'no' }>
  | Readonly<{ found: 'unclear'; reason: string }>;

// Stripe's `created` counts whole seconds and its clock is not ours. Where only the amount identifies, the window is narrow.
const clockSkewMs = 3_600_000;
const clockSkewMsNarrow = 60_000;

/**
 * Looks at Stripe for what a call may have made, when its key will not tell. By the metadata that every object of ours carries; a balance
 * transfer, which can be neither retrieved nor listed, by the balance transactions it must have left.
 */
@Injectable()
export class StripeCallFinder {
  constructor(
    private readonly client: StripeClient,
    private readonly repository: StripeCallsRepository,
  ) {}

  /** @throws what the SDK throws; then nothing is known */
  async find<K extends StripeCallKind>(call: OpenStripeCall<K>): Promise<Finding<K>> {
    const finders: { [Any in StripeCallKind]: (call: OpenStripeCall<Any>) => Promise<Finding<Any>> } = {
      'account.create': (open) => this.findAccount(open),
      'account.update': (open) =>
        this.findUpdate(open, (sdk, id, options) => sdk.accounts.retrieve(id, {}, options), toStripeAccount),
      'cardholder.create': (open) => this.findCardholder(open),
      'cardholder.update': (open) =>
        this.findUpdate(
          open,
          (sdk, id, options) => sdk.issuing.cardholders.retrieve(id, {}, options),
          toStripeCardholder,
        ),
      'transfer.create': (open) => this.findTransfer(open),
      'transfer_reversal.create': (open) => this.findReversal(open),
      'balance_transfer.create': (open) => this.findBalanceTransfer(open),
      'topup.create': (open) => this.findTopup(open),
      'payout.create': (open) => this.findBankPayout(open),
      'card.create': (open) => this.findCard(open),
      'card.update': (open) =>
        this.findUpdate(open, (sdk, id, options) => sdk.issuing.cards.retrieve(id, {}, options), toStripeCard),
    };
    return finders[call.kind](call);
  }

  private async findAccount(call: OpenStripeCall<'account.create'>): Promise<Finding<'account.create'>> {
    return this.firstOf(
      call,
      this.client.pages('account.list', (sdk, page) => sdk.accounts.list({ ...page, ...since(call) }, on(call))),
      toStripeAccount,
    );
  }

  private async findCardholder(call: OpenStripeCall<'cardholder.create'>): Promise<Finding<'cardholder.create'>> {
    return this.firstOf(
      call,
      this.client.pages('cardholder.list', (sdk, page) =>
        sdk.issuing.cardholders.list({ ...page, ...since(call) }, on(call)),
      ),
      toStripeCardholder,
    );
  }

  private async findTransfer(call: OpenStripeCall<'transfer.create'>): Promise<Finding<'transfer.create'>> {
    const { transfer_group: group, destination } = call.params;
    const filter = group ? { transfer_group: group } : { destination };
    return this.firstOf(
      call,
      this.client.pages('transfer.list', (sdk, page) =>
        sdk.transfers.list({ ...page, ...since(call), ...filter }, on(call)),
      ),
      toStripeTransfer,
    );
  }

  private async findReversal(
    call: OpenStripeCall<'transfer_reversal.create'>,
  ): Promise<Finding<'transfer_reversal.create'>> {
    return this.firstOf(
      call,
      this.client.pages('transfer_reversal.list', (sdk, page) =>
        sdk.transfers.listReversals(call.params.transfer, page, on(call)),
      ),
      toStripeTransferReversal,
    );
  }

  private async findTopup(call: OpenStripeCall<'topup.create'>): Promise<Finding<'topup.create'>> {
    return this.firstOf(
      call,
      this.client.pages('topup.list', (sdk, page) => sdk.topups.list({ ...page, ...since(call) }, on(call))),
      toStripeTopup,
    );
  }

  private async findBankPayout(call: OpenStripeCall<'payout.create'>): Promise<Finding<'payout.create'>> {
    return this.firstOf(
      call,
      this.client.pages('payout.list', (sdk, page) => sdk.payouts.list({ ...page, ...since(call) }, on(call))),
      toStripeBankPayout,
    );
  }

  private async findCard(call: OpenStripeCall<'card.create'>): Promise<Finding<'card.create'>> {
    return this.firstOf(
      call,
      this.client.pages('card.list', (sdk, page) =>
        sdk.issuing.cards.list({ ...page, ...since(call), cardholder: call.params.cardholder }, on(call)),
      ),
      toStripeCard,
    );
  }

  /** The one object that carries this call's id. */
  private async firstOf<K extends StripeCallKind, Item extends { metadata?: Stripe.Metadata | null }>(
    call: OpenStripeCall<K>,
    items: AsyncIterable<Item>,
    toResult: (item: Item) => StripeCallResults[K],
  ): Promise<Finding<K>> {
    for await (const item of items) {
      if (item.metadata?.[callMetadata.call] === call.id) return { found: 'yes', result: toResult(item) };
    }
    return { found: 'no' };
  }

  /** An update is there when the object still carries its mark; a later update has a mark of its own and made this one void. */
  private async findUpdate<
    K extends 'account.update' | 'cardholder.update' | 'card.update',
    Item extends { metadata?: Stripe.Metadata },
  >(
    call: OpenStripeCall<K>,
    retrieve: (sdk: Stripe, id: string, options: Stripe.RequestOptions) => Promise<Item>,
    toResult: (item: Item) => StripeCallResults[K],
  ): Promise<Finding<K>> {
    const { id } = call.params as StripeCallParams['card.update'];
    try {
      const item = await this.client.request(call.kind.replace('.update', '.retrieve'), (sdk) =>
        retrieve(sdk, id, on(call)),
      );
      return item.metadata?.[callMetadata.update] === call.id
        ? { found: 'yes', result: toResult(item) }
        : { found: 'no' };
    } catch (error) {
      // Sending it again gets Stripe's own refusal, with its reason.
      if (isResourceMissing(error)) return { found: 'no' };
      throw error;
    }
  }

  /**
   * Its debit must be among the account's balance transactions since it was first sent: of this amount, off this balance, and not the
   * outcome of another call. Only one call per account and direction is in flight, so exactly one such line is ours.
   */
  private async findBalanceTransfer(
    call: OpenStripeCall<'balance_transfer.create'>,
  ): Promise<Finding<'balance_transfer.create'>> {
    const { amount, currency, source_balance: source, destination_balance: destination } = call.params;
    const amountMinor = BigInt(amount);
    const lines: StripeBalanceTransaction[] = [];
    const all = this.client.pages('balance_transaction.list', (sdk, page) =>
      sdk.balanceTransactions.list({ ...page, ...since(call, clockSkewMsNarrow), currency }, on(call)),
    );
    for await (const line of all) {
      if (line.type.startsWith('balance_transfer')) lines.push(toStripeBalanceTransaction(line));
    }
    const debits = lines.filter((line) => line.balanceType === source.type && line.amountMinor === -amountMinor);
    const claimed = await this.repository.findClaimed(debits.map((line) => line.balanceTransactionId));
    const unclaimed = debits.filter((line) => !claimed.has(line.balanceTransactionId));
    const [debit] = unclaimed;
    if (!debit) return { found: 'no' };
    if (unclaimed.length > 1) {
      return {
        found: 'unclear',
        reason: `${unclaimed.length} balance transfers of this amount fit, none says whose it is`,
      };
    }
    const credit = lines.find(
      (line) =>
        line.balanceType === destination.type &&
        line.amountMinor === amountMinor &&
        (line.sourceId === null || debit.sourceId === null || line.sourceId === debit.sourceId),
    );
    return { found: 'yes', result: toBalanceTransfer(debit, credit) };
  }
}

function toBalanceTransfer(
  debit: StripeBalanceTransaction,
  credit: StripeBalanceTransaction | undefined,
): StripeBalanceTransfer {
  return {
    stripeBalanceTransferId: debit.sourceId,
    amountMinor: -debit.amountMinor,
    currency: debit.currency,
    sourceBalanceTransactionId: debit.balanceTransactionId,
    destinationBalanceTransactionId: credit?.balanceTransactionId ?? null,
    createdAt: debit.createdAt,
  };
}

function on(call: OpenStripeCall): Stripe.RequestOptions {
  return { maxNetworkRetries: 2, ...(call.stripeAccount === null ? {} : { stripeAccount: call.stripeAccount }) };
}

function since(call: OpenStripeCall, skewMs = clockSkewMs): { created: { gte: number } } {
  const from = (call.sentAt ?? call.intendedAt).getTime() - skewMs;
  return { created: { gte: Math.floor(from / 1_000) } };
}
