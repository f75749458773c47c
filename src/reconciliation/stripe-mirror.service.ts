import { Injectable } from '@nestjs/common';
import { Database, Tx } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeBalanceTransaction } from '../stripe/stripe.types';
import { StripeMirrorRepository } from './stripe-mirror.repository';

const pageSize = 100;
// Stripe writes times by the second and lists are eventually whole: lines of the same moments are looked at again.
const overlapMs = 120_000;
const secondMs = 1_000;

/**
 * Keeps a local copy of every line of Stripe's ledger, per account and for the platform. Each page commits with its cursor,
 * so a killed pass goes on where it stood, and two passes at once write the same rows.
 */
@Injectable()
export class StripeMirrorService {
  constructor(
    private readonly database: Database,
    private readonly gateway: StripeGateway,
    private readonly repository: StripeMirrorRepository,
    private readonly clock: Clock,
  ) {}

  /** Mirrors what is new. `stripeAccount` is null for the platform. Answers the database's time before it began to look. */
  async refresh(account: string, stripeAccount: string | null): Promise<string> {
    const startedAt = await this.repository.databaseNow(this.database.reader);
    const before = await this.repository.cursor(this.database.reader, account);
    if (!before.isBackfilled || before.newestBalanceTransactionId === null) {
      await this.backfill(account, stripeAccount, before.backfilledTo);
    }
    const { newestBalanceTransactionId, newestCreatedAt } = await this.repository.cursor(this.database.reader, account);
    if (newestBalanceTransactionId !== null) await this.follow(account, stripeAccount, newestBalanceTransactionId);
    if (newestCreatedAt !== null) {
      const createdFrom = new Date(newestCreatedAt.getTime() - overlapMs);
      await this.store(account, this.gateway.listBalanceTransactions(stripeAccount, { createdFrom }));
    }
    await this.refreshPending(account, stripeAccount);
    return startedAt;
  }

  /** Newest first, down to the first line ever; a pass that was cut off goes on below what it has. */
  private async backfill(account: string, stripeAccount: string | null, backfilledTo: Date | null): Promise<void> {
    const filter = backfilledTo ? { createdTo: new Date(backfilledTo.getTime() + secondMs) } : {};
    await this.store(account, this.gateway.listBalanceTransactions(stripeAccount, filter), async (lines, tx, now) => {
      const oldest = lines.at(-1)!;
      await this.repository.advance(tx, account, lines[0]!, now);
      await this.repository.noteBackfill(tx, account, oldest.createdAt, false, now);
    });
    await this.repository.noteBackfill(this.database.reader, account, null, true, this.clock.now());
  }

  /** Oldest first, from the newest line known. */
  private async follow(account: string, stripeAccount: string | null, after: string): Promise<void> {
    await this.store(
      account,
      this.gateway.listBalanceTransactions(stripeAccount, { after }),
      async (lines, tx, now) => {
        await this.repository.advance(tx, account, lines.at(-1)!, now);
      },
    );
  }

  private async refreshPending(account: string, stripeAccount: string | null): Promise<void> {
    let after = '';
    for (;;) {
      const ids = await this.repository.pending(this.database.reader, account, after, pageSize);
      for (const id of ids) {
        const line = await this.gateway.retrieveBalanceTransaction(stripeAccount, id);
        if (line) await this.repository.upsert(this.database.reader, account, [line], this.clock.now());
      }
      if (ids.length < pageSize) return;
      after = ids.at(-1)!;
    }
  }

  private async store(
    account: string,
    lines: AsyncIterable<StripeBalanceTransaction>,
    note?: (lines: readonly StripeBalanceTransaction[], tx: Tx, now: Date) => Promise<void>,
  ): Promise<void> {
    const write = async (page: readonly StripeBalanceTransaction[]): Promise<void> => {
      const now = this.clock.now();
      await this.database.transaction(async (tx) => {
        await this.repository.upsert(tx, account, page, now);
        await note?.(page, tx, now);
      });
    };
    let page: StripeBalanceTransaction[] = [];
    for await (const line of lines) {
      page.push(line);
      if (page.length < pageSize) continue;
      await write(page);
      page = [];
    }
    if (page.length > 0) await write(page);
  }
}
