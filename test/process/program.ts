import { ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { World } from '../support/http';

/** The built program, as `npm start` runs it: `npm test` builds before it tests. */
const build = join(__dirname, '../../dist');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const running = new Set<Program>();

/** For `afterAll`: what a failed test left running ends with its file. */
export async function endPrograms(): Promise<void> {
  for (const program of running) await program.kill('SIGTERM');
}

/** A built program in a process of its own, with nothing in its environment but what the test says. */
export class Program {
  private said = '';
  private answered = '';
  readonly ended: Promise<Ended>;
  private hasEnded = false;

  private constructor(private readonly child: ChildProcess) {
    child.stdout!.on('data', (chunk: Buffer) => {
      this.said += chunk.toString();
      this.answered += chunk.toString();
    });
    child.stderr!.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.ended = new Promise((done, fail) => {
      child.once('error', fail);
      // `close`, not `exit`: by then all that was said has been read.
      child.once('close', (code, signal) => {
        this.hasEnded = true;
        done({ code, signal });
      });
    });
  }

  /** `file` within the build: `src/main.js`. */
  static start(file: string, env: Record<string, string>, args: readonly string[] = [], cwd = process.cwd()): Program {
    const child = spawn(process.execPath, [join(build, file), ...args], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'development', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
      // A process group of its own, as a shell gives it: Ctrl-C is a signal to all of it.
      detached: true,
    });
    const program = new Program(child);
    running.add(program);
    return program;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Standard output and standard error, as they came. */
  get output(): string {
    return this.said;
  }

  /** Standard output alone. */
  get answer(): string {
    return this.answered;
  }

  /** @throws {Error} with all it said, when it ends or is silent too long */
  async untilSays(text: string, timeoutMs = 60_000): Promise<void> {
    await new Promise<void>((done, fail) => {
      const check = () => {
        if (this.said.includes(text)) finish(done);
        else if (this.hasEnded) finish(() => fail(new Error(`It ended before it said "${text}":\n${this.said}`)));
      };
      const timer = setTimeout(
        () => finish(() => fail(new Error(`It did not say "${text}" in ${timeoutMs} ms:\n${this.said}`))),
        timeoutMs,
      );
      const finish = (how: () => void) => {
        clearTimeout(timer);
        this.child.stdout!.off('data', check);
        this.child.off('close', check);
        how();
      };
      this.child.stdout!.on('data', check);
      this.child.on('close', check);
      check();
    });
  }

  /** What Ctrl-C in its terminal does. */
  async interrupt(): Promise<Ended> {
    process.kill(-this.pid, 'SIGINT');
    return this.ended;
  }

  /** What an orchestrator does: `SIGTERM` asks, `SIGKILL` does not. */
  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<Ended> {
    if (!this.hasEnded) this.child.kill(signal);
    return this.ended;
  }
}

/** A command of `cli.js`, run to its end. */
export async function runCommand(
  env: Record<string, string>,
  ...args: string[]
): Promise<Ended & { answer: string; output: string }> {
  const program = Program.start('src/cli.js', env, args);
  const ended = await program.ended;
  return { ...ended, answer: program.answer, output: program.output };
}

/** A running service and how to reach it, read from what it printed. */
export interface Service extends World {
  readonly program: Program;
}

export async function startService(env: Record<string, string>): Promise<Service> {
  const program = Program.start('src/main.js', { LOG_LEVEL: 'warn', ...env });
  await program.untilSays('Ctrl-C stops it.');
  const keys = [...program.output.matchAll(/^ {2}(\w+) +(dsb_\w+)$/gm)].map(([, role, key]) => [role!, key!]);
  return {
    program,
    url: `http://127.0.0.1:${env['PORT']}`,
    keys: Object.fromEntries(keys) as Record<string, string>,
    simulator: {
      url: `http://127.0.0.1:${env['SIMULATOR_PORT']}`,
      key: /platform key (\S+)\)/.exec(program.output)?.[1] ?? '',
    },
  };
}

/** Processes whose command line names `text`, as `pid command`. */
export function processesNaming(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(text) ? [`${pid} ${command}`] : [];
      } catch {
        return []; // It ended meanwhile.
      }
    });
}

/** A new folder that PostgreSQL's user may enter, removed with the run. */
export function newFolder(name: string): string {
  const folder = mkdtempSync(join(process.env['TEST_HOME']!, `${name}-`));
  chmodSync(folder, 0o755);
  return folder;
}
