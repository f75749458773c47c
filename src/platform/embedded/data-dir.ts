import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What the embedded defaults must remember between starts. Secrets of a development machine: the file is readable by its owner only. */
export interface EmbeddedState {
  /** One key a role, as printed at every start. */
  apiKeys?: Record<string, string>;
  /** Base64, 32 bytes. */
  dataEncryptionKey?: string;
  webhookSecrets?: readonly string[];
  authorizationWebhookSecrets?: readonly string[];
}

export class DataDirInUse extends Error {
  constructor(path: string, pid: number) {
    super(`Another Disburse (process ${pid}) runs on ${path}. Stop it, or set DATA_DIR to another folder.`);
    this.name = 'DataDirInUse';
  }
}

/** The folder of everything embedded: PostgreSQL, the simulator's data, and what was made once. One service at a time. */
export class DataDir {
  private constructor(
    readonly path: string,
    readonly state: EmbeddedState,
  ) {}

  /** Takes the folder for this process. A killed run's claim is void: its process is gone. @throws {DataDirInUse} */
  static async claim(path: string): Promise<DataDir> {
    const dataDir = await DataDir.read(path);
    const claim = join(dataDir.path, 'service.pid');
    for (;;) {
      try {
        // Made only if it is not there: of two that start at once, one wins.
        await writeFile(claim, String(process.pid), { flag: 'wx' });
        return dataDir;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = Number(await readFile(claim, 'utf8').catch(() => '0'));
      if (holder === process.pid) return dataDir;
      if (isService(holder)) throw new DataDirInUse(dataDir.path, holder);
      await rm(claim, { force: true });
    }
  }

  /** For a command beside the service. */
  static async read(path: string): Promise<DataDir> {
    const home = resolve(path);
    await mkdir(home, { recursive: true });
    const text = await readFile(join(home, 'state.json'), 'utf8').catch(() => '{}');
    return new DataDir(home, JSON.parse(text) as EmbeddedState);
  }

  async remember(change: Partial<EmbeddedState>): Promise<void> {
    Object.assign(this.state, change);
    // Written beside and renamed: a crash leaves the old file or the new one, never half.
    const draft = join(this.path, 'state.json.new');
    await writeFile(draft, JSON.stringify(this.state, null, 2), { mode: 0o600 });
    await rename(draft, join(this.path, 'state.json'));
  }

  async release(): Promise<void> {
    await rm(join(this.path, 'service.pid'), { force: true });
  }
}

/** Process ids are reused: only a living Node process can be the service. */
function isService(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node');
  } catch {
    return true;
  }
}
