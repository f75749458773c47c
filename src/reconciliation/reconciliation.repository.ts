import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { idPrefixes, newId } from '../shared/ids';
import {
  BreakStatus,
  BreakType,
  CorrectionAccount,
  PartStatus,
  platformAccount,
  ReconciliationBreak,
  ReconciliationRun,
  RunAccount,
  RunStatus,
} from './reconciliation.types';

export type NewRun = Readonly<{
  id: string;
  connectedAccountId: string | null;
  cutoff: Date | null;
  scheduledFor: string | null;
  createdAt: Date;
}>;

export type RunPart = Readonly<{ status: PartStatus; cutoff: Date | null; attempts: number }>;

/** A difference that a run made go away by asking Stripe for the object behind it. */
export type Healed = Readonly<{
  type: 'missing_in_ledger' | 'status_differs';
  /** The break's key: the line, or the authorization. */
  key: string;
}>;

export type PartOutcome = Readonly<{
  matched: number;
  setApart: number;
  inFlight: number;
  currency: string | null;
  stripeIssuingMinor: bigint | null;
  ledgerIssuingMinor: bigint | null;
}>;

export type BreakFilter = Readonly<{
  status?: BreakStatus | undefined;
  type?: BreakType | undefined;
  connectedAccountId?: string | undefined;
  payoutId?: string | undefined;
}>;

const openingsPerPage = 500;
const piecesPerPage = 100;

const cutoffText = `to_char($3::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Of the account's breaks, as they are once this run's findings are merged. */
const breakCounts = `
  healed = (select count(*) from reconciliation_breaks b
             where b.connected_account_id = $2 and b.status = 'healed' and b.closed_by = $1),
  breaks_open = (select count(*) from reconciliation_breaks b
                  where b.connected_account_id = $2 and b.status = 'open'
                    and ($3::timestamptz is null or b.occurred_at < $3::timestamptz))`;

/** Runs, their parts per account, and breaks. */
@Injectable()
export class ReconciliationRepository {
  /** False when a run for that day exists already. */
  async insertRun(tx: Tx, run: NewRun): Promise<boolean> {
    const rows = await queryRows(
      tx,
      `insert into reconciliation_runs (id, connected_account_id, cutoff, status, scheduled_for, created_at)
       values ($1, $2, $3, 'running', $4, $5) on conflict (scheduled_for) do nothing returning id`,
      [run.id, run.connectedAccountId, run.cutoff, run.scheduledFor, run.createdAt],
    );
    return rows.length === 1;
  }

  /** The moment after the newest line of Stripe's that we know, which a test's clock at Stripe may put after our own now. */
  async newestLineAt(tx: Tx): Promise<Date | null> {
    const [row] = await queryRows<{ at: Date | null }>(
      tx,
      `select max(newest_created_at) as at from stripe_mirror_cursors`,
    );
    return row?.at ?? null;
  }

  /** One part per account that exists at Stripe, and one for the platform. Answers them in pages, by id. */
  async insertParts(
    tx: Tx,
    runId: string,
    only: string | null,
    after: string,
    limit: number,
    now: Date,
  ): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(
      tx,
      `with accounts as (
         select id from connected_accounts
          where stripe_account_id is not null and ($2::text is null or id = $2) and id > $3
         order by id limit $4
       ), named as (
         select id from accounts
         union all select '${platformAccount}' where $3 = '' and ($2::text is null or $2 = '${platformAccount}')
       ), inserted as (
         insert into reconciliation_run_accounts (run_id, connected_account_id, status, created_at)
         select $1, id, 'running', $5 from named on conflict do nothing
       )
       select id from named order by id = '${platformAccount}' desc, id`,
      [runId, only, after, limit, now],
    );
    return rows.map((row) => row.id);
  }

  async setAccountsTotal(tx: Tx, runId: string): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_runs set accounts_total =
         (select count(*) from reconciliation_run_accounts where run_id = $1) where id = $1`,
      [runId],
    );
  }

  async findPart(tx: Tx, runId: string, account: string): Promise<RunPart | null> {
    const [row] = await queryRows<RunPart>(
      tx,
      `select a.status, r.cutoff, a.attempts
         from reconciliation_run_accounts a join reconciliation_runs r on r.id = a.run_id
        where a.run_id = $1 and a.connected_account_id = $2`,
      [runId, account],
    );
    return row ?? null;
  }

  /** Answers how often the part has been tried, this time included. */
  async countAttempt(tx: Tx, runId: string, account: string): Promise<number> {
    const [row] = await queryRows<{ attempts: number }>(
      tx,
      `update reconciliation_run_accounts set attempts = attempts + 1
        where run_id = $1 and connected_account_id = $2 returning attempts`,
      [runId, account],
    );
    return row!.attempts;
  }

  async failPart(tx: Tx, runId: string, account: string, failure: string, now: Date): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_run_accounts set status = 'failed', failure = $3, completed_at = $4
        where run_id = $1 and connected_account_id = $2 and status = 'running'`,
      [runId, account, failure, now],
    );
  }

  /** Done without Stripe: its piece of the report says that it could not be read, and nothing else. */
  async leavePartUnread(
    tx: Tx,
    runId: string,
    account: string,
    cutoff: Date | null,
    failure: string,
    now: Date,
  ): Promise<void> {
    await queryRows(
      tx,
      `with piece as (
         select jsonb_build_object('account', $2::text, 'cutoff', ${cutoffText}, 'unreadable', true)::text || E'\\n' as report)
       update reconciliation_run_accounts a
          set status = 'unreadable', failure = $4, completed_at = $5, report = piece.report,
              report_sha256 = encode(sha256(convert_to(piece.report, 'UTF8')), 'hex'), ${breakCounts}
         from piece
        where a.run_id = $1 and a.connected_account_id = $2 and a.status = 'running'`,
      [runId, account, cutoff, failure, now],
    );
  }

  /** Stores the part's figures, and its piece of the report with its hash. Reads `reconciliation_lines` of this transaction. */
  async completePart(
    tx: Tx,
    runId: string,
    account: string,
    cutoff: Date | null,
    outcome: PartOutcome,
    now: Date,
  ): Promise<void> {
    await queryRows(
      tx,
      `with piece as (${reportSql})
       update reconciliation_run_accounts a
          set status = 'completed', completed_at = $4, matched = $5, set_apart = $6, in_flight = $7, currency = $8,
              stripe_issuing_minor = $9, ledger_issuing_minor = $10, report = piece.report,
              report_sha256 = encode(sha256(convert_to(piece.report, 'UTF8')), 'hex'), ${breakCounts}
         from piece
        where a.run_id = $1 and a.connected_account_id = $2 and a.status = 'running'`,
      [
        runId,
        account,
        cutoff,
        now,
        outcome.matched,
        outcome.setApart,
        outcome.inFlight,
        outcome.currency,
        outcome.stripeIssuingMinor?.toString() ?? null,
        outcome.ledgerIssuingMinor?.toString() ?? null,
      ],
    );
  }

  /** Merges what the run found into the breaks. Answers those it opened, with ids, so that the caller can announce them. */
  async openBreaks(tx: Tx, runId: string, account: string, now: Date): Promise<ReconciliationBreak[]> {
    await queryRows(
      tx,
      `update reconciliation_breaks b
          set last_seen_at = $3, difference_minor = f.difference_minor, evidence = f.evidence, proposed_action = f.proposed_action
         from reconciliation_findings f
        where f.run_id = $1 and f.connected_account_id = $2
          and b.connected_account_id = $2 and b.type = f.type and b.key = f.key and b.status = 'open'`,
      [runId, account, now],
    );
    const opened: ReconciliationBreak[] = [];
    for (;;) {
      // A person's explanation stands as long as the difference is the one they explained.
      const fresh = await queryRows<{ type: string; key: string }>(
        tx,
        `select f.type, f.key from reconciliation_findings f
          where f.run_id = $1 and f.connected_account_id = $2
            and not exists (select from reconciliation_breaks b
                             where b.connected_account_id = $2 and b.type = f.type and b.key = f.key
                               and (b.status = 'open' or (b.status = 'resolved'
                                    and b.difference_minor is not distinct from f.difference_minor)))
          order by f.type, f.key limit ${openingsPerPage}`,
        [runId, account],
      );
      if (fresh.length === 0) return opened;
      const rows = await queryRows<BreakRecord>(
        tx,
        `insert into reconciliation_breaks (id, connected_account_id, type, key, status, payout_id, difference_minor, currency,
           evidence, proposed_action, occurred_at, opened_at, last_seen_at, opened_by_run_id)
         select fresh.id, f.connected_account_id, f.type, f.key, 'open', f.payout_id, f.difference_minor, f.currency, f.evidence,
                f.proposed_action, f.occurred_at, $3, $3, $1
           from unnest($4::text[], $5::text[], $6::text[]) as fresh(id, type, key)
           join reconciliation_findings f
             on f.run_id = $1 and f.connected_account_id = $2 and f.type = fresh.type and f.key = fresh.key
         on conflict (connected_account_id, type, key) where status = 'open' do nothing
         returning *`,
        [
          runId,
          account,
          now,
          fresh.map(() => newId(idPrefixes.reconciliationBreak)),
          fresh.map((finding) => finding.type),
          fresh.map((finding) => finding.key),
        ],
      );
      opened.push(...rows.map(toBreak));
      if (fresh.length < openingsPerPage) return opened;
    }
  }

  /** Closes the open breaks that this run looked for and did not find again. */
  async healVanished(tx: Tx, runId: string, account: string, checked: readonly BreakType[], now: Date): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_breaks b
          set status = 'healed', closed_at = $3, closed_by = $1, note = 'The difference is gone.'
        where b.connected_account_id = $2 and b.status = 'open' and b.type = any($4::text[])
          and not exists (select from reconciliation_findings f
                           where f.run_id = $1 and f.connected_account_id = $2 and f.type = b.type and f.key = b.key)`,
      [runId, account, now, checked],
    );
  }

  /** Writes down what the run brought up to date by itself, where no open break told of it already. */
  async recordHealed(tx: Tx, runId: string, account: string, healed: readonly Healed[], now: Date): Promise<void> {
    await queryRows(
      tx,
      `insert into reconciliation_breaks (id, connected_account_id, type, key, status, payout_id, difference_minor, currency, evidence,
         proposed_action, occurred_at, opened_at, last_seen_at, opened_by_run_id, closed_at, closed_by, note)
       select healed.id, $2, healed.type, healed.key, 'healed', fact.payout_id, fact.difference_minor, fact.currency, fact.evidence,
              'None: it is booked.', fact.occurred_at, $3, $3, $1, $3, $1, 'The event never came; the object was fetched and booked.'
         from unnest($4::text[], $5::text[], $6::text[]) as healed(id, type, key)
         cross join lateral (
           select e.payout_id, t.net_minor as difference_minor, t.currency, t.created_at as occurred_at,
                  jsonb_build_object('balance_transaction', t.balance_transaction_id, 'balance_transaction_type', t.type,
                    'source', t.source_id, 'journal_entry', m.journal_entry_id) as evidence
             from stripe_balance_transactions t
             join ledger_matches m on m.connected_account_id = $2 and m.balance_transaction_id = t.balance_transaction_id
             join journal_entries e on e.id = m.journal_entry_id
            where healed.type = 'missing_in_ledger' and t.connected_account_id = $2 and t.balance_transaction_id = healed.key
           union all
           select a.payout_id, null, null, a.created_at,
                  jsonb_build_object('authorization', a.id, 'stripe_authorization', a.stripe_authorization_id, 'now', a.status)
             from authorizations a
            where healed.type = 'status_differs' and a.connected_account_id = $2
              and healed.key = 'authorization:' || a.stripe_authorization_id) as fact
        where not exists (select from reconciliation_breaks b
                           where b.connected_account_id = $2 and b.type = healed.type and b.key = healed.key
                             and (b.status = 'open' or b.closed_by = $1))`,
      [
        runId,
        account,
        now,
        healed.map(() => newId(idPrefixes.reconciliationBreak)),
        healed.map((one) => one.type),
        healed.map((one) => one.key),
      ],
    );
  }

  /** The run, held until the transaction ends, and how many of its parts are not done. */
  async lockRun(
    tx: Tx,
    runId: string,
  ): Promise<{ status: RunStatus; isListed: boolean; running: number; failed: number } | null> {
    const [run] = await queryRows<{ status: RunStatus; accounts_total: number | null }>(
      tx,
      `select status, accounts_total from reconciliation_runs where id = $1 for update`,
      [runId],
    );
    if (!run) return null;
    const [parts] = await queryRows<{ running: number; failed: number }>(
      tx,
      `select count(*) filter (where status = 'running')::int as running, count(*) filter (where status = 'failed')::int as failed
         from reconciliation_run_accounts where run_id = $1`,
      [runId],
    );
    return {
      status: run.status,
      isListed: run.accounts_total !== null,
      running: parts!.running,
      failed: parts!.failed,
    };
  }

  /** Pieces of the report in their order, a page at a time. */
  async reportPieces(
    tx: Tx,
    runId: string,
    after: string,
    limit: number,
  ): Promise<{ account: string; report: string }[]> {
    return queryRows<{ account: string; report: string }>(
      tx,
      `select connected_account_id as account, report from reconciliation_run_accounts
        where run_id = $1 and connected_account_id > $2 and report is not null order by connected_account_id limit $3`,
      [runId, after, limit],
    );
  }

  async finishRun(tx: Tx, runId: string, sha256: string | null, now: Date): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_runs r
          set status = case when $2::text is null then 'failed' else 'completed' end, report_sha256 = $2, completed_at = $3,
              matched = parts.matched, healed = parts.healed, breaks_open = parts.breaks_open
         from (select coalesce(sum(matched), 0) as matched, coalesce(sum(healed), 0) as healed,
                      coalesce(sum(breaks_open), 0) as breaks_open
                 from reconciliation_run_accounts where run_id = $1) as parts
        where r.id = $1 and r.status = 'running'`,
      [runId, sha256, now],
    );
  }

  async findRun(tx: Tx, id: string): Promise<ReconciliationRun | null> {
    const [run] = await this.runs(tx, 'where r.id = $1', [id]);
    return run ?? null;
  }

  async listRuns(tx: Tx, limit: number, startingAfter?: string): Promise<ReconciliationRun[]> {
    return this.runs(tx, `where ($1::text is null or r.id < $1) order by r.id desc limit $2`, [
      startingAfter ?? null,
      limit + 1,
    ]);
  }

  /** The run's accounts, failed and unreadable ones first, then those with breaks. */
  async runAccounts(tx: Tx, runId: string, limit: number): Promise<RunAccount[]> {
    const rows = await queryRows<RunAccountRecord>(
      tx,
      `select connected_account_id, status, matched, set_apart, in_flight, healed, breaks_open, currency, stripe_issuing_minor,
              ledger_issuing_minor, report_sha256, failure
         from reconciliation_run_accounts where run_id = $1
        order by status = 'failed' desc, status = 'unreadable' desc, breaks_open > 0 desc, connected_account_id limit $2`,
      [runId, limit],
    );
    return rows.map((row) => ({
      connectedAccountId: row.connected_account_id,
      status: row.status,
      matched: Number(row.matched),
      setApart: Number(row.set_apart),
      inFlight: Number(row.in_flight),
      healed: Number(row.healed),
      breaksOpen: Number(row.breaks_open),
      currency: row.currency,
      stripeIssuingMinor: row.stripe_issuing_minor === null ? null : BigInt(row.stripe_issuing_minor),
      ledgerIssuingMinor: row.ledger_issuing_minor === null ? null : BigInt(row.ledger_issuing_minor),
      reportSha256: row.report_sha256,
      failure: row.failure,
    }));
  }

  async findBreak(tx: Tx, id: string): Promise<ReconciliationBreak | null> {
    const [row] = await queryRows<BreakRecord>(tx, `select * from reconciliation_breaks where id = $1`, [id]);
    return row ? toBreak(row) : null;
  }

  async listBreaks(tx: Tx, filter: BreakFilter, limit: number, startingAfter?: string): Promise<ReconciliationBreak[]> {
    const rows = await queryRows<BreakRecord>(
      tx,
      `select * from reconciliation_breaks
        where ($1::text is null or status = $1) and ($2::text is null or type = $2)
          and ($3::text is null or connected_account_id = $3) and ($4::text is null or payout_id = $4)
          and ($5::text is null or id < $5)
        order by id desc limit $6`,
      [
        filter.status ?? null,
        filter.type ?? null,
        filter.connectedAccountId ?? null,
        filter.payoutId ?? null,
        startingAfter ?? null,
        limit + 1,
      ],
    );
    return rows.map(toBreak);
  }

  /** The break, held until the transaction ends. */
  async lockBreak(tx: Tx, id: string): Promise<ReconciliationBreak | null> {
    const [row] = await queryRows<BreakRecord>(tx, `select * from reconciliation_breaks where id = $1 for update`, [
      id,
    ]);
    return row ? toBreak(row) : null;
  }

  async proposeCorrection(
    tx: Tx,
    id: string,
    against: CorrectionAccount,
    note: string,
    by: string,
    now: Date,
  ): Promise<void> {
    await queryRows(
      tx,
      `update reconciliation_breaks set correction_against = $2, correction_note = $3, correction_proposed_by = $4,
              correction_proposed_at = $5 where id = $1`,
      [id, against, note, by, now],
    );
  }

  async approveCorrection(tx: Tx, id: string, by: string): Promise<void> {
    await queryRows(tx, `update reconciliation_breaks set correction_approved_by = $2 where id = $1`, [id, by]);
  }

  /** Compare and set: false when somebody closed it first. */
  async resolveBreak(tx: Tx, id: string, by: string, note: string, now: Date): Promise<boolean> {
    const rows = await queryRows(
      tx,
      `update reconciliation_breaks set status = 'resolved', closed_at = $4, closed_by = $2, note = $3
        where id = $1 and status = 'open' returning id`,
      [id, by, note, now],
    );
    return rows.length === 1;
  }

  private async runs(tx: Tx, condition: string, parameters: readonly unknown[]): Promise<ReconciliationRun[]> {
    // While a run works, its figures are those of the parts that are done.
    const rows = await queryRows<RunRecord>(
      tx,
      `select r.id, r.connected_account_id, r.cutoff, r.status, coalesce(r.accounts_total, 0) as accounts_total, parts.accounts_done,
              coalesce(parts.matched, 0) as matched, coalesce(parts.healed, 0) as healed,
              coalesce(parts.breaks_open, 0) as breaks_open, r.report_sha256, r.created_at, r.completed_at
         from reconciliation_runs r
         cross join lateral (
           select count(*) filter (where status <> 'running')::int as accounts_done, sum(matched) as matched, sum(healed) as healed,
                  sum(breaks_open) as breaks_open
             from reconciliation_run_accounts where run_id = r.id) as parts
       ${condition}`,
      parameters,
    );
    return rows.map((row) => ({
      id: row.id,
      connectedAccountId: row.connected_account_id,
      cutoff: row.cutoff,
      status: row.status,
      accountsTotal: row.accounts_total,
      accountsDone: row.accounts_done,
      matched: Number(row.matched),
      healed: Number(row.healed),
      breaksOpen: Number(row.breaks_open),
      reportSha256: row.report_sha256,
      createdAt: row.created_at,
      completedAt: row.completed_at,
    }));
  }
}

type RunRecord = {
  id: string;
  connected_account_id: string | null;
  cutoff: Date | null;
  status: RunStatus;
  accounts_total: number;
  accounts_done: number;
  matched: string;
  healed: string;
  breaks_open: string;
  report_sha256: string | null;
  created_at: Date;
  completed_at: Date | null;
};

type RunAccountRecord = {
  connected_account_id: string;
  status: PartStatus;
  matched: string;
  set_apart: string;
  in_flight: string;
  healed: string;
  breaks_open: string;
  currency: RunAccount['currency'];
  stripe_issuing_minor: string | null;
  ledger_issuing_minor: string | null;
  report_sha256: string | null;
  failure: string | null;
};

type BreakRecord = {
  id: string;
  connected_account_id: string;
  type: BreakType;
  key: string;
  status: BreakStatus;
  payout_id: string | null;
  difference_minor: string | null;
  currency: ReconciliationBreak['currency'];
  evidence: Record<string, unknown>;
  proposed_action: string;
  occurred_at: Date;
  opened_at: Date;
  last_seen_at: Date;
  closed_at: Date | null;
  closed_by: string | null;
  note: string | null;
  correction_against: CorrectionAccount | null;
  correction_note: string | null;
  correction_proposed_by: string | null;
  correction_proposed_at: Date | null;
  correction_approved_by: string | null;
};

/** The run's report, a page of accounts at a time. */
export async function* reportPieces(
  repository: ReconciliationRepository,
  tx: Tx,
  runId: string,
): AsyncGenerator<string, void, undefined> {
  for (let after = ''; ;) {
    const pieces = await repository.reportPieces(tx, runId, after, piecesPerPage);
    for (const { report } of pieces) yield report;
    if (pieces.length < piecesPerPage) return;
    after = pieces.at(-1)!.account;
  }
}

function toBreak(row: BreakRecord): ReconciliationBreak {
  return {
    id: row.id,
    connectedAccountId: row.connected_account_id,
    type: row.type,
    key: row.key,
    status: row.status,
    payoutId: row.payout_id,
    differenceMinor: row.difference_minor === null ? null : BigInt(row.difference_minor),
    currency: row.currency,
    evidence: row.evidence,
    proposedAction: row.proposed_action,
    occurredAt: row.occurred_at,
    openedAt: row.opened_at,
    lastSeenAt: row.last_seen_at,
    closedAt: row.closed_at,
    closedBy: row.closed_by,
    note: row.note,
    correction:
      row.correction_against === null
        ? null
        : {
            against: row.correction_against,
            note: row.correction_note!,
            proposedBy: row.correction_proposed_by!,
            proposedAt: row.correction_proposed_at!,
            approvedBy: row.correction_approved_by,
          },
  };
}

/**
 * One account's piece of the report: what lies before the cut-off, and nothing of when or by whom it was looked at, so that the same
 * cut-off gives the same bytes. Lines of JSON: the account, its movements by type, its balances, its differences by name.
 */
const reportSql = `
  select string_agg(line, E'\\n' order by section, sort_key collate "C") || E'\\n' as report
    from (
      select 1 as section, '' as sort_key, jsonb_build_object('account', $2::text,
               'cutoff', ${cutoffText})::text as line
      union all
      select 2, coalesce(account, '') || ' ' || coalesce(type, '') || ' ' || state,
             jsonb_build_object('ledger_account', account, 'type', type, 'state', state, 'lines', sum(lines),
               'stripe_minor', coalesce(sum(stripe_minor), 0), 'ledger_minor', coalesce(sum(ledger_minor), 0))::text
        from reconciliation_lines
       where ($3::timestamptz is null or coalesce(stripe_at, occurred_at) < $3::timestamptz) and state <> 'nothing_moved'
       group by account, type, state
      union all
      select 3, account,
             jsonb_build_object('balance', account, 'stripe_minor', coalesce(sum(stripe_minor), 0),
               'ledger_minor', coalesce(sum(ledger_minor), 0))::text
        from reconciliation_lines
       where ($3::timestamptz is null or coalesce(stripe_at, occurred_at) < $3::timestamptz) and account is not null
       group by account
      union all
      select 4, type || ' ' || key,
             jsonb_build_object('difference', type, 'key', key, 'difference_minor', difference_minor, 'currency', currency)::text
        from reconciliation_findings
       where run_id = $1 and connected_account_id = $2
         and type in ('missing_in_ledger', 'missing_at_stripe', 'orphan_transfer', 'amount_differs', 'currency_differs', 'duplicate')
         and ($3::timestamptz is null or occurred_at < $3::timestamptz)
    ) as lines`;
