import { Writable } from 'node:stream';
import { pino } from 'pino';
import { LogContext } from './log-context';
import { logOptions } from './log-options';

function lines(work: (log: pino.Logger, context: LogContext) => void): Record<string, unknown>[] {
  const written: string[] = [];
  const context = new LogContext();
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  work(pino(logOptions({ logLevel: 'info' }, context) as pino.LoggerOptions, sink), context);
  return written.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('logs', () => {
  it('carry the job and the payout that the work belongs to', () => {
    const [line] = lines((log, context) =>
      context.run({ job: 'issue-card' }, () => context.run({ payout_id: 'payout_1' }, () => log.info('issued'))),
    );

    expect(line).toMatchObject({ level: 'info', job: 'issue-card', payout_id: 'payout_1', msg: 'issued' });
  });

  it('carry whose request it is from the moment that is known, and no further', () => {
    const written = lines((log, context) => {
      context.run({ request_id: 'request_1' }, () => {
        context.add({ api_key_id: 'key_1' });
        log.info('asked Stripe');
      });
      context.add({ api_key_id: 'key_2' });
      log.info('elsewhere');
    });

    expect(written[0]).toMatchObject({ request_id: 'request_1', api_key_id: 'key_1' });
    expect(written[1]).not.toHaveProperty('api_key_id');
  });

  it('blank what has a secret name, two levels deep', () => {
    const [line] = lines((log) =>
      log.info({ authorization: 'Bearer a', headers: { authorization: 'b' }, card: { view: { cvc: '123' } } }),
    );

    expect(JSON.stringify(line)).not.toMatch(/Bearer|"b"|123/);
  });

  it('leave out what the framework tells about itself, but not its warnings', () => {
    const written = lines((log) => {
      log.info({ context: 'RouterExplorer' }, 'Mapped {/v1/payouts, GET} route');
      log.warn({ context: 'RouterExplorer' }, 'two routes share a path');
      log.info({ context: 'payouts' }, 'settled');
    });

    expect(written.map(({ msg }) => msg)).toEqual(['two routes share a path', 'settled']);
  });

  it('show an error without the parameters of its statement', () => {
    const error = Object.assign(new Error('duplicate key'), {
      parameters: ['Jane Doe'],
      detail: 'Key (name)=(Jane Doe)',
      code: '23505',
    });

    const [line] = lines((log) => log.error({ err: error }, 'failed'));

    expect(line).toMatchObject({ err: { type: 'Error', message: 'duplicate key', code: '23505' } });
    expect(JSON.stringify(line)).not.toContain('Jane');
  });
});
