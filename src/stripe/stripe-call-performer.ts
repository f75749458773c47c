import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Database, Tx } from '../platform/database/database';
import { Encryption } from '../platform/encryption/encryption.service';
import { Clock } from '../shared/clock';
import { assertLegalMove, checkTransitions } from '../shared/transitions';
import { classifyStripeError, StripeErrorVerdict, withoutPersonalData } from './classify-stripe-error';
import { StripeBudget } from './stripe-budget';
import { StripeCallFinder } from './stripe-call-finder';
import { StripeCallHandlers } from './stripe-call-handlers';
import { OpenStripeCall, StripeCallSender } from './stripe-call-sender';
import { StripeCall } from './stripe-call.entity';
import {
  chooseStep,
  isPersonal,
  isProvenAbsent,
  lookDelayMs,
  retryDelayMs,
  serverErrorsBeforeLooking,
} from './stripe-call.policy';
import { stripeCallTransitions } from './stripe-call.transitions';
import type {
  StripeCallFailure,
  StripeCallKind,
  StripeCallParams,
  StripeCallResults,
  StripeCallStatus,
} from './stripe-call.types';
import { idempotencyKeyOf, StripeCallsService } from './stripe-calls.service';
import { leaseSeconds, StripeCallsRepository } from './stripe-calls.repository';
import { StripeUnavailable } from './stripe.errors';

type Turn = Readonly<{ call: StripeCall; step: 'send' | 'look'; leaseToken: string }>;

/** What one turn at Stripe came to. */
type Outcome =
  | Readonly<{ is: 'done'; result: StripeCallResults[StripeCallKind] }>
  | Readonly<{ is: 'failed'; failure: StripeCallFailure }>
  /** The same key again, later. */
  | Readonly<{ is: 'retry'; failure: StripeCallFailure; isServerError: boolean }>
  /** The key holds an answer that tells nothing: look, at once. */
  | Readonly<{ is: 'stored_error'; failure: StripeCallFailure }>
  | Readonly<{ is: 'absent' }>
  | Readonly<{ is: 'unclear'; failure: StripeCallFailure }>;

const budgetDelayMs = 5_000;

checkTransitions(stripeCallTransitions, 'intended');

/**
 * Takes a call one step further: claim it (committed), ask Stripe with no transaction open, write what came of it. Killed between any two
 * of these it starts over with the same key. Two workers on one call are kept apart by a lease, and where that fails by the key itself.
 */
@Injectable()
export class StripeCallPerformer {
  private readonly logger = new Logger('stripe');

  constructor(
    private readonly database: Database,
    private readonly repository: StripeCallsRepository,
    private readonly calls: StripeCallsService,
    private readonly budget: StripeBudget,
    private readonly sender: StripeCallSender,
    private readonly finder: StripeCallFinder,
    private readonly handlers: StripeCallHandlers,
    private readonly encryption: Encryption,
    private readonly clock: Clock,
  ) {}

  async perform(callId: string): Promise<void> {
    if (!(await this.isReady(callId))) return;
    try {
      // Before the claim: what is written as sent should be sent at once.
      await this.budget.take();
    } catch (error) {
      if (!(error instanceof StripeUnavailable)) throw error;
      await this.comeBack(callId);
      return;
    }
    const turn = await this.claim(callId);
    if (!turn) return;
    const { call, step, leaseToken } = turn;
    const renewal = setInterval(
      () => void this.repository.renewLease(callId, leaseToken).catch(() => undefined),
      (leaseSeconds / 3) * 1_000,
    );
    try {
      const outcome = step === 'send' ? await this.send(call) : await this.look(call);
      await this.record(callId, outcome);
    } catch (error) {
      // A handler threw, or we have a bug. The job retries, with the same key; the lease must not make it wait.
      await this.repository.releaseLease(callId, leaseToken).catch(() => undefined);
      throw error;
    } finally {
      clearInterval(renewal);
    }
  }

  /** A cheap question before a token is spent. */
  private async isReady(callId: string): Promise<boolean> {
    const call = await this.repository.find(callId);
    if (!call || isSettled(call.status)) return false;
    if (call.lane === null) return true;
    // Under the lane's lock: an outcome that is just being written would otherwise wake nobody.
    return (await this.inLane(callId, (tx, locked) => this.repository.isLaneFree(tx, locked))) ?? false;
  }

  private async claim(callId: string): Promise<Turn | null> {
    return this.inLane(callId, async (tx, call) => {
      if (isSettled(call.status)) return null;
      const leasedUntil = await this.repository.leasedUntil(tx, callId);
      if (leasedUntil) {
        // Its worker may be dead: whoever comes when the lease ends finds out.
        await this.calls.enqueue(tx, call, {
          startAfter: leasedUntil,
          singletonKey: `leased:${callId}`,
        });
        return null;
      }
      // Not free: the call before it enqueues this one when it settles.
      if (!(await this.repository.isLaneFree(tx, call))) return null;
      const now = this.clock.now();
      const step = chooseStep(call, now);
      const leaseToken = randomUUID();
      if (step === 'send') await this.repository.startSending(tx, callId, leaseToken, now);
      else await this.repository.startLooking(tx, callId, leaseToken);
      return { call, step, leaseToken };
    });
  }

  private async send(call: StripeCall): Promise<Outcome> {
    const open = this.toOpen(call);
    try {
      return { is: 'done', result: await this.sender.send(open, call.idempotencyKey) };
    } catch (error) {
      const verdict = classifyStripeError(error);
      if (!verdict) throw error;
      return toOutcome(verdict, withoutNames(verdict.failure, open));
    }
  }

  private async look(call: StripeCall): Promise<Outcome> {
    const open = this.toOpen(call);
    try {
      const finding = await this.finder.find(open);
      this.logger.log(
        { call_id: call.id, kind: call.kind, found: finding.found, stripe_reference: call.reference },
        'Looked at Stripe for what a call made.',
      );
      switch (finding.found) {
        case 'yes':
          return { is: 'done', result: finding.result };
        case 'no':
          return { is: 'absent' };
        case 'unclear':
          return { is: 'unclear', failure: { code: 'outcome_unclear', detail: finding.reason, param: null } };
      }
    } catch (error) {
      if (error instanceof StripeUnavailable) {
        return { is: 'unclear', failure: { code: error.code, detail: error.message, param: null } };
      }
      const verdict = classifyStripeError(error);
      if (!verdict) throw error;
      // Not even the looking was answered. A refusal here is not a refusal of the call.
      return { is: 'unclear', failure: verdict.failure };
    }
  }

  private async record(callId: string, outcome: Outcome): Promise<void> {
    await this.inLane(callId, async (tx, call) => {
      // Another worker, whose answer came first. It had the same key, so it was the same answer.
      if (isSettled(call.status)) return;
      switch (outcome.is) {
        case 'done':
          return this.settleDone(tx, call, outcome.result);
        case 'failed':
          return this.settleFailed(tx, call, outcome.failure);
        case 'retry':
          return this.retry(tx, call, outcome.failure, outcome.isServerError);
        case 'stored_error':
          return this.lookNext(tx, call, outcome.failure);
        case 'absent':
          return this.recordAbsence(tx, call);
        case 'unclear':
          return this.settleUnknown(tx, call, outcome.failure, 0);
      }
    });
  }

  private async settleDone(tx: Tx, call: StripeCall, result: StripeCallResults[StripeCallKind]): Promise<void> {
    assertLegalMove(stripeCallTransitions, call.id, call.status, 'done');
    await this.repository.markDone(tx, call.id, {
      stripeObjectId: objectIdOf(result),
      claimedBalanceTransactionId: 'sourceBalanceTransactionId' in result ? result.sourceBalanceTransactionId : null,
      resultJson: JSON.stringify(result, (_key, value: unknown) =>
        typeof value === 'bigint' ? value.toString() : value,
      ),
      settledAt: this.clock.now(),
    });
    await this.tell(tx, call, { status: 'done', result });
    await this.wakeNextInLane(tx, call);
  }

  private async settleFailed(tx: Tx, call: StripeCall, failure: StripeCallFailure): Promise<void> {
    assertLegalMove(stripeCallTransitions, call.id, call.status, 'failed');
    await this.repository.markFailed(tx, call.id, failure, this.clock.now());
    await this.tell(tx, call, { status: 'failed', failure });
    await this.wakeNextInLane(tx, call);
  }

  private async retry(tx: Tx, call: StripeCall, failure: StripeCallFailure, isServerError: boolean): Promise<void> {
    const serverErrors = isServerError ? call.serverErrors + 1 : 0;
    await this.enqueueAt(
      tx,
      call,
      await this.repository.postpone(tx, call.id, {
        delayMs: retryDelayMs(call.attempts, Math.random()),
        failure,
        serverErrors,
        mustLook: serverErrors >= serverErrorsBeforeLooking,
      }),
    );
  }

  private async lookNext(tx: Tx, call: StripeCall, failure: StripeCallFailure): Promise<void> {
    await this.repository.postpone(tx, call.id, { delayMs: 0, failure, serverErrors: 0, mustLook: true });
    await this.calls.enqueue(tx, call);
  }

  private async recordAbsence(tx: Tx, call: StripeCall): Promise<void> {
    const absences = call.absences + 1;
    if (!isProvenAbsent(call, absences, this.clock.now())) {
      const failure = {
        code: call.failureCode ?? 'outcome_unknown',
        detail: 'Stripe gave no outcome, and what the call should have made is not there; it is looked for again.',
        param: null,
      };
      return this.settleUnknown(tx, call, failure, absences);
    }
    const generation = call.generation + 1;
    this.logger.warn(
      { call_id: call.id, kind: call.kind, generation, absences },
      'What a call should have made does not exist; it is made anew under a new key.',
    );
    // Later each time: a Stripe that answers every new key with a 500 is not to be hurried.
    const at = await this.repository.startGeneration(tx, call.id, {
      generation,
      idempotencyKey: idempotencyKeyOf(call.kind, call.id, generation),
      delayMs: retryDelayMs(generation, Math.random()),
    });
    await this.enqueueAt(tx, call, at);
  }

  private async settleUnknown(tx: Tx, call: StripeCall, failure: StripeCallFailure, absences: number): Promise<void> {
    const at = await this.repository.markUnknown(tx, call.id, {
      delayMs: lookDelayMs(call.looks, Math.random()),
      failure,
      absences,
    });
    await this.enqueueAt(tx, call, at);
    // Told once; each further look that finds nothing is no news.
    if (call.status !== 'unknown') await this.tell(tx, call, { status: 'unknown', failure });
  }

  private async tell(
    tx: Tx,
    call: StripeCall,
    outcome:
      | Readonly<{ status: 'done'; result: StripeCallResults[StripeCallKind] }>
      | Readonly<{ status: 'failed' | 'unknown'; failure: StripeCallFailure }>,
  ): Promise<void> {
    this.logger.log(
      {
        call_id: call.id,
        kind: call.kind,
        status: outcome.status,
        attempts: call.attempts,
        ...('failure' in outcome ? { code: outcome.failure.code } : {}),
      },
      `A Stripe call is ${outcome.status}.`,
    );
    const settled = {
      id: call.id,
      kind: call.kind,
      reference: call.reference,
      connectedAccountId: call.connectedAccountId,
      payoutId: call.payoutId,
      stripeAccount: call.stripeAccountId,
      params: this.paramsOf(call),
      attempts: call.attempts,
      ...outcome,
    };
    await this.handlers.tell(tx, settled);
  }

  private async wakeNextInLane(tx: Tx, call: StripeCall): Promise<void> {
    if (call.lane === null) return;
    const next = await this.repository.findNextInLane(tx, call.lane);
    if (next) await this.calls.enqueue(tx, next);
  }

  private async enqueueAt(tx: Tx, call: StripeCall, startAfter: Date): Promise<void> {
    await this.calls.enqueue(tx, call, { startAfter });
  }

  /** The queue for Stripe is long: wait in the database, not in memory. */
  private async comeBack(callId: string): Promise<void> {
    await this.inLane(callId, async (tx, call) => {
      if (isSettled(call.status)) return;
      const failure = {
        code: 'stripe_budget_exhausted',
        detail: 'Waits for its turn under the rate limit.',
        param: null,
      };
      await this.enqueueAt(
        tx,
        call,
        await this.repository.postpone(tx, callId, {
          delayMs: Math.round(budgetDelayMs * (1 + Math.random())),
          failure: call.failureCode === null ? failure : failureOf(call),
          serverErrors: call.serverErrors,
          mustLook: call.mustLook,
        }),
      );
    });
  }

  /** Lane first, row second: everyone locks in this order. */
  private async inLane<Result>(
    callId: string,
    work: (tx: Tx, call: StripeCall) => Promise<Result>,
  ): Promise<Result | null> {
    const known = await this.repository.find(callId);
    if (!known) return null;
    return this.database.transaction(async (tx) => {
      if (known.lane !== null) await this.repository.lockLane(tx, known.lane);
      const call = await this.repository.lock(tx, callId);
      return call ? work(tx, call) : null;
    });
  }

  private toOpen(call: StripeCall): OpenStripeCall {
    return {
      id: call.id,
      kind: call.kind,
      reference: call.reference,
      stripeAccount: call.stripeAccountId,
      params: this.paramsOf(call),
      sentAt: call.sentAt,
      intendedAt: call.intendedAt,
    };
  }

  private paramsOf(call: StripeCall): StripeCallParams[StripeCallKind] {
    const params: unknown =
      call.sealedParams === null ? call.params : JSON.parse(this.encryption.decrypt(call.sealedParams));
    return params as StripeCallParams[StripeCallKind];
  }
}

function isSettled(status: StripeCallStatus): boolean {
  return status === 'done' || status === 'failed';
}

function toOutcome(verdict: StripeErrorVerdict, failure: StripeCallFailure): Outcome {
  switch (verdict.verdict) {
    case 'refused':
      return { is: 'failed', failure };
    case 'retry':
      return { is: 'retry', failure, isServerError: verdict.isServerError };
    case 'unknown':
      return { is: 'stored_error', failure };
  }
}

function failureOf(call: StripeCall): StripeCallFailure {
  return { code: call.failureCode ?? 'unknown', detail: call.failureDetail ?? '', param: call.failureParam };
}

function objectIdOf(result: StripeCallResults[StripeCallKind]): string | null {
  if ('stripeTransferReversalId' in result) return result.stripeTransferReversalId;
  if ('stripeTransferId' in result) return result.stripeTransferId;
  if ('stripeBalanceTransferId' in result) return result.stripeBalanceTransferId;
  if ('stripeTopupId' in result) return result.stripeTopupId;
  if ('stripePayoutId' in result) return result.stripePayoutId;
  if ('stripeCardId' in result) return result.stripeCardId;
  if ('stripeCardholderId' in result) return result.stripeCardholderId;
  return result.stripeAccountId;
}

const personalFields: ReadonlySet<string> = new Set(
  `name first_name last_name email phone phone_number line1 line2 city state postal_code tax_id vat_id registration_number
  ssn_last_4 id_number ip user_agent support_email support_phone url support_url product_description`.split(/\s+/),
);

/** Stripe's sentence, without the names and addresses that the call sent. */
function withoutNames(failure: StripeCallFailure, call: OpenStripeCall): StripeCallFailure {
  if (!isPersonal(call.kind)) return failure;
  const sent: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, field] of Object.entries(value)) {
      if (typeof field === 'string' && personalFields.has(key) && field.length > 2) sent.push(field);
      else collect(field);
    }
  };
  collect(call.params);
  // Longest first: a name inside an address must not hide the address.
  sent.sort((a, b) => b.length - a.length);
  return { ...failure, detail: withoutPersonalData(failure.detail, sent) };
}
