import { Injectable } from '@nestjs/common';
import { PayoutRequest, Requester } from '../payouts/payout.types';
import { PayoutsService } from '../payouts/payouts.service';
import { ApiKeyRevoked } from '../platform/api-keys/api-key.errors';
import { ApiKeysService } from '../platform/api-keys/api-keys.service';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { DomainError, FieldError } from '../shared/domain-error';
import { newId } from '../shared/ids';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { BatchFile, readBatchFile } from './batch-file.policy';
import { BatchEmpty, BatchInvalid, PayoutBatchNotFound } from './payout-batch.errors';
import { BatchFormat, BatchProgress, BatchRowStatus, PayoutBatch, PayoutBatchRow } from './payout-batch.types';
import { PayoutBatchesRepository } from './payout-batches.repository';

/** A file whose rows have the shape of payouts. */
export interface CheckedFile {
  readonly format: BatchFormat;
  readonly sha256: Buffer;
  readonly rows: readonly CheckedRow[];
}

interface CheckedRow {
  readonly number: number;
  readonly body: unknown;
  readonly request: PayoutRequest;
}

// Rows of one job: a killed worker's share is done again some fifteen seconds later, and finds most of it done.
const rowsPerJob = 500;
// Rows of one transaction: enough that its statements are shared by many, few enough that a limit's row is not held for long.
const rowsTogether = 100;
// The event loop belongs to authorizations too.
const rowsBetweenBreaths = 50;
const overdueMs = 5 * 60_000;
// A transfer, a transfer between balances, what Stripe's ledger says of each, a card. Rows begin no faster than Stripe can follow with this
// share of its budget: whatever waits for Stripe before a payout that is asked for meanwhile delays it, and the transfers of one account
// go one by one.
const requestsPerPayout = 5;
const batchShare = 0.5;

/** Many payouts in one call: read and checked as a whole, accepted or refused as a whole, then made one by one behind the answer. */
@Injectable()
export class PayoutBatchesService {
  private readonly paceMs: number;

  constructor(
    private readonly repository: PayoutBatchesRepository,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly jobs: Jobs,
    private readonly payouts: PayoutsService,
    private readonly apiKeys: ApiKeysService,
    private readonly outbox: OutboxService,
    config: Config,
  ) {
    this.paceMs = (requestsPerPayout * 1_000) / (batchShare * config.stripeRequestsPerSecond);
  }

  /**
   * Reads a file as it arrives and checks the shape of every row.
   * @throws {BatchMalformed | BatchTooLong | BatchTooLarge | BatchEmpty | BatchInvalid}
   */
  async read(bytes: AsyncIterable<Uint8Array>, format: BatchFormat): Promise<CheckedFile> {
    const file = await readBatchFile(bytes, format);
    if (file.rows.length === 0) throw new BatchEmpty();
    return { format, sha256: file.sha256, rows: await this.checkShapes(file) };
  }

  /**
   * Accepts a batch: the batch, its rows and the jobs that make them payouts commit together. Nothing is promised yet.
   * @throws {BatchInvalid} when any row could not be accepted as things stand
   */
  async accept(tx: Tx, file: CheckedFile, requester: Requester): Promise<PayoutBatch> {
    const now = this.clock.now();
    const refusals = await this.payouts.findRefusals(
      tx,
      file.rows.map(({ request }) => request),
      now,
    );
    const errors = [
      ...findRepeats(file.rows),
      ...refusals.flatMap((refusal, index) => toRowErrors(file.rows[index]!.number, refusal)),
    ];
    if (errors.length > 0) throw new BatchInvalid(inOrder(errors), file.rows.length);

    const batch: PayoutBatch = {
      id: newId('batch'),
      format: file.format,
      rowCount: file.rows.length,
      contentSha256: file.sha256,
      requestedByApiKeyId: requester.id,
      requestedByFamilyId: requester.familyId,
      createdAt: now,
      completedAt: null,
    };
    const queuedElsewhere = await this.repository.insert(
      tx,
      batch,
      file.rows.map(({ number, body, request }) => ({ number, body, reference: request.reference })),
    );
    if (queuedElsewhere.length > 0) {
      throw new BatchInvalid(
        queuedElsewhere.map((row) => ({
          row,
          pointer: '/reference',
          detail: 'waits in another batch',
          code: 'payout_reference_taken',
        })),
        file.rows.length,
      );
    }
    await this.enqueueShares(tx, batch);
    return batch;
  }

  /** @throws {PayoutBatchNotFound} */
  async get(id: string, tx: Tx = this.database.reader): Promise<PayoutBatch> {
    const batch = await this.repository.find(tx, id);
    if (!batch) throw new PayoutBatchNotFound(id);
    return batch;
  }

  async progress(id: string, tx: Tx = this.database.reader): Promise<BatchProgress> {
    return this.repository.progress(tx, id);
  }

  /** Newest first, one more than `limit` when there are more. */
  async list(limit: number, startingAfter?: string): Promise<PayoutBatch[]> {
    return this.repository.list(this.database.reader, limit, startingAfter);
  }

  /** In the order of the file, one more than `limit` when there are more. @throws {PayoutBatchNotFound} */
  async listRows(
    id: string,
    filter: { status?: BatchRowStatus | undefined; after: number },
    limit: number,
  ): Promise<PayoutBatchRow[]> {
    await this.get(id);
    return this.repository.listRows(this.database.reader, id, filter, limit);
  }

  /** Makes payouts of the rows from one number to another that still wait. Run twice or by two at once, each row is still one payout. */
  async work(batchId: string, from: number, to: number): Promise<void> {
    const batch = await this.get(batchId);
    for (let first = from; first <= to; first += rowsTogether) {
      await this.makePayouts(batch, first, Math.min(first + rowsTogether - 1, to));
    }
    await this.database.transaction((tx) => this.completeIfDone(tx, batchId));
  }

  /** Shares whose job was lost are enqueued again. */
  async resumeOverdue(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - overdueMs);
    await this.database.transaction(async (tx) => {
      for (const batch of await this.repository.listUnfinished(tx, before, 20)) await this.enqueueShares(tx, batch);
    });
  }

  /**
   * The payouts and the rows that say so commit together. Where one of them is refused, each half is tried by itself, the earlier one
   * first: the rows before it have their place in every limit as if each had come alone. The refusal of a single row is written.
   */
  private async makePayouts(batch: PayoutBatch, from: number, to: number): Promise<void> {
    try {
      await this.database.transaction(async (tx) => {
        const rows = await this.repository.lockQueued(tx, batch.id, from, to);
        if (rows.length === 0) return;
        // Whoever ends a leaked key ends what it still has in store.
        if (await this.apiKeys.isRevoked(tx, batch.requestedByApiKeyId)) throw new ApiKeyRevoked();
        const now = this.clock.now();
        const requests = await Promise.all(rows.map(({ body }) => this.payouts.readRequest(body, now)));
        const requester = { id: batch.requestedByApiKeyId, familyId: batch.requestedByFamilyId };
        const beginAt = rows.map(({ number }) => new Date(batch.createdAt.getTime() + (number - 1) * this.paceMs));
        const payouts = await this.payouts.requestAll(tx, requests, requester, beginAt);
        await this.repository.accept(
          tx,
          batch.id,
          rows.map(({ number }, index) => ({ number, payoutId: payouts[index]!.id })),
        );
      });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (from === to || error instanceof ApiKeyRevoked) {
        const failure = { code: error.code, detail: error.message };
        await this.repository.fail(this.database.reader, batch.id, from, to, failure);
        return;
      }
      const middle = Math.floor((from + to) / 2);
      await this.makePayouts(batch, from, middle);
      await this.makePayouts(batch, middle + 1, to);
    }
  }

  private async completeIfDone(tx: Tx, batchId: string): Promise<void> {
    if (!(await this.repository.complete(tx, batchId, this.clock.now()))) return;
    const { rows } = await this.repository.progress(tx, batchId);
    await this.outbox.append(tx, {
      type: 'payout_batch.completed',
      data: { payout_batch: batchId, accepted: rows.accepted, failed: rows.failed },
    });
  }

  private async enqueueShares(tx: Tx, batch: PayoutBatch): Promise<void> {
    for (let from = 1; from <= batch.rowCount; from += rowsPerJob) {
      const share = { batchId: batch.id, from, to: from + rowsPerJob - 1 };
      await this.jobs.enqueue(tx, 'work-payout-batch', share, { singletonKey: `${batch.id}:${from}` });
    }
  }

  private async checkShapes(file: BatchFile): Promise<CheckedRow[]> {
    const now = this.clock.now();
    const rows: CheckedRow[] = [];
    const errors: FieldError[] = [];
    for (const { number, body, errors: unread } of file.rows) {
      if (number % rowsBetweenBreaths === 0) await new Promise((resolve) => setImmediate(resolve));
      errors.push(...unread);
      if (unread.length > 0) continue;
      try {
        rows.push({ number, body, request: await this.payouts.readRequest(body, now) });
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        errors.push(...toRowErrors(number, error));
      }
    }
    if (errors.length > 0) throw new BatchInvalid(inOrder([...errors, ...findRepeats(rows)]), file.rows.length);
    return rows;
  }
}

function toRowErrors(row: number, refusal: DomainError | null): FieldError[] {
  if (refusal === null) return [];
  const { code, message, errors } = refusal;
  // The reason's own code where it is more than "a field is wrong".
  const isNamed = code !== 'validation_failed' && code !== 'invalid_fields';
  if (!errors || errors.length === 0) return [{ row, pointer: '', detail: message, code }];
  return errors.map((error) => ({ row, ...error, code: isNamed ? code : (error.code ?? 'invalid') }));
}

function findRepeats(rows: readonly CheckedRow[]): FieldError[] {
  const first = new Map<string, number>();
  const errors: FieldError[] = [];
  for (const { number, request } of rows) {
    const earlier = first.get(request.reference);
    if (earlier === undefined) first.set(request.reference, number);
    else {
      const detail = `is that of row ${earlier}`;
      errors.push({ row: number, pointer: '/reference', detail, code: 'payout_reference_repeated' });
    }
  }
  return errors;
}

function inOrder(errors: readonly FieldError[]): FieldError[] {
  return [...errors].sort((a, b) => (a.row ?? 0) - (b.row ?? 0));
}
