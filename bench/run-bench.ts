/** What a bench has started; ended last first when the bench ends, however it ends. */
export const stopping: (() => Promise<void> | void)[] = [];

/** Runs a bench to its end and cleans up behind it, Ctrl-C included. An error is told and makes the exit code 1. */
export function runBench(main: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopAll().finally(() => process.exit(1)));
  }
  void main()
    .catch((error: unknown) => {
      console.error(error);
      process.exitCode = 1;
    })
    .finally(() => stopAll());
}

async function stopAll(): Promise<void> {
  // Taken out, so that nothing is stopped twice when a signal comes meanwhile; one that fails keeps none of the others.
  for (const stop of stopping.splice(0).toReversed()) await Promise.resolve(stop()).catch(() => undefined);
}
