interface Waiting<Item, Result> {
  readonly item: Item;
  readonly done: (result: Result) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Puts what is asked for at the same time into one statement. The first goes at once; what comes while `underWayMax` statements are
 * under way goes together with the next, so a quiet service answers as fast as before and a busy one commits less often.
 * Each caller hears of its own part only after the commit; when a statement of several fails, each part is tried alone.
 */
export class StatementBatch<Item, Result> {
  private readonly waiting: Waiting<Item, Result>[] = [];
  private underWay = 0;

  /** `run` answers one result for each item, in their order. */
  constructor(
    private readonly run: (items: readonly Item[]) => Promise<readonly Result[]>,
    private readonly limits: Readonly<{ sizeMax: number; underWayMax: number }>,
  ) {}

  add(item: Item): Promise<Result> {
    return new Promise((done, failed) => {
      this.waiting.push({ item, done, failed });
      this.pump();
    });
  }

  private pump(): void {
    while (this.waiting.length > 0 && this.underWay < this.limits.underWayMax) {
      this.underWay += 1;
      void this.send(this.waiting.splice(0, this.limits.sizeMax)).finally(() => {
        this.underWay -= 1;
        this.pump();
      });
    }
  }

  private async send(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.run(batch.map(({ item }) => item));
      batch.forEach(({ done }, at) => done(results[at]!));
    } catch (error) {
      if (batch.length === 1) batch[0]!.failed(error);
      else await Promise.all(batch.map((each) => this.send([each])));
    }
  }
}
