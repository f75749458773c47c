import { Injectable } from '@nestjs/common';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { ReportRow } from './report.types';
import { ReportsRepository } from './reports.repository';
import { SellerStatement, StatementClosing } from './seller-statement.types';
import { SellerStatementsRepository } from './seller-statements.repository';

const columns = [
  { name: 'occurred_at', type: 'time' },
  { name: 'journal_entry', type: 'text' },
  { name: 'kind', type: 'text' },
  { name: 'payout', type: 'text' },
  { name: 'reference', type: 'text' },
  { name: 'source', type: 'text' },
  { name: 'promised', type: 'minor' },
  { name: 'paid', type: 'minor' },
  { name: 'taken_back', type: 'minor' },
  { name: 'balance', type: 'minor' },
] as const;

const promiseAccounts = ['payout_owed', 'payout_held', 'payout_reclaiming'];

/** A seller's month: what was promised, paid and taken back, from an opening to a closing balance that the ledger must confirm. */
@Injectable()
export class SellerStatementsService {
  constructor(
    private readonly repository: SellerStatementsRepository,
    private readonly reports: ReportsRepository,
    private readonly connectedAccounts: ConnectedAccountsService,
  ) {}

  /**
   * Opens the statement: its pages begin with a row `opening_balance` and end with a row `closing_balance`, all of one database
   * snapshot. With `isSummed` every ledger account of the seller is added up at the end.
   * @throws {ConnectedAccountNotFound}
   */
  async open(
    connectedAccountId: string,
    month: Readonly<{ name: string; from: Date; to: Date; cutoff: Date | null }>,
    isSummed = true,
  ): Promise<SellerStatement> {
    const { currency } = await this.connectedAccounts.get(connectedAccountId);
    const { repository } = this;
    const period = { ...month, connectedAccountId };
    let closing: StatementClosing | undefined;

    const pages = this.reports.snapshot(async function* (tx): AsyncGenerator<readonly ReportRow[]> {
      const openingMinor = await repository.opening(tx, period);
      let rows = 0;
      let closingMinor = openingMinor;
      let before: readonly ReportRow[] = [balanceRow('opening_balance', month.from, openingMinor)];
      for await (const page of repository.pages(tx, period, openingMinor)) {
        yield [...before, ...page];
        before = [];
        rows += page.length;
        closingMinor = BigInt(page.at(-1)!['balance']!);
      }
      yield [...before, balanceRow('closing_balance', month.to, closingMinor)];
      if (!isSummed) return;
      const accounts = await repository.accounts(tx, period);
      const promised = accounts.filter(({ account }) => promiseAccounts.includes(account));
      const sum = (of: 'openingMinor' | 'closingMinor') => promised.reduce((total, each) => total - each[of], 0n);
      const ledgerMinor = sum('closingMinor');
      const ties = ledgerMinor === closingMinor && sum('openingMinor') === openingMinor;
      closing = { rows, openingMinor, closingMinor, accounts, ledgerMinor, ties };
    });

    return {
      connectedAccountId,
      month: month.name,
      from: month.from,
      to: month.to,
      cutoff: month.cutoff,
      currency,
      columns,
      pages,
      closing: () => {
        if (!closing) throw new Error('The rows of the statement have not been read yet.');
        return closing;
      },
    };
  }
}

function balanceRow(kind: 'opening_balance' | 'closing_balance', at: Date, balanceMinor: bigint): ReportRow {
  return { occurred_at: at.toISOString().replace('Z', '000Z'), kind, balance: balanceMinor.toString() };
}
