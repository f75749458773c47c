import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';

/** What every log line of a piece of work carries: the job or request it belongs to, and the payout. */
export type LogFields = Readonly<Record<string, string | number>>;

/** Carries log fields along the asynchronous call chain, so that no function takes a logger parameter. */
@Injectable()
export class LogContext {
  private readonly storage = new AsyncLocalStorage<Record<string, string | number>>();

  /** Runs `work` with `fields` added to what already holds. */
  run<Result>(fields: LogFields, work: () => Result): Result {
    return this.storage.run({ ...this.storage.getStore(), ...fields }, work);
  }

  /** Adds to what the rest of this piece of work carries: whose request it is becomes known on the way. */
  add(fields: LogFields): void {
    Object.assign(this.storage.getStore() ?? {}, fields);
  }

  get fields(): LogFields {
    return this.storage.getStore() ?? {};
  }
}
