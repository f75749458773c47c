import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as ts from 'typescript';

const sources = join(__dirname, '../../simulator');

function buildInto(folder: string): string {
  mkdirSync(folder);
  for (const name of readdirSync(sources)) {
    if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
    const compilerOptions = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2023 };
    const { outputText } = ts.transpileModule(readFileSync(join(sources, name), 'utf8'), { compilerOptions });
    writeFileSync(join(folder, name.replace(/\.ts$/, '.js')), outputText);
  }
  return folder;
}

/** Where the first program that starts has built it: the others of the file start from there. */
let built: string | undefined;

/** The simulator as a program of its own, built into a temporary folder: what a stranger starts, and what can be killed. */
export class Program {
  readonly folder = mkdtempSync(join(tmpdir(), 'simulator-'));
  readonly dataDir = join(this.folder, 'data');
  private child: ChildProcess | undefined;

  /** Resolves with its URL when it says that it listens; rejects with what it complained about. */
  start(...args: string[]): Promise<string> {
    built ??= buildInto(join(this.folder, 'built'));
    const main = join(built, 'main.js');
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, '--port', '0', ...args]);
    this.child = child;
    return new Promise((resolve, reject) => {
      let complaints = '';
      child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
      child.once('exit', (code) => reject(new Error(`exit ${code}: ${complaints}`)));
      createInterface(child.stdout).once('line', (line) => resolve(line.replace('simulator listening on ', '')));
    });
  }

  /** Ends it with a signal and says how it ended. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const { child } = this;
    if (!child) throw new Error('The program was not started.');
    return new Promise((resolve) => {
      child.removeAllListeners('exit');
      child.once('exit', (code, by) => resolve({ code, signal: by }));
      child.kill(signal);
    });
  }

  cleanUp(): void {
    this.child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
