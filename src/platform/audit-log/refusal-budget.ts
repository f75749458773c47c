import type { Clock } from '../../shared/clock';

const windowMs = 60_000;
const perCallerMax = 20;
const overallMax = 300;

/** How many refusals a minute are worth a row, for each caller and in all, in this process. */
export class RefusalBudget {
  private windowStart = 0;
  private overall = 0;
  private readonly taken = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  /** True when this one may be written down. */
  take(caller: string): boolean {
    const now = this.clock.now().getTime();
    if (now - this.windowStart >= windowMs) {
      this.windowStart = now;
      this.overall = 0;
      this.taken.clear();
    }
    const mine = this.taken.get(caller) ?? 0;
    if (mine >= perCallerMax || this.overall >= overallMax) return false;
    this.taken.set(caller, mine + 1);
    this.overall += 1;
    return true;
  }
}
