import { Injectable } from '@nestjs/common';
import type Stripe from 'stripe';
import { StripeClient, stripePreviewApiVersion } from './stripe-client';
import {
  BalanceTransferObject,
  toStripeAccount,
  toStripeBalanceTransfer,
  toStripeBankPayout,
  toStripeCard,
  toStripeCardholder,
  toStripeTopup,
  toStripeTransfer,
  toStripeTransferReversal,
} from './stripe-objects';
import type { StripeCallKind, StripeCallParams, StripeCallResults } from './stripe-call.types';

/** Metadata keys by which an object at Stripe leads back to the call that made it. */
export const callMetadata = {
  call: 'disburse_call',
  reference: 'disburse_reference',
  update: 'disburse_update',
} as const;

export type OpenStripeCall<K extends StripeCallKind = StripeCallKind> = Readonly<{
  id: string;
  kind: K;
  reference: string;
  stripeAccount: string | null;
  params: StripeCallParams[K];
  /** First send under the current key. */
  sentAt: Date | null;
  intendedAt: Date;
}>;

/** The SDK's types want mutable arrays; it does not change them. */
type Mutable<T> = T extends readonly (infer Item)[]
  ? Mutable<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Mutable<T[Key]> }
    : T;

type Sender<K extends StripeCallKind> = (
  sdk: Stripe,
  params: Mutable<StripeCallParams[K]>,
  options: Stripe.RequestOptions,
) => Promise<unknown>;

type Mapper<K extends StripeCallKind> = (object: never) => StripeCallResults[K];

type Kind<K extends StripeCallKind> = Readonly<{ send: Sender<K>; toResult: Mapper<K> }>;

function kind<K extends StripeCallKind, Answer>(
  send: (sdk: Stripe, params: Mutable<StripeCallParams[K]>, options: Stripe.RequestOptions) => Promise<Answer>,
  toResult: (object: Answer) => StripeCallResults[K],
): Kind<K> {
  return { send, toResult: toResult };
}

/** The one table of what each kind of call is at Stripe. Untyped parameters (`destination_balance`, `source_balance`) pass the SDK unchanged. */
const kinds: { readonly [K in StripeCallKind]: Kind<K> } = {
  'account.create': kind((sdk, params, options) => sdk.accounts.create(params, options), toStripeAccount),
  'account.update': kind(
    (sdk, { id, ...params }, options) => sdk.accounts.update(id, params, options),
    toStripeAccount,
  ),
  'cardholder.create': kind(
    (sdk, params, options) => sdk.issuing.cardholders.create(params, options),
    toStripeCardholder,
  ),
  'cardholder.update': kind(
    (sdk, { id, ...params }, options) => sdk.issuing.cardholders.update(id, params, options),
    toStripeCardholder,
  ),
  'transfer.create': kind((sdk, params, options) => sdk.transfers.create(params, options), toStripeTransfer),
  'transfer_reversal.create': kind(
    (sdk, { transfer, ...params }, options) => sdk.transfers.createReversal(transfer, params, options),
    toStripeTransferReversal,
  ),
  'balance_transfer.create': kind(
    (sdk, params, options) =>
      sdk.rawRequest('POST', '/v1/balance_transfers', params, {
        ...options,
        apiVersion: stripePreviewApiVersion,
      }) as Promise<BalanceTransferObject>,
    toStripeBalanceTransfer,
  ),
  'topup.create': kind((sdk, params, options) => sdk.topups.create(params, options), toStripeTopup),
  'payout.create': kind((sdk, params, options) => sdk.payouts.create(params, options), toStripeBankPayout),
  'card.create': kind((sdk, params, options) => sdk.issuing.cards.create(params, options), toStripeCard),
  'card.update': kind((sdk, { id, ...params }, options) => sdk.issuing.cards.update(id, params, options), toStripeCard),
};

/** Carries a call to Stripe, once, under the key it is given. */
@Injectable()
export class StripeCallSender {
  constructor(private readonly client: StripeClient) {}

  /**
   * The caller has taken a token of the budget.
   * @throws what the SDK throws: see classify-stripe-error.ts
   */
  async send<K extends StripeCallKind>(call: OpenStripeCall<K>, idempotencyKey: string): Promise<StripeCallResults[K]> {
    const { send, toResult } = kinds[call.kind];
    const params = { ...call.params, metadata: metadataOf(call) } as Mutable<StripeCallParams[K]>;
    const options = {
      idempotencyKey,
      maxNetworkRetries: 0,
      ...(call.stripeAccount === null ? {} : { stripeAccount: call.stripeAccount }),
    };
    const answer = await this.client.request(call.kind, (sdk) => send(sdk, params, options), { isPaid: true });
    return toResult(answer as never);
  }
}

function metadataOf(call: OpenStripeCall): Record<string, string> {
  const { metadata } = call.params as { metadata?: Record<string, string> };
  // An update leaves the marks of the creation alone.
  const marks = call.kind.endsWith('.update')
    ? { [callMetadata.update]: call.id }
    : { [callMetadata.call]: call.id, [callMetadata.reference]: call.reference };
  return { ...metadata, ...marks };
}
