import { createHash } from 'node:crypto';
import { dayMs } from './clock';
import type { Database } from './database';
import { ApiError } from './errors';
import type { FormHash, FormValue } from './form';

export interface StoredAnswer {
  status: number;
  body: string;
  request_id: string;
}

interface IdempotencyRecord extends StoredAnswer {
  request: string;
  params_hash: string;
  created: number;
}

/** One POST under a key: its account, its key, where it went and what it said. */
export interface KeyedRequest {
  account: string;
  key: string;
  /** Method and path. */
  request: string;
  paramsHash: string;
}

const keyLengthMax = 255;
const lifetimeSeconds = dayMs / 1000;

/** Answers kept under keys, per account, for a day of simulated time. */
export class Idempotency {
  private readonly running = new Set<string>();

  constructor(private readonly db: Database) {}

  /** The stored answer, if the key was used before; refuses misuse and a twin that is still running. */
  begin(request: KeyedRequest, now: number): StoredAnswer | undefined {
    const { account, key } = request;
    if (key.length > keyLengthMax) {
      throw idempotencyError(
        400,
        `Idempotency keys must be at most ${keyLengthMax} characters long; yours is ${key.length}.`,
      );
    }
    const record = this.db.find<IdempotencyRecord>(
      'select * from idempotency where account = ? and key = ?',
      account,
      key,
    );
    if (record && record.created > now - lifetimeSeconds) {
      refuseReuse(request, record);
      return record;
    }
    if (this.running.has(slot(request))) {
      throw new ApiError(
        409,
        {
          type: 'idempotency_error',
          code: 'idempotency_key_in_use',
          message: `There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through): ${key}. Please try again later.`,
        },
        { executed: false, headers: { 'Stripe-Should-Retry': 'true' } },
      );
    }
    this.running.add(slot(request));
    return undefined;
  }

  /** In the transaction of the effect itself, so that the two are never apart. */
  keep(request: KeyedRequest, answer: StoredAnswer, now: number): void {
    this.db.run(
      'insert or replace into idempotency (account, key, request, params_hash, status, body, request_id, created) values (?, ?, ?, ?, ?, ?, ?, ?)',
      ...[
        request.account,
        request.key,
        request.request,
        request.paramsHash,
        answer.status,
        answer.body,
        answer.request_id,
        now,
      ],
    );
  }

  end(request: KeyedRequest): void {
    this.running.delete(slot(request));
  }
}

function slot({ account, key }: KeyedRequest): string {
  return `${account} ${key}`;
}

function refuseReuse(request: KeyedRequest, record: IdempotencyRecord): void {
  if (record.request !== request.request) {
    const [, path] = record.request.split(' ');
    throw idempotencyError(
      400,
      `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${request.request.split(' ')[1]}' vs '${path}'). Try using a key other than '${request.key}' if you meant to execute a different request.`,
    );
  }
  if (record.params_hash !== request.paramsHash) {
    throw idempotencyError(
      400,
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${request.key}' if you meant to execute a different request.`,
    );
  }
}

function idempotencyError(status: number, message: string): ApiError {
  return new ApiError(status, { type: 'idempotency_error', message }, { executed: false });
}

/** The same parameters in another order are the same request. */
export function hashParameters(form: FormHash): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(form)))
    .digest('hex');
}

function sorted(value: FormValue): unknown {
  if (typeof value === 'string') return value;
  return Object.keys(value)
    .sort()
    .map((key) => [key, sorted(value[key] ?? '')]);
}
