import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { FastifyRequest } from 'fastify';
import { Clock } from '../../shared/clock';
import { AuditLog } from '../audit-log/audit-log.service';
import { Config } from '../config/config';
import { Database, queryRows, Tx } from '../database/database';
import { canonicalJson } from './body.policy';
import {
  IdempotencyKeyInUse,
  IdempotencyKeyInvalid,
  IdempotencyKeyRequired,
  IdempotencyKeyReused,
} from './http.errors';
import { MarkedRequest } from './request.types';

export interface IdempotencyOptions {
  /** Refuse the request when it has no key. */
  readonly required?: boolean;
  /** Top-level fields of the answer that are shown once and never stored. A replay says `secret_shown_once: true` instead. */
  readonly secretFields?: readonly string[];
}

const printable = /^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$/;
const dayMs = 24 * 60 * 60_000;

/**
 * Makes a POST that is repeated do its work once. The key, the work and the answer commit together: a crash between them leaves
 * nothing, and the repeated request does the work. A refused request stores nothing either, so a corrected one may use the same key.
 * The audit entry commits with them: this is the one seam where every change by the API passes.
 */
@Injectable()
export class Idempotency {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly auditLog: AuditLog,
    private readonly config: Config,
  ) {}

  /**
   * Runs `work` in a transaction and answers its result with `status`; or, when the request's `Idempotency-Key` was answered
   * before, answers that again with `Idempotent-Replayed: true`.
   * @throws {IdempotencyKeyRequired | IdempotencyKeyInvalid} 400
   * @throws {IdempotencyKeyInUse} 409 while the first request is still being worked on
   * @throws {IdempotencyKeyReused} 422 when the key belongs to a different request
   */
  async run<Answer extends object>(
    request: FastifyRequest,
    status: number,
    work: (tx: Tx) => Promise<Answer>,
    options: IdempotencyOptions = {},
  ): Promise<Answer> {
    const marked = request as MarkedRequest;
    const key = keyOf(request, options.required ?? false);
    marked.answerMarks = { status, isReplay: false };
    const recorded = (tx: Tx) => this.auditLog.recordingWork(tx, marked, work);
    if (key === undefined) return this.database.transaction(recorded);

    // A key and its successors are one caller: what was asked for with the old one is repeated with the new one.
    const caller = marked.apiKey?.familyId ?? 'public';
    const requestHash = hashOf(request);
    return this.database.transaction(async (tx) => {
      // Held until this transaction ends, however it ends: a twin is told to wait instead of doing the work a second time.
      const [lock] = await queryRows<{ claimed: boolean }>(
        tx,
        `select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as claimed`,
        [`idempotency:${caller}:${key}`],
      );
      if (!lock?.claimed) throw new IdempotencyKeyInUse();

      const [stored] = await queryRows<{ request_hash: Buffer; status: number; answer: Answer }>(
        tx,
        `select request_hash, status, answer from idempotency_keys where key_family_id = $1 and key = $2`,
        [caller, key],
      );
      if (stored) {
        if (!stored.request_hash.equals(requestHash)) throw new IdempotencyKeyReused();
        marked.answerMarks = { status: stored.status, isReplay: true };
        return stored.answer;
      }

      const answer = await recorded(tx);
      await tx.query(
        `insert into idempotency_keys (key_family_id, key, request_hash, status, answer, created_at) values ($1, $2, $3, $4, $5, $6)`,
        [
          caller,
          key,
          requestHash,
          status,
          JSON.stringify(withoutSecrets(answer, options.secretFields ?? [])),
          this.clock.now(),
        ],
      );
      return answer;
    });
  }

  /**
   * For a route that requires a key and reads much before it runs: refuses at once what `run` would refuse in the end.
   * @throws {IdempotencyKeyRequired | IdempotencyKeyInvalid} 400
   */
  assertKey(request: FastifyRequest): void {
    keyOf(request, true);
  }

  /** Forgets answers older than configured, thirty days at least. Answers how many. */
  async purge(): Promise<number> {
    const before = new Date(this.clock.now().getTime() - this.config.retentionIdempotencyDays * dayMs);
    const rows = await this.database.query<{ count: number }>(
      `with purged as (delete from idempotency_keys where created_at < $1 returning 1) select count(*)::int as count from purged`,
      [before],
    );
    return rows[0]?.count ?? 0;
  }
}

function keyOf(request: FastifyRequest, required: boolean): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) {
    if (required) throw new IdempotencyKeyRequired();
    return undefined;
  }
  if (typeof key !== 'string' || !printable.test(key)) throw new IdempotencyKeyInvalid();
  return key;
}

function hashOf(request: FastifyRequest): Buffer {
  const content = canonicalJson([request.method, request.url.split('?', 1)[0], request.body ?? null]);
  return createHash('sha256').update(content).digest();
}

function withoutSecrets(answer: object, secretFields: readonly string[]): object {
  const kept = Object.entries(answer).filter(([field]) => !secretFields.includes(field));
  const hadSecrets = kept.length < Object.keys(answer).length;
  return { ...Object.fromEntries(kept), ...(hadSecrets ? { secret_shown_once: true } : {}) };
}
