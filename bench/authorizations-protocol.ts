import { ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { EventSort } from './purchases';
import type { Latencies } from './statistics';

/** What the bench asks its two drivers, each a process of its own, to do. Payouts are named by the turn in which they are used. */
export type Task =
  | { readonly kind: 'decisions'; readonly run: string; readonly fromTurn: number; readonly count: number }
  | {
      readonly kind: 'paced';
      readonly run: string;
      readonly fromTurn: number;
      readonly count: number;
      readonly perSecond: number;
    }
  | { readonly kind: 'answers'; readonly run: string; readonly fromTurn: number; readonly count: number }
  | {
      readonly kind: 'events';
      readonly sort: EventSort;
      readonly run: string;
      readonly fromTurn: number;
      readonly count: number;
    };

export interface TaskResult {
  readonly count: number;
  readonly elapsedMs: number;
  readonly latencies: Latencies;
  readonly wrong: readonly string[];
  readonly duplicates?: number;
  readonly twins?: number;
  readonly cards?: number;
}

export interface DriverSettings {
  readonly payouts: number;
  readonly port: number;
  readonly databaseUrl: string;
  readonly connections: number;
}

/** A driver process, one task at a time. */
export class Driver {
  private constructor(readonly process: ChildProcess) {}

  static async start(program: string, settings: DriverSettings): Promise<Driver> {
    const driver = new Driver(fork(join(__dirname, `${program}.js`), [JSON.stringify(settings)]));
    await driver.answer();
    return driver;
  }

  async run(task: Task): Promise<TaskResult> {
    this.process.send(task);
    return (await this.answer()) as TaskResult;
  }

  stop(): void {
    this.process.kill('SIGKILL');
  }

  private answer(): Promise<unknown> {
    return new Promise((done, fail) => {
      const ended = (code: number | null) => fail(new Error(`A driver of the bench ended with ${code}.`));
      this.process.once('exit', ended);
      this.process.once('message', (message: { error?: string }) => {
        this.process.off('exit', ended);
        if (message.error === undefined) done(message);
        else fail(new Error(message.error));
      });
    });
  }
}

/** The other end: tells that it is ready, then answers task after task. */
export function serveTasks(perform: (task: Task) => Promise<TaskResult>): void {
  process.on('message', (task: Task) => {
    perform(task).then(
      (result) => process.send!(result),
      (error: unknown) => process.send!({ error: error instanceof Error ? (error.stack ?? error.message) : 'unknown' }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send!({});
}
