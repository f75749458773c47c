import { DomainError, NotFoundError } from '../shared/domain-error';

export class ReconciliationRunNotFound extends NotFoundError {
  constructor(id: string) {
    super('reconciliation_run', id);
  }
}

export class ReconciliationBreakNotFound extends NotFoundError {
  constructor(id: string) {
    super('reconciliation_break', id);
  }
}

export class ReconciliationBreakNotOpen extends DomainError {
  readonly code = 'reconciliation_break_not_open';
  readonly status = 409;

  constructor(found: { id: string; status: string }) {
    super(`Reconciliation break ${found.id} is ${found.status} already.`);
  }
}

/** What has not happened yet cannot be compared, and a report over it could not be made again. */
export class CutoffInFuture extends DomainError {
  readonly code = 'cutoff_in_future';
  readonly status = 422;

  constructor() {
    super('The cut-off lies in the future.', [{ pointer: '/cutoff', detail: 'must not lie in the future' }]);
  }
}

/** The report exists once the run has completed. */
export class ReconciliationRunUnfinished extends DomainError {
  readonly code = 'reconciliation_run_unfinished';
  readonly status = 409;

  constructor(run: { id: string; status: string }) {
    super(`Reconciliation run ${run.id} is ${run.status}: it has no report.`);
  }
}
