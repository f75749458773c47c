import { dayMs, realNowMs, toSeconds } from './clock';
import type { Database } from './database';
import { jobs } from './jobs';
import type { Platform, Platforms } from './platforms';
import type { Job } from './schedule';
import type { Session } from './session';

interface DueRecord {
  id: number;
  account: string;
  at_ms: number;
  job: Job;
  payload: string;
}

const idempotencyLifetimeSeconds = dayMs / 1000;
const longestSleepMs = 60 * 60 * 1000;

/** Runs what falls due, as real time passes and when a control moves a platform's clock. */
export class Timekeeper {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  private waking = false;

  constructor(
    private readonly db: Database,
    private readonly platforms: Platforms,
    private readonly sessionFor: (platform: Platform, account: string) => Session,
  ) {}

  /** After the commit that asked for it; many commits at once wake it once. */
  wakeSoon(): void {
    if (this.waking) return;
    this.waking = true;
    setImmediate(() => {
      this.waking = false;
      this.wake();
    });
  }

  /** Looks for the next thing that is due and sleeps until then. */
  wake(): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    let soonestMs = longestSleepMs;
    for (const platform of this.platforms.all()) {
      const next = this.next(platform, Number.MAX_SAFE_INTEGER);
      if (next) soonestMs = Math.min(soonestMs, next.at_ms - realNowMs() - platform.clockOffsetMs);
    }
    this.timer = setTimeout(() => this.runDue(), Math.max(0, soonestMs));
    this.timer.unref();
  }

  private runDue(): void {
    for (const platform of this.platforms.all()) this.runUntil(platform, realNowMs() + platform.clockOffsetMs);
    this.wake();
  }

  /** Moves the clock, stopping at each thing that falls due on the way: it happens at its own time, not at the end. */
  advance(platform: Platform, seconds: number): number {
    const targetMs = realNowMs() + platform.clockOffsetMs + seconds * 1000;
    const ran = this.runUntil(platform, targetMs);
    this.moveTo(platform, targetMs);
    const oldest = toSeconds(targetMs) - idempotencyLifetimeSeconds;
    this.db.run(
      'delete from idempotency where created < ? and account in (select id from accounts where platform = ?)',
      ...[oldest, platform.id],
    );
    this.wake();
    return ran;
  }

  private runUntil(platform: Platform, limitMs: number): number {
    let ran = 0;
    for (let due = this.next(platform, limitMs); due; due = this.next(platform, limitMs)) {
      this.moveTo(platform, due.at_ms);
      this.runOne(platform, due);
      ran += 1;
    }
    return ran;
  }

  // The clock never runs backwards: a job that is late runs now.
  private moveTo(platform: Platform, ms: number): void {
    const offsetMs = ms - realNowMs();
    if (offsetMs > platform.clockOffsetMs) this.platforms.moveClock(platform, offsetMs);
  }

  private runOne(platform: Platform, due: DueRecord): void {
    const session = this.sessionFor(platform, due.account);
    try {
      this.db.transaction(() => {
        this.db.run('delete from due where id = ?', due.id);
        jobs[due.job](session, JSON.parse(due.payload) as Record<string, string>);
      });
    } catch (error) {
      // One job that cannot run must not stop the clock for all others.
      process.stderr.write(`simulator: ${due.job} of ${due.account} failed: ${(error as Error).stack}\n`);
      this.db.run('delete from due where id = ?', due.id);
    }
  }

  private next(platform: Platform, limitMs: number): DueRecord | undefined {
    return this.db.find<DueRecord>(
      'select id, account, at_ms, job, payload from due where platform = ? and at_ms <= ? order by at_ms, id limit 1',
      ...[platform.id, limitMs],
    );
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}
