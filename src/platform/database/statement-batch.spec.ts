import { StatementBatch } from './statement-batch';

describe('a batch of statements', () => {
  /** Statements that end when the test says so. */
  function statements() {
    const sent: { items: readonly number[]; end: (error?: Error) => void }[] = [];
    const batch = new StatementBatch<number, string>(
      (items) =>
        new Promise((done, fail) => {
          sent.push({ items, end: (error) => (error ? fail(error) : done(items.map((item) => `stored ${item}`))) });
        }),
      { sizeMax: 3, underWayMax: 1 },
    );
    return { sent, batch };
  }
  const turn = () => new Promise<void>((done) => setImmediate(done));

  it('sends the first at once, and together what came meanwhile', async () => {
    const { sent, batch } = statements();
    const results = [1, 2, 3, 4, 5].map((item) => batch.add(item));

    for (let at = 0; at < 3; at += 1) {
      await turn();
      sent[at]!.end();
    }

    expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5].map((item) => `stored ${item}`));
    expect(sent.map(({ items }) => items)).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('answers nobody before the statement has ended', async () => {
    const { batch } = statements();
    let isAnswered = false;
    void batch.add(1).then(() => (isAnswered = true));

    await turn();

    expect(isAnswered).toBe(false);
  });

  it('lets one that fails fail alone', async () => {
    const { sent, batch } = statements();
    const results = [1, 2, 3].map((item) => batch.add(item).catch((error: Error) => error.message));

    await turn();
    sent[0]!.end();
    await turn();
    sent[1]!.end(new Error('3 cannot be stored'));
    await turn();
    for (const { items, end } of sent.slice(2)) end(items[0] === 3 ? new Error('3 cannot be stored') : undefined);

    expect(await Promise.all(results)).toEqual(['stored 1', 'stored 2', '3 cannot be stored']);
  });
});
