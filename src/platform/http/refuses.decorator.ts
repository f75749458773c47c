import { ApiExtension } from '@nestjs/swagger';

/**
 * The codes with which a route refuses beside those that every route has (key, role, shape, rate, database) and the `…_not_found` of
 * its path. One line a status. They go into the OpenAPI document; the tests fail on an answer whose code is not there.
 */
export const Refuses = (status: 400 | 403 | 404 | 409 | 413 | 415 | 422 | 503, ...codes: string[]): MethodDecorator =>
  ApiExtension(`x-refuses-${status}`, codes);

/**
 * How a change takes `Idempotency-Key`: `optional` unless said otherwise. `required`: refused without one. `none`: repeating it
 * changes nothing more, so the header has no meaning.
 */
export const ApiIdempotency = (use: 'required' | 'none'): MethodDecorator => ApiExtension('x-idempotency-key', use);

/** Examples of a body that comes in several media types; of JSON they are made from the schema. */
export const ApiBodyExamples = (byMediaType: Readonly<Record<string, string>>): MethodDecorator =>
  ApiExtension('x-body-examples', byMediaType);
