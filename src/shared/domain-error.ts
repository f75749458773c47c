/**
 * What is wrong with one field of a request. `pointer` is a JSON pointer into the body (RFC 6901) or `?name` for a query parameter;
 * in a batch, into the row with the number `row`, counted from one.
 */
export type FieldError = Readonly<{ row?: number; pointer: string; detail: string; code?: string }>;

/**
 * A refusal with a stable code, an HTTP status and a sentence for a person. Answered as problem details (RFC 9457);
 * anything else that is thrown is a bug and answers 500 with nothing leaked.
 */
export abstract class DomainError extends Error {
  abstract readonly code: string;
  abstract readonly status: number;
  readonly errors?: readonly FieldError[];
  /** Members that the answer has beside the standard ones (RFC 9457 section 3.2): figures a program can use. */
  details?: Readonly<Record<string, unknown>>;

  constructor(message: string, errors?: readonly FieldError[]) {
    super(message);
    this.name = new.target.name;
    if (errors) this.errors = errors;
  }
}

/** Nothing of that kind has this id. Code `<what>_not_found`, status 404. */
export abstract class NotFoundError extends DomainError {
  readonly code: string;
  readonly status = 404;

  constructor(what: string, id: string) {
    super(`There is no ${what.replaceAll('_', ' ')} ${id}.`);
    this.code = `${what}_not_found`;
  }
}

/** A field breaks a rule that its shape alone does not show. Status 422, one pointer at least. */
export class InvalidFields extends DomainError {
  readonly code = 'invalid_fields';
  readonly status = 422;

  constructor(errors: readonly FieldError[]) {
    super(errors.map((error) => `${error.pointer}: ${error.detail}`).join(' '), errors);
  }
}
