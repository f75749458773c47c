import { Injectable } from '@nestjs/common';
import { FundingRailName } from '../connected-accounts/connected-account.types';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { LedgerService } from '../ledger/ledger.service';
import { EntryKind } from '../ledger/ledger.types';
import { Database, Tx } from '../platform/database/database';
import { Events } from '../platform/events/events.service';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { newId } from '../shared/ids';
import { checkTransitions } from '../shared/transitions';
import { StripeCallsService } from '../stripe/stripe-calls.service';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { FundingTransferHopEntity } from './funding-transfer-hop.entity';
import { FundingTransferEntity } from './funding-transfer.entity';
import { FundingAccountNotReady, FundingTransferUnsettled, NothingFunded } from './funding-transfer.errors';
import {
  FundingTransferFailed,
  FundingTransferSettled,
  FundingTransferShort,
  ReclaimDelayed,
  ReclaimFailed,
  ReclaimReturned,
  ReclaimSettled,
} from './funding-transfer.events';
import {
  isShort,
  nameReturnFailure,
  nextArrivalCheckAt,
  nextCheckAt,
  nextStep,
  NextStep,
  planReversals,
  returnableMinor,
  splitReturn,
  totalMinorOf,
} from './funding-transfer.policy';
import { fundingTransferTransitions } from './funding-transfer.transitions';
import {
  FundingDirection,
  FundingHop,
  FundingHopKind,
  FundingRequest,
  FundingTransfer,
  ReclaimRequest,
} from './funding-transfer.types';
import { FundingTransfersRepository } from './funding-transfers.repository';
import { Arrival, FundingCall, FundingOutcome, FundingRail, Refusal } from './funding.rail';
import { PrefundedRail } from './prefunded.rail';
import { TopupRail } from './topup.rail';
import { TransferRail } from './transfer.rail';

checkTransitions(fundingTransferTransitions, 'pending');

/** One sweep's share; the next one takes the rest. */
const sweepRows = 1000;

/** A line is linked right after its call; what is still open after this long was missed. */
const linkedLateMs = 600_000;

@Injectable()
export class FundingTransfersService {
  private readonly rails: Readonly<Record<FundingRailName, FundingRail>>;

  constructor(
    private readonly repository: FundingTransfersRepository,
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly events: Events,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly stripeCalls: StripeCallsService,
    private readonly gateway: StripeGateway,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly transferRail: TransferRail,
    private readonly topupRail: TopupRail,
    private readonly prefundedRail: PrefundedRail,
  ) {
    this.rails = { transfer: transferRail, topup: topupRail, prefunded: prefundedRail };
  }

  /**
   * Starts moving `amountMinor` plus `bufferMinor` to the account's Issuing balance, by the account's rail. Nothing is sent before
   * the caller's transaction commits. Ends in FundingTransferSettled, FundingTransferShort or FundingTransferFailed.
   * @throws {FundingAccountNotReady} {FundingTransferUnsettled}
   */
  async begin(tx: Tx, request: FundingRequest): Promise<string> {
    return this.start(tx, 'out', request);
  }

  /**
   * Starts bringing money back, by the rail it came. The caller posts `reclaim_intended` in the same transaction. Ends in
   * ReclaimSettled, or in ReclaimFailed when all of it is still (or again) in the Issuing balance; ReclaimDelayed tells of a hold-up
   * on the way.
   * @throws {FundingAccountNotReady} {FundingTransferUnsettled} {NothingFunded}
   */
  async beginReclaim(tx: Tx, request: ReclaimRequest): Promise<string> {
    return this.start(tx, 'in', request);
  }

  /** Every funding transfer of a reference, oldest first, with its hops: for the timeline. */
  async listFor(reference: string, tx: Tx = this.database.reader): Promise<FundingTransfer[]> {
    const transfers = await this.repository.listByReference(tx, reference);
    const ids = transfers.map((transfer) => transfer.id);
    const hops = await this.repository.hopsOf(tx, ids);
    return transfers.map((transfer) =>
      toFundingTransfer(
        transfer,
        hops.filter((hop) => hop.fundingTransferId === transfer.id),
      ),
    );
  }

  /** Those of a reference that are still on their way: at most one per direction. Pass the transaction to read what it wrote. */
  async getUnsettled(reference: string, tx: Tx = this.database.reader): Promise<FundingTransfer[]> {
    return (await this.listFor(reference, tx)).filter((transfer) => transfer.isUnsettled);
  }

  /** How much of a reference's aftercare is on its way back and has not arrived. Minor units. */
  async aftercareUnderWay(tx: Tx, reference: string): Promise<bigint> {
    const unsettled = await this.getUnsettled(reference, tx);
    return unsettled
      .filter((transfer) => transfer.direction === 'in')
      .reduce((sum, transfer) => {
        const returned = splitReturn(transfer, 0n, transfer.returnedMinor);
        return sum + transfer.aftercareMinor - returned.aftercareMinor;
      }, 0n);
  }

  /** Takes the outcome of one of our calls, in the transaction that records it; other modules' calls are none of ours. */
  async callSettled(tx: Tx, call: FundingOutcome): Promise<void> {
    const found = await this.repository.findHopByCall(tx, call.id);
    if (!found) return;
    const transfer = (await this.repository.lock(tx, found.fundingTransferId))!;
    // Read again under the lock: another worker may have taken the same outcome.
    const hop = (await this.repository.findHop(tx, found.id))!;
    if (hop.status !== 'intended' && hop.status !== 'unknown') return;

    switch (call.status) {
      case 'unknown':
        await this.repository.patchHop(tx, hop, { status: 'unknown' });
        if (transfer.status === 'pending' || transfer.status === 'in_transit') {
          await this.repository.move(tx, transfer, 'unknown');
        }
        return;
      case 'failed':
        return this.refused(tx, transfer, hop, call.failure);
      case 'done':
        return this.accepted(tx, transfer, hop, call);
    }
  }

  /**
   * Asks Stripe where a funding transfer stands and moves it on. Safe at any time, twice, and beside another worker: what was learned
   * is applied only if the hop still waits for it.
   */
  async check(fundingTransferId: string): Promise<void> {
    const transfer = await this.repository.find(this.database.reader, fundingTransferId);
    if (!transfer) return;
    const hops = await this.repository.hopsOf(this.database.reader, [fundingTransferId]);
    if (!transfer.isUnsettled) return this.checkBankPayout(transfer, hops);

    const next = this.next(transfer, hops);
    if (next.step === 'wait') {
      const hop = hops.findLast((candidate) => candidate.status === 'accepted');
      if (next.until !== 'arrival' || !hop) return;
      const arrival = await this.rails[transfer.rail].findArrival(transfer, hop);
      return this.database.transaction((tx) => this.applyArrival(tx, transfer.id, hop.id, arrival));
    }
    if (next.step === 'reverse') {
      const balance = await this.gateway.retrieveBalance(transfer.stripeAccountId);
      const availableMinor = balance.available.get(transfer.currency) ?? 0n;
      return this.database.transaction((tx) => this.retryReturn(tx, transfer.id, availableMinor));
    }
    return this.database.transaction(async (tx) => {
      const locked = (await this.repository.lock(tx, transfer.id))!;
      if (locked.isUnsettled) await this.advance(tx, locked);
    });
  }

  /**
   * Finds the lines that our calls caused on the connected account without naming them (a transfer's payment, a reversal's refund) and
   * links them to the entries that explain them.
   * @throws when Stripe does not list one of them yet: the job tries again
   */
  async link(fundingTransferId: string): Promise<void> {
    const transfer = await this.repository.find(this.database.reader, fundingTransferId);
    if (!transfer) return;
    const missing: string[] = [];
    for (const hop of await this.repository.hopsOf(this.database.reader, [fundingTransferId])) {
      if (hop.counterpartId === null || hop.counterpartLinkedAt !== null) continue;
      const balanceTransactionId = await this.findCounterpartLine(transfer.stripeAccountId, hop, hop.counterpartId);
      if (balanceTransactionId === null) {
        missing.push(hop.counterpartId);
        continue;
      }
      await this.database.transaction(async (tx) => {
        await this.ledger.linkBalanceTransaction(tx, {
          connectedAccountId: transfer.connectedAccountId,
          balanceTransactionId,
          ...entryOf(transfer, hop),
        });
        await this.repository.patchHop(tx, hop, { counterpartLinkedAt: this.clock.now() });
      });
    }
    if (missing.length > 0) throw new Error(`Stripe lists no balance transaction of ${missing.join(', ')} yet.`);
  }

  /** Enqueues a look at everything whose time has come: the safety net under Stripe's events. */
  async sweep(): Promise<void> {
    const now = this.clock.now();
    const transfers = await this.repository.due(now, sweepRows);
    const unlinked = await this.repository.unlinked(new Date(now.getTime() - linkedLateMs), sweepRows);
    const floats = await this.repository.dueFloats(now, sweepRows);
    await this.database.transaction(async (tx) => {
      for (const id of transfers) await this.enqueueCheck(tx, id);
      for (const id of unlinked) await this.enqueueLink(tx, id);
      for (const id of floats) await this.enqueueObservation(tx, id);
    });
  }

  /** Stripe says that an account's balance changed: what waits for it is looked at now. */
  async balanceAvailable(stripeAccountId: string): Promise<void> {
    const waiting = await this.repository.unsettledOfStripeAccount(stripeAccountId, sweepRows);
    if (waiting.length > 0) {
      await this.database.transaction(async (tx) => {
        for (const id of waiting) await this.enqueueCheck(tx, id);
      });
    }
    const account = await this.connectedAccounts.findByStripeAccountId(stripeAccountId);
    if (account) await this.followFloat(account.id);
  }

  /** Stripe says that a top-up or bank payout ended. One we do not know (yet) is looked at when its outcome is recorded. */
  async movementEnded(stripeObjectId: string): Promise<void> {
    const hop = await this.repository.findHopByStripeObject(this.database.reader, stripeObjectId);
    if (hop) await this.database.transaction((tx) => this.enqueueCheck(tx, hop.fundingTransferId));
  }

  /** Looks at the float of a prefunded account, from now on by schedule as well. Nothing on the other rails. */
  async followFloat(connectedAccountId: string): Promise<void> {
    const { fundingRail, stripeAccountId, currency } = await this.connectedAccounts.get(connectedAccountId);
    if (fundingRail !== 'prefunded' || stripeAccountId === null) return;
    await this.database.transaction(async (tx) => {
      await this.prefundedRail.follow(tx, { connectedAccountId, stripeAccountId, currency });
      await this.enqueueObservation(tx, connectedAccountId);
    });
  }

  async observeFloat(connectedAccountId: string): Promise<void> {
    await this.prefundedRail.observe(connectedAccountId);
  }

  private async start(tx: Tx, direction: FundingDirection, request: ReclaimRequest): Promise<string> {
    const { reference, connectedAccountId, amountMinor, bufferMinor, currency } = request;
    const account = await this.connectedAccounts.get(connectedAccountId, tx);
    if (account.stripeAccountId === null) throw new FundingAccountNotReady(connectedAccountId);
    const rail = this.rails[direction === 'out' ? account.fundingRail : await this.railBack(tx, reference)];

    const id = newId('fund');
    const isFirst = await this.repository.insert(tx, {
      id,
      connectedAccountId,
      stripeAccountId: account.stripeAccountId,
      reference,
      direction,
      rail: rail.name,
      moneyAt: rail.begins[direction],
      amountMinor,
      bufferMinor,
      aftercareMinor: request.aftercareMinor ?? 0n,
      currency,
    });
    if (!isFirst) throw new FundingTransferUnsettled(reference, direction);

    const transfer = (await this.repository.lock(tx, id))!;
    if (rail.route[direction].length > 0) {
      await this.advance(tx, transfer);
    } else {
      // Nothing is asked of Stripe, and the account's float is one lock for all: it is not held as long as the caller's transaction.
      await this.repository.patch(tx, transfer, { nextCheckAt: nextCheckAt(0, this.clock.now()) });
      await this.enqueueCheck(tx, id);
    }
    return id;
  }

  /** Money goes back by the rail it came, whatever the account uses by now. */
  private async railBack(tx: Tx, reference: string): Promise<FundingRailName> {
    const rail = await this.repository.findRailToReclaim(tx, reference);
    // What the Issuing balance holds belongs to other payouts then.
    if (rail === null) throw new NothingFunded(reference);
    return rail;
  }

  private next(transfer: FundingTransferEntity, hops: readonly FundingTransferHopEntity[]): NextStep {
    const route = this.rails[transfer.rail].route[transfer.direction];
    return nextStep({ ...transfer, totalMinor: totalMinorOf(transfer) }, route, hops);
  }

  /** Does what comes next, from the hops alone. The caller holds the row. */
  private async advance(tx: Tx, transfer: FundingTransferEntity): Promise<void> {
    const hops = await this.repository.hopsOf(tx, [transfer.id]);
    const next = this.next(transfer, hops);
    switch (next.step) {
      case 'call':
        await this.intend(tx, transfer, this.rails[transfer.rail].callFor(transfer, next.kind), {
          kind: next.kind,
          amountMinor: totalMinorOf(transfer),
          reversesFundingTransferId: null,
        });
        return;
      case 'wait':
        if (next.until === 'outcome') return;
        await this.repository.patch(tx, transfer, { attempts: 0, nextCheckAt: nextCheckAt(0, this.clock.now()) });
        await this.enqueueCheck(tx, transfer.id, transfer.direction);
        return;
      case 'reverse':
        if (transfer.direction === 'out' && transfer.status !== 'failed') {
          await this.repository.move(tx, transfer, 'failed', failureColumns(lastFailure(hops)));
        }
        if (next.isRetry) {
          // The balance in the middle was too small: it is read before the next try, not taken on trust.
          await this.repository.patch(tx, transfer, { nextCheckAt: nextCheckAt(transfer.attempts, this.clock.now()) });
        } else if (await this.repository.isDrained(tx, transfer)) {
          // Somebody emptied the balance in the middle before: what is in it now may be another's.
          await this.repository.patch(tx, transfer, { nextCheckAt: nextCheckAt(0, this.clock.now()) });
          await this.enqueueCheck(tx, transfer.id);
        } else {
          await this.reverse(tx, transfer, next.leftMinor);
        }
        return;
      case 'settle':
        return this.settle(tx, transfer);
      case 'fail':
        return this.fail(tx, transfer, lastFailure(hops));
      case 'returned':
        return this.returned(tx, transfer);
    }
  }

  private async intend(
    tx: Tx,
    transfer: FundingTransferEntity,
    call: FundingCall,
    hop: { kind: FundingHopKind; amountMinor: bigint; reversesFundingTransferId: string | null },
  ): Promise<void> {
    const stripeCallId = await this.stripeCalls.intend(tx, call);
    await this.repository.insertHop(tx, {
      ...hop,
      fundingTransferId: transfer.id,
      connectedAccountId: transfer.connectedAccountId,
      stripeCallId,
    });
    // The call's own machinery repeats it until its outcome is known; there is nothing to look at before.
    await this.repository.patch(tx, transfer, { nextCheckAt: null });
  }

  private async accepted(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    call: FundingOutcome & { status: 'done' },
  ): Promise<void> {
    const { status, moneyAt, stripeObjectId, stripeCreatedAt, ...found } = await this.rails[transfer.rail].accepted(
      tx,
      transfer,
      hop,
      call,
    );
    const counterpartId = found.counterpartId ?? null;
    await this.repository.patchHop(tx, hop, {
      status,
      stripeObjectId,
      stripeCreatedAt,
      arrivalBalanceTransactionId: found.arrivalBalanceTransactionId ?? null,
      counterpartId,
    });
    if (counterpartId !== null) await this.enqueueLink(tx, transfer.id);

    await this.repository.patch(tx, transfer, { moneyAt });
    if (hop.kind === 'transfer_reversal') await this.cameBack(tx, transfer, hop);
    await this.leaveUnknown(tx, transfer);
    await this.advance(tx, transfer);
  }

  /** A piece is back at the platform: counted on what it returns and, of a reclaim, on the outward transfer it was taken from. */
  private async cameBack(tx: Tx, transfer: FundingTransferEntity, hop: FundingTransferHopEntity): Promise<void> {
    await this.repository.patch(tx, transfer, { returnedMinor: transfer.returnedMinor + hop.amountMinor });
    if (transfer.direction === 'in' && hop.reversesFundingTransferId !== null) {
      await this.takeOff(tx, hop.reversesFundingTransferId, hop.amountMinor);
    }
  }

  private async takeOff(tx: Tx, outwardId: string, amountMinor: bigint): Promise<void> {
    const outward = (await this.repository.lock(tx, outwardId))!;
    const returnedMinor = outward.returnedMinor + amountMinor;
    if (returnedMinor === totalMinorOf(outward)) {
      const moneyAt = this.rails[outward.rail].begins.out;
      await this.repository.move(tx, outward, 'returned', { returnedMinor, moneyAt });
    } else if (outward.status === 'settled') {
      await this.repository.move(tx, outward, 'partially_returned', { returnedMinor });
    } else {
      await this.repository.patch(tx, outward, { returnedMinor });
    }
  }

  private async refused(
    tx: Tx,
    transfer: FundingTransferEntity,
    hop: FundingTransferHopEntity,
    failure: Refusal,
  ): Promise<void> {
    const named = hop.kind === 'transfer_reversal' ? nameReturnFailure(failure) : failure;
    await this.repository.patchHop(tx, hop, { status: 'failed', ...failureColumns(named) });
    await this.leaveUnknown(tx, transfer);
    if (hop.kind === 'transfer_reversal') await this.delay(tx, transfer, named);
    await this.advance(tx, transfer);
  }

  /** `unknown` lasts as long as one of the hops is. A failed transfer that goes back keeps its status. */
  private async leaveUnknown(tx: Tx, transfer: FundingTransferEntity): Promise<void> {
    if (transfer.status === 'pending' && transfer.moneyAt !== this.rails[transfer.rail].begins[transfer.direction]) {
      await this.repository.move(tx, transfer, 'in_transit');
    }
    if (transfer.status !== 'unknown') return;
    const hops = await this.repository.hopsOf(tx, [transfer.id]);
    if (!hops.some((hop) => hop.status === 'unknown')) await this.repository.move(tx, transfer, 'in_transit');
  }

  private async applyArrival(tx: Tx, fundingTransferId: string, hopId: string, arrival: Arrival): Promise<void> {
    const transfer = (await this.repository.lock(tx, fundingTransferId))!;
    const hop = (await this.repository.findHop(tx, hopId))!;
    if (hop.status !== 'accepted') return;
    const rail = this.rails[transfer.rail];
    if (arrival.how === 'on_its_way') {
      const attempts = transfer.attempts + 1;
      const next = nextArrivalCheckAt(attempts, arrival.expectedAt, this.clock.now());
      await this.repository.patch(tx, transfer, { attempts, nextCheckAt: next });
      return;
    }
    if (arrival.how === 'arrived') {
      const moneyAt = await rail.arrived(tx, transfer, hop, arrival);
      const line = arrival.balanceTransactionId ?? hop.arrivalBalanceTransactionId;
      await this.repository.patchHop(tx, hop, { status: 'done', arrivalBalanceTransactionId: line });
      await this.repository.patch(tx, transfer, { moneyAt, attempts: 0, nextCheckAt: null });
    } else {
      await rail.bounced(tx, transfer, hop, arrival);
      await this.repository.patchHop(tx, hop, { status: 'failed', ...failureColumns(arrival) });
      await this.repository.patch(tx, transfer, { moneyAt: rail.begins[transfer.direction], nextCheckAt: null });
    }
    await this.advance(tx, transfer);
  }

  /** Takes back from the seller's payments balance, as far as there are transfers to reverse. */
  private async reverse(tx: Tx, transfer: FundingTransferEntity, amountMinor: bigint): Promise<void> {
    const reversible = await this.repository.lockReversible(tx, transfer);
    const { reversals } = planReversals(reversible, amountMinor);
    for (const reversal of reversals) {
      await this.intend(tx, transfer, this.transferRail.reversalCall(transfer, reversal), {
        kind: 'transfer_reversal',
        amountMinor: reversal.amountMinor,
        reversesFundingTransferId: reversal.fundingTransferId,
      });
    }
    if (reversals.length > 0) return;
    await this.delay(tx, transfer, {
      code: 'no_transfer_left',
      detail: 'Every transfer to this seller for this payout has been reversed in full; the rest needs a person.',
    });
  }

  private async retryReturn(tx: Tx, fundingTransferId: string, availableMinor: bigint): Promise<void> {
    const transfer = (await this.repository.lock(tx, fundingTransferId))!;
    const next = this.next(transfer, await this.repository.hopsOf(tx, [transfer.id]));
    if (next.step !== 'reverse') return;
    const othersMinor = await this.repository.passingThroughForOthers(tx, transfer);
    const amountMinor = returnableMinor(availableMinor, othersMinor, next.leftMinor);
    if (amountMinor > 0n) return this.reverse(tx, transfer, amountMinor);
    const attempts = transfer.attempts + 1;
    await this.repository.patch(tx, transfer, { attempts, nextCheckAt: nextCheckAt(attempts, this.clock.now()) });
  }

  /** Held up in the seller's payments balance: named once, tried again by schedule and when the balance grows. */
  private async delay(tx: Tx, transfer: FundingTransferEntity, failure: Refusal): Promise<void> {
    const attempts = transfer.attempts + 1;
    const isNews = transfer.direction === 'in' && transfer.failureCode !== failure.code;
    await this.repository.patch(tx, transfer, {
      attempts,
      nextCheckAt: nextCheckAt(attempts, this.clock.now()),
      // An outward transfer keeps the reason it failed for; its refused hops tell the rest.
      ...(transfer.direction === 'in' ? failureColumns(failure) : {}),
    });
    if (isNews) {
      await this.events.announce(tx, new ReclaimDelayed(transfer.reference, transfer.id, failure.code, failure.detail));
    }
  }

  private async settle(tx: Tx, transfer: FundingTransferEntity): Promise<void> {
    const rail = this.rails[transfer.rail];
    const refusal = await rail.settle(tx, transfer);
    if (refusal) return this.fail(tx, transfer, refusal);
    await this.repository.move(tx, transfer, 'settled', {
      moneyAt: rail.ends[transfer.direction],
      settledAt: this.clock.now(),
      failureCode: null,
      failureDetail: null,
      nextCheckAt: null,
    });
    if (transfer.direction === 'out') {
      await this.events.announce(tx, new FundingTransferSettled(transfer.reference, transfer.id));
      return;
    }
    if (!rail.route.in.includes('transfer_reversal')) await this.attribute(tx, transfer);
    await this.events.announce(
      tx,
      new ReclaimSettled(transfer.reference, transfer.id, transfer.amountMinor.toString()),
    );
  }

  /** Counts a reclaim on the outward transfers it gives back, where no reversal does. */
  private async attribute(tx: Tx, transfer: FundingTransferEntity): Promise<void> {
    const reversible = await this.repository.lockReversible(tx, transfer);
    const { reversals } = planReversals(reversible, totalMinorOf(transfer));
    for (const { fundingTransferId, amountMinor } of reversals) await this.takeOff(tx, fundingTransferId, amountMinor);
    await this.repository.patch(tx, transfer, { returnedMinor: totalMinorOf(transfer) });
  }

  /** Refused, and nothing of it is on the way. */
  private async fail(tx: Tx, transfer: FundingTransferEntity, failure: Refusal): Promise<void> {
    await this.repository.move(tx, transfer, 'failed', { ...failureColumns(failure), nextCheckAt: null });
    const { reference, id, direction } = transfer;
    if (direction === 'in') {
      await this.events.announce(tx, new ReclaimFailed(reference, id, failure.code, failure.detail));
    } else if (isShort(failure.code)) {
      await this.events.announce(tx, new FundingTransferShort(reference, id));
    } else {
      await this.events.announce(tx, new FundingTransferFailed(reference, id, failure.code, failure.detail));
    }
  }

  private async returned(tx: Tx, transfer: FundingTransferEntity): Promise<void> {
    await this.repository.move(tx, transfer, 'returned', { moneyAt: 'platform', nextCheckAt: null });
    const { reference, id, failureCode, failureDetail } = transfer;
    await this.events.announce(tx, new FundingTransferFailed(reference, id, failureCode!, failureDetail!));
  }

  /** A bank payout that was paid may still be sent back by the bank. */
  private async checkBankPayout(
    transfer: FundingTransferEntity,
    hops: readonly FundingTransferHopEntity[],
  ): Promise<void> {
    const hop = hops.findLast((candidate) => candidate.kind === 'bank_payout' && candidate.status === 'done');
    if (transfer.status !== 'settled' || !hop) return;
    const arrival = await this.topupRail.findArrival(transfer, hop);
    if (arrival.how !== 'bounced') return;
    await this.database.transaction(async (tx) => {
      const locked = (await this.repository.lock(tx, transfer.id))!;
      if (locked.status !== 'settled') return;
      await this.topupRail.returnedByBank(tx, locked, hop, arrival);
      await this.repository.move(tx, locked, 'returned', { moneyAt: 'issuing', ...failureColumns(arrival) });
      const amountMinor = totalMinorOf(locked).toString();
      await this.events.announce(tx, new ReclaimReturned(locked.reference, locked.id, amountMinor));
    });
  }

  private async findCounterpartLine(
    stripeAccountId: string,
    hop: FundingTransferHopEntity,
    counterpartId: string,
  ): Promise<string | null> {
    const isIncoming = hop.kind === 'transfer';
    for await (const line of this.gateway.listBalanceTransactions(stripeAccountId, { sourceId: counterpartId })) {
      if (line.netMinor > 0n === isIncoming) return line.balanceTransactionId;
    }
    return null;
  }

  /** What comes back waits in a queue of its own, not in front of what a new payout waits for (decision 13). */
  private async enqueueCheck(tx: Tx, fundingTransferId: string, direction: FundingDirection = 'out'): Promise<void> {
    const queue = direction === 'in' ? 'check-returning-transfer' : 'check-funding-transfer';
    await this.jobs.enqueue(tx, queue, { fundingTransferId }, { singletonKey: fundingTransferId });
  }

  private async enqueueLink(tx: Tx, fundingTransferId: string): Promise<void> {
    await this.jobs.enqueue(tx, 'link-funding-transfer', { fundingTransferId }, { singletonKey: fundingTransferId });
  }

  private async enqueueObservation(tx: Tx, connectedAccountId: string): Promise<void> {
    await this.jobs.enqueue(tx, 'observe-float', { connectedAccountId }, { singletonKey: connectedAccountId });
  }
}

/** The entry that explains the line a hop caused on the connected account. */
function entryOf(
  transfer: FundingTransferEntity,
  hop: FundingTransferHopEntity,
): { kind: EntryKind; sourceId: string } {
  const isOut = transfer.direction === 'out';
  switch (hop.kind) {
    case 'transfer':
      return { kind: 'funding_transfer', sourceId: hop.stripeObjectId! };
    case 'transfer_reversal':
      return { kind: isOut ? 'funding_returned' : 'reclaim_done', sourceId: hop.stripeObjectId! };
    case 'balance_transfer':
    case 'bank_payout':
      return { kind: isOut ? 'funding_sent' : 'reclaim_sent', sourceId: `${transfer.id}:sent` };
    case 'topup':
      return { kind: 'topup_available', sourceId: hop.stripeObjectId! };
  }
}

function lastFailure(hops: readonly FundingTransferHopEntity[]): Refusal {
  const hop = hops.findLast((candidate) => candidate.status === 'failed');
  return { code: hop?.failureCode ?? 'unknown', detail: hop?.failureDetail ?? 'Stripe gave no reason.' };
}

function failureColumns({ code, detail }: Refusal): { failureCode: string; failureDetail: string } {
  return { failureCode: code, failureDetail: detail };
}

function failureOf(row: { failureCode: string | null; failureDetail: string | null }): Refusal | null {
  return row.failureCode === null ? null : { code: row.failureCode, detail: row.failureDetail ?? '' };
}

function toFundingTransfer(row: FundingTransferEntity, hops: readonly FundingTransferHopEntity[]): FundingTransfer {
  return {
    id: row.id,
    reference: row.reference,
    connectedAccountId: row.connectedAccountId,
    direction: row.direction,
    rail: row.rail,
    status: row.status,
    moneyAt: row.moneyAt,
    amountMinor: row.amountMinor,
    bufferMinor: row.bufferMinor,
    aftercareMinor: row.aftercareMinor,
    returnedMinor: row.returnedMinor,
    currency: row.currency,
    failure: failureOf(row),
    isUnsettled: row.isUnsettled,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    settledAt: row.settledAt,
    hops: hops.map(toFundingHop),
  };
}

function toFundingHop(row: FundingTransferHopEntity): FundingHop {
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    amountMinor: row.amountMinor,
    reversesFundingTransferId: row.reversesFundingTransferId,
    stripeCallId: row.stripeCallId,
    stripeObjectId: row.stripeObjectId,
    failure: failureOf(row),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
