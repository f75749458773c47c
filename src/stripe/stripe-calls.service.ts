import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Tx } from '../platform/database/database';
import { Encryption } from '../platform/encryption/encryption.service';
import { canonicalJson } from '../platform/http/body.policy';
import { bulkPriority, EnqueueOptions, Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { newId } from '../shared/ids';
import { StripeCall } from './stripe-call.entity';
import { isPersonal, isReturning, laneOf } from './stripe-call.policy';
import { StripeCallsRepository } from './stripe-calls.repository';
import type { IntendStripeCall, StripeCallKind, StripeCallRecord, StripeCallStatus } from './stripe-call.types';

export const performStripeCall = 'perform-stripe-call';
export const performReturningStripeCall = 'perform-returning-stripe-call';

type Enqueueable = Pick<StripeCall, 'id' | 'kind' | 'params' | 'payoutId'>;

/**
 * The one way to change something at Stripe: intent, call, outcome. The intent is written with the caller's rows; a job makes the call under
 * a key made from the intent, and hands the outcome to the `@OnStripeCall` methods in the transaction that writes it. Between the
 * three anything may die: the same key is repeated, and when the key cannot tell, the object is looked for.
 */
@Injectable()
export class StripeCallsService {
  constructor(
    private readonly repository: StripeCallsRepository,
    private readonly jobs: Jobs,
    private readonly encryption: Encryption,
    private readonly clock: Clock,
  ) {}

  /** Writes the intent and enqueues the call, in the caller's transaction. Answers the call's id. */
  async intend<K extends StripeCallKind>(tx: Tx, call: IntendStripeCall<K>): Promise<string> {
    const id = newId('call');
    const json = canonicalJson(call.params);
    const isSealed = isPersonal(call.kind);
    await this.repository.insert(tx, {
      id,
      kind: call.kind,
      reference: call.reference,
      connectedAccountId: call.connectedAccountId,
      payoutId: call.payoutId ?? null,
      stripeAccountId: call.stripeAccount ?? null,
      lane: call.lane ?? laneOf(call),
      params: isSealed ? null : call.params,
      sealedParams: isSealed ? this.encryption.encrypt(json) : null,
      paramsHash: createHash('sha256').update(json).digest(),
      idempotencyKey: idempotencyKeyOf(call.kind, id, 1),
      intendedAt: this.clock.now(),
    });
    await this.enqueue(tx, { id, kind: call.kind, params: call.params, payoutId: call.payoutId ?? null });
    return id;
  }

  /** The calls made for a payout, in the order they were meant. */
  async listForPayout(payoutId: string): Promise<StripeCallRecord[]> {
    return (await this.repository.listForPayout(payoutId)).map(toRecord);
  }

  /** The calls made for a caller's own id, in the order they were meant. */
  async listFor(reference: string): Promise<StripeCallRecord[]> {
    return (await this.repository.listForReference(reference)).map(toRecord);
  }

  /** Calls of one status, oldest first: `unknown` ones are what reconciliation reports. */
  async listByStatus(status: StripeCallStatus, limit = 1_000): Promise<StripeCallRecord[]> {
    return (await this.repository.listByStatus(status, limit)).map(toRecord);
  }

  /** Enqueues the calls whose job got lost. Answers how many. */
  async wakeOverdue(tx: Tx): Promise<number> {
    const calls = await this.repository.takeOverdue(tx, 500);
    for (const call of calls) {
      // Behind what is new: of many calls that wait for their turn, those of a batch are not to gain one by waiting long.
      await this.enqueue(tx, call, { singletonKey: `overdue:${call.id}`, priority: bulkPriority });
    }
    return calls.length;
  }

  /** Has a worker take the call a step further. */
  async enqueue(tx: Tx, call: Enqueueable, options: EnqueueOptions = {}): Promise<void> {
    const queue = isReturning(call.kind, call.params) ? performReturningStripeCall : performStripeCall;
    // The payout is for the log lines of the job.
    const data = { callId: call.id, ...(call.payoutId === null ? {} : { payoutId: call.payoutId }) };
    await this.jobs.enqueue(tx, queue, data, options);
  }
}

/** Made from the row, so that a restarted process makes the same one. */
export function idempotencyKeyOf(kind: StripeCallKind, id: string, generation: number): string {
  return `${kind}:${id}:${generation}`;
}

function toRecord(call: StripeCall): StripeCallRecord {
  return {
    id: call.id,
    kind: call.kind,
    status: call.status,
    reference: call.reference,
    connectedAccountId: call.connectedAccountId,
    payoutId: call.payoutId,
    idempotencyKey: call.idempotencyKey,
    attempts: call.attempts,
    stripeObjectId: call.stripeObjectId,
    failure:
      call.failureCode === null
        ? null
        : { code: call.failureCode, detail: call.failureDetail ?? '', param: call.failureParam },
    intendedAt: call.intendedAt,
    sentAt: call.sentAt,
    settledAt: call.settledAt,
  };
}
