/**
 * Waits for a fact: asks `look`, every `pauseMs`, until it answers something other than undefined, null or false.
 * @throws {Error} naming what was waited for, with the last error `look` threw
 */
export async function waitFor<Fact>(
  what: string,
  look: () => Promise<Fact | undefined | null | false>,
  timeoutMs = 20_000,
  pauseMs = 25,
): Promise<Fact> {
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  do {
    try {
      const fact = await look();
      if (fact !== undefined && fact !== null && fact !== false) return fact;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await new Promise((done) => setTimeout(done, pauseMs));
  } while (Date.now() < deadline);
  throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`, { cause: lastError });
}
