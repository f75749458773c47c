/** What a handler returns when it must wait for the world outside: nothing is locked meanwhile. */
export class Deferred {
  constructor(
    private readonly wait: () => Promise<unknown>,
    private readonly resume: (result: unknown) => Answer,
  ) {}

  /** The continuation is to run in a transaction of its own. */
  async until(): Promise<() => Answer> {
    const result = await this.wait();
    return () => this.resume(result);
  }
}

export type Answer = object | Deferred;

export function afterwards<T>(wait: () => Promise<T>, resume: (result: T) => Answer): Deferred {
  return new Deferred(wait, (result) => resume(result as T));
}
