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

/** Only a difference of an amount on a seller's account can be corrected by an entry. */
export class CorrectionNotPossible extends DomainError {
  readonly code = 'correction_not_possible';
  readonly status = 409;

  constructor(found: { id: string; type: string }) {
    super(
      `Reconciliation break ${found.id} (${found.type}) names no amount on a seller's account that an entry could correct.`,
    );
  }
}

export class CorrectionNotProposed extends DomainError {
  readonly code = 'correction_not_proposed';
  readonly status = 409;

  constructor(id: string) {
    super(`Nobody has proposed a correcting entry for reconciliation break ${id}.`);
  }
}

/** Two people: who proposes a correcting entry does not approve it. */
export class CorrectionNeedsAnotherKey extends DomainError {
  readonly code = 'correction_needs_another_key';
  readonly status = 409;

  constructor(id: string) {
    super(
      `The correcting entry of reconciliation break ${id} was proposed with this key or one of the same hand: another must approve it.`,
    );
  }
}
