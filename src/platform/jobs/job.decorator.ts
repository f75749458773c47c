import { SetMetadata } from '@nestjs/common';

/** How a queue retries. Times in seconds, as pg-boss takes them. */
export interface JobOptions {
  /** How often a failing job is tried again before it is left failed. Default 20. */
  readonly retryLimit?: number;
  /** First wait before a retry; doubles each time with jitter. Default 1. */
  readonly retryDelay?: number;
  /** Longest wait between retries. Default 300. */
  readonly retryDelayMax?: number;
  /** Jobs of this name that one process runs at the same time. Default 4. */
  readonly concurrency?: number;
  /** How soon a delayed job is noticed after its time has come. Default 2. */
  readonly pollSeconds?: number;
  /** A job that runs longer is given to another worker. Default 120. */
  readonly expireInSeconds?: number;
}

export interface JobMetadata {
  readonly name: string;
  readonly options: JobOptions;
}

export const jobKey = 'disburse:job';

/** Marks a method `(data) => Promise<void>` as the handler of a queue. At least once: it must be idempotent. */
export const Job = (name: string, options: JobOptions = {}): MethodDecorator =>
  SetMetadata(jobKey, { name, options } satisfies JobMetadata);
