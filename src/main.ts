import { DatabaseBehind, startService } from './service';
import { ConfigInvalid, readConfig } from './platform/config/config';
import { DataDirInUse } from './platform/embedded/data-dir';

async function main(): Promise<void> {
  const service = await startService(readConfig(process.env));
  let stopping: Promise<void> | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // A second Ctrl-C does not cut short what the first began; the first is bounded.
      stopping ??= service.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
  console.log(service.greeting);
}

main().catch((error: unknown) => {
  // What an operator can mend needs no stack.
  const isForOperator = [ConfigInvalid, DataDirInUse, DatabaseBehind].some((kind) => error instanceof kind);
  console.error(isForOperator ? (error as Error).message : error);
  process.exit(1);
});
