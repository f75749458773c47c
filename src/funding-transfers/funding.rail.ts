import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { Tx } from '../platform/database/database';
import { Money, money } from '../shared/money';
import { IntendStripeCall, SettledStripeCall } from '../stripe/stripe-call.types';
import { FundingRailName } from '../connected-accounts/connected-account.types';
import { FundingTransferHopEntity } from './funding-transfer-hop.entity';
import { FundingTransferEntity } from './funding-transfer.entity';
import { FundingRoute } from './funding-transfer.policy';
import { FundingDirection, FundingHopKind, MoneyPlace } from './funding-transfer.types';

/** The calls that move a funding transfer's money. */
export type FundingCallKind =
  'transfer.create' | 'balance_transfer.create' | 'transfer_reversal.create' | 'topup.create' | 'payout.create';
export type FundingCall = { [K in FundingCallKind]: IntendStripeCall<K> }[FundingCallKind];
export type FundingOutcome = { [K in FundingCallKind]: SettledStripeCall<K> }[FundingCallKind];

/** What Stripe's yes to a hop means. */
export type Acceptance = Readonly<{
  /** `done`: the money can be used there already. `accepted`: it is on its way, and `findArrival` tells when it is there. */
  status: 'accepted' | 'done';
  moneyAt: MoneyPlace;
  stripeObjectId: string | null;
  stripeCreatedAt: Date;
  arrivalBalanceTransactionId?: string | null;
  /** An object whose line on the connected account must still be found and linked to the entry just posted. */
  counterpartId?: string | null;
}>;

export type Arrival =
  /** Not there yet. `expectedAt` is Stripe's word, by Stripe's clock; null: it gave none. */
  | Readonly<{ how: 'on_its_way'; expectedAt: Date | null }>
  | Readonly<{ how: 'arrived'; at: Date; balanceTransactionId: string | null }>
  /** It will not arrive; the money is back where the hop began. `balanceTransactionId`: the line that brought it back. */
  | Readonly<{ how: 'bounced'; at: Date; code: string; detail: string; balanceTransactionId: string | null }>;

export type Refusal = Readonly<{ code: string; detail: string }>;

/**
 * A way for money into an Issuing balance and back. The service drives every rail the same way, hop by hop; a rail knows its calls,
 * its postings (design.md, section 5) and how to tell that money has arrived.
 */
export abstract class FundingRail {
  abstract readonly name: FundingRailName;
  abstract readonly route: FundingRoute;
  /** Where the money stands before the first hop. */
  abstract readonly begins: Readonly<Record<FundingDirection, MoneyPlace>>;
  /** Where it stands after the last. */
  abstract readonly ends: Readonly<Record<FundingDirection, MoneyPlace>>;

  /** The Stripe call of a hop that moves the whole sum. */
  abstract callFor(transfer: FundingTransferEntity, kind: FundingHopKind): FundingCall;

  /** Posts what Stripe's yes moved. */
  abstract accepted(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    call: FundingOutcome & { status: 'done' },
  ): Promise<Acceptance>;

  /** Asks Stripe whether an accepted hop has arrived. Called with no transaction open. */
  abstract findArrival(transfer: FundingTransferEntity, hop: FundingTransferHopEntity): Promise<Arrival>;

  /** Posts the arrival, and answers where the money stands now. */
  abstract arrived(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    arrival: Arrival & { how: 'arrived' },
  ): Promise<MoneyPlace>;

  /** Posts the money back to where the hop began. */
  abstract bounced(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    arrival: Arrival & { how: 'bounced' },
  ): Promise<void>;

  /** Posts what only the end of the way makes true, or refuses: then nothing has moved. */
  settle(_tx: Tx, _transfer: FundingTransferEntity): Promise<Refusal | null> {
    return Promise.resolve(null);
  }
}

/** The payout's side of a reclaim that is over: what was on its way back, its buffer and its aftercare end in `destination`. */
export function reclaimDone(transfer: FundingTransferEntity, destination: string, total: Money): Posting[] {
  const { currency, reference } = transfer;
  const parts: readonly [string, bigint][] = [
    [accounts.payoutReclaiming(reference, currency), transfer.amountMinor],
    [accounts.aftercare(reference, currency), transfer.aftercareMinor],
    [accounts.probeBuffer(reference, currency), transfer.bufferMinor],
  ];
  return [
    ...parts.filter(([, minor]) => minor > 0n).map(([account, minor]) => debit(account, money(minor, currency))),
    credit(destination, total),
  ];
}
