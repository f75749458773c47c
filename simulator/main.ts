import { parseArgs } from 'node:util';
import { startSimulator } from './server';

const usage = `Usage: npm run simulator -- [options]
  --port PORT      12111 unless given; 0 takes any free port
  --host HOST      127.0.0.1 unless given
  --data DIR       keeps everything in DIR/simulator.sqlite; without it, in memory
  --check-books    adds up all books after every request, and fails the request that broke them
  --help           says this`;

/** What the person at the shell got wrong, with how it is done right. */
class UsageError extends Error {
  constructor(message: string) {
    super(`${message}\n${usage}`);
  }
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '12111' },
        host: { type: 'string', default: '127.0.0.1' },
        data: { type: 'string' },
        'check-books': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? '');
  }
}

function portFrom(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new UsageError(`--port must be a number from 0 to 65535, not '${text}'`);
  return port;
}

async function main(): Promise<void> {
  const values = readOptions();
  if (values.help) {
    process.stdout.write(`${usage}\n`);
    return;
  }
  if (values.data === '') throw new UsageError('--data needs the name of a folder');
  const simulator = await startSimulator({
    port: portFrom(values.port),
    host: values.host,
    checkBooks: values['check-books'],
    ...(values.data === undefined ? {} : { dataDir: values.data }),
  });
  const stop = () => void simulator.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Started by another program: the simulator goes when that program goes, however it went.
  process.once('disconnect', stop);
  process.stdout.write(`simulator listening on ${simulator.url}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`simulator: ${(error as Error).message}\n`);
  process.exitCode = 1;
});
