import { DomainError, FieldError, NotFoundError } from '../shared/domain-error';

export class PayoutBatchNotFound extends NotFoundError {
  constructor(id: string) {
    super('payout_batch', id);
  }
}

/** The file is not what its type says: no UTF-8, an open quote, a column nobody knows. */
export class BatchMalformed extends DomainError {
  readonly code = 'batch_malformed';
  readonly status = 400;

  constructor(detail: string, errors?: readonly FieldError[]) {
    super(detail, errors);
  }
}

export class BatchEmpty extends DomainError {
  readonly code = 'batch_empty';
  readonly status = 422;

  constructor() {
    super('The batch has no rows.');
  }
}

export class BatchTooLong extends DomainError {
  readonly code = 'batch_too_long';
  readonly status = 422;

  constructor(most: number) {
    super(`A batch has at most ${most} rows. Send the rest as another batch.`);
  }
}

export class BatchTooLarge extends DomainError {
  readonly code = 'body_too_large';
  readonly status = 413;

  constructor(bytesMax: number) {
    super(`A batch has at most ${bytesMax} bytes.`);
  }
}

/** Rows break rules, so nothing was accepted. `errors` names row, field and rule of the first hundred; `error_count` counts all. */
export class BatchInvalid extends DomainError {
  readonly code = 'batch_invalid';
  readonly status = 422;

  constructor(errors: readonly FieldError[], rowCount: number) {
    const rows = new Set(errors.map(({ row }) => row)).size;
    super(`${rows} of ${rowCount} rows cannot be accepted, so none was.`, errors.slice(0, 100));
    this.details = { error_count: errors.length, row_count: rowCount };
  }
}
