const barWidth = 30;
const stepsWithoutTerminal = 10;

/** How far a command is, on standard error: a bar that redraws itself on a terminal, a line per tenth anywhere else. */
export class ProgressBar {
  private saidSteps = -1;
  private saidText = '';

  constructor(private readonly out: NodeJS.WriteStream = process.stderr) {}

  /** `done` from 0 to 1; `text` is what was done so far. */
  show(done: number, text: string): void {
    const share = Math.min(1, Math.max(0, done));
    const percent = `${Math.floor(share * 100)}`.padStart(3);
    if (this.out.isTTY) {
      const full = Math.round(share * barWidth);
      const line = `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${percent} %  ${text}`;
      if (line !== this.saidText) this.out.write(`\r${line}\u001b[K`);
      this.saidText = line;
      return;
    }
    const steps = Math.floor(share * stepsWithoutTerminal);
    if (steps === this.saidSteps) return;
    this.saidSteps = steps;
    this.out.write(`${percent} %  ${text}\n`);
  }

  /** Leaves the bar where it is: what is written next begins on a line of its own. */
  end(): void {
    if (this.saidText !== '') this.out.write('\n');
    this.saidText = '';
  }
}
