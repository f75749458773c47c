import { HttpException, NotFoundException } from '@nestjs/common';
import { IdempotencyKeyReused, MethodNotAllowed, ValidationFailed } from './http.errors';
import { toProblemAnswer } from './problem.policy';

const postgresError = (code: string) =>
  Object.assign(new Error('driver'), { driverError: Object.assign(new Error('inner'), { code }) });

describe('problem details', () => {
  it('repeat a refusal with its code, its sentence and its fields', () => {
    const { problem } = toProblemAnswer(
      new ValidationFailed([{ pointer: '/amount', detail: 'is required' }]),
      'request_1',
    );

    expect(problem).toEqual({
      type: 'urn:disburse:problem:validation_failed',
      title: 'Bad Request',
      status: 400,
      detail: 'One field of the request is not valid.',
      code: 'validation_failed',
      request_id: 'request_1',
      errors: [{ pointer: '/amount', detail: 'is required' }],
    });
    expect(toProblemAnswer(new IdempotencyKeyReused(), 'r').problem).toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
    });
  });

  it('say nothing about what nobody foresaw', () => {
    const answer = toProblemAnswer(new TypeError("Cannot read properties of undefined (reading 'password')"), 'r');

    expect(answer.problem).toMatchObject({ status: 500, code: 'internal_error' });
    expect(JSON.stringify(answer.problem)).not.toContain('password');
    expect(answer.isUnexpected).toBe(true);
    expect(toProblemAnswer(new HttpException('secret', 502), 'r').problem).toMatchObject({ status: 500 });
    expect(toProblemAnswer('thrown text', 'r').problem).toMatchObject({ status: 500 });
  });

  it.each(['57P01', '08006', '53300'])('ask to come back when the database is away (%s)', (code) => {
    const answer = toProblemAnswer(postgresError(code), 'r');

    expect(answer.problem).toMatchObject({ status: 503, code: 'database_unavailable' });
    expect(answer.headers).toMatchObject({ 'retry-after': '5' });
  });

  it.each([
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    new AggregateError([Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })]),
    new Error('Connection terminated unexpectedly'),
    new Error('timeout exceeded when trying to connect'),
  ])('know the other ways a database is away', (error) => {
    expect(toProblemAnswer(error, 'r').problem.status).toBe(503);
  });

  it('tell a deadlock from an outage, and a bug from both', () => {
    expect(toProblemAnswer(postgresError('40P01'), 'r').problem.code).toBe('database_busy');
    expect(toProblemAnswer(postgresError('22021'), 'r').problem.status).toBe(400);
    expect(toProblemAnswer(postgresError('23505'), 'r').problem.status).toBe(500);
  });

  it('name the methods that are possible', () => {
    const answer = toProblemAnswer(new MethodNotAllowed('PUT', ['GET', 'POST']), 'r');

    expect(answer).toMatchObject({ problem: { status: 405 }, headers: { allow: 'GET, POST' } });
    expect(toProblemAnswer(new NotFoundException('Cannot GET /secret'), 'r').problem.detail).not.toContain('secret');
  });
});
