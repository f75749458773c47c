import { rmSync } from 'node:fs';

// eslint-disable-next-line no-restricted-syntax -- jest wants a default export here
export default async function globalTeardown(): Promise<void> {
  await globalThis.servers?.simulator.stop();
  await globalThis.servers?.database.stop();
  if (process.env['TEST_HOME']) rmSync(process.env['TEST_HOME'], { recursive: true, force: true });
}
