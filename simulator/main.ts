import { parseArgs } from 'node:util';
import { startSimulator } from './server';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '12111' },
      host: { type: 'string', default: '127.0.0.1' },
      data: { type: 'string' },
      'check-books': { type: 'boolean', default: false },
    },
  });
  const simulator = await startSimulator({
    port: Number(values.port),
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
