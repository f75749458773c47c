import { ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The bundled Stripe simulator, as its own program: started no differently from the one a stranger starts. */
export interface EmbeddedSimulator {
  readonly url: string;
  stop(): Promise<void>;
}

const root = join(__dirname, '../../..');
// Beside this build; under a test runner, which runs the sources, in the build's folder.
const programs = [join(root, 'simulator/main.js'), join(root, 'dist/simulator/main.js')];
const startTimeoutMs = 20_000;

/**
 * Starts the simulator as a child process on `port` (0: any free one), with its data in `dataDir`. It goes when this process
 * goes, however it goes, and does not hear Ctrl-C itself: the service stops it when its own work is done.
 * @throws {Error} when it is not built, or does not listen in time, with what it said
 */
export async function startEmbeddedSimulator(port: number, dataDir: string): Promise<EmbeddedSimulator> {
  const program = programs.find((file) => existsSync(file));
  if (!program) throw new Error('The Stripe simulator is not built: npm run build.');
  const child = spawn(process.execPath, [program, '--port', String(port), '--data', dataDir], {
    detached: true,
    // The channel is how the simulator learns that this process is gone.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const url = await listening(child);
  child.stderr!.pipe(process.stderr);
  return { url, stop: () => stop(child) };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    let said = '';
    const giveUp = (why: string) => {
      child.kill('SIGKILL');
      fail(new Error(`The Stripe simulator did not start: ${why}\n${said}`.trim()));
    };
    const timer = setTimeout(() => giveUp(`nothing after ${startTimeoutMs / 1000} s`), startTimeoutMs);
    const ended = (code: number | null) => giveUp(`it ended with ${code}`);
    child.once('error', (error) => giveUp(error.message));
    child.once('exit', ended);
    child.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stdout!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const url = /listening on (http:\S+)/.exec(said)?.[1];
      if (!url) return;
      clearTimeout(timer);
      child.off('exit', ended);
      done(url);
    });
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) return done();
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
    child.once('exit', () => {
      clearTimeout(timer);
      done();
    });
    child.kill('SIGTERM');
  });
}
