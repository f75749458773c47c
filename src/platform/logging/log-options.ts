import type { Options } from 'pino-http';
import { Config } from '../config/config';
import { LogContext } from './log-context';

// Names under which something secret could travel. Whole payloads are never logged; this is the second lock, not the first.
const secretNames = [
  'authorization',
  'cookie',
  'secret',
  'secrets',
  'password',
  'passcode',
  'token',
  'api_key',
  'apiKey',
  'key',
  'number',
  'cvc',
  'client_secret',
  'ephemeral_key',
];

// What the framework tells about itself at every start: a line per route, of no use to anybody who runs the service.
const chatter = new Set(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication']);
const infoLevel = 30;

/** How lines are written: context fields from the asynchronous chain, names of secrets blanked, errors without their parameters. */
export function logOptions(config: Pick<Config, 'logLevel'>, context: LogContext): Options {
  return {
    level: config.logLevel,
    autoLogging: false,
    base: null,
    timestamp: () => `,"time":"${isoTime()}"`,
    formatters: { level: (label) => ({ level: label }) },
    mixin: () => ({ ...context.fields }),
    redact: {
      paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '[redacted]',
    },
    serializers: { err: serializeError },
    hooks: {
      logMethod(parameters, write, level) {
        const [fields] = parameters as unknown[];
        const { context: source } = (typeof fields === 'object' && fields !== null ? fields : {}) as {
          context?: unknown;
        };
        if (level === infoLevel && typeof source === 'string' && chatter.has(source)) return;
        write.apply(this, parameters);
      },
    },
  };
}

/** An error as it may be logged. Not its other properties: a database error carries the parameters of its statement, which may be personal data. */
export function serializeError(error: unknown): object {
  if (!(error instanceof Error))
    return { type: typeof error, message: typeof error === 'string' ? error : 'not an error' };
  const { code, cause, constraint } = error as { code?: unknown; cause?: unknown; constraint?: unknown };
  return {
    type: error.constructor.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    ...(cause instanceof Error ? { cause: serializeError(cause) } : {}),
  };
}

/** The machine's time, not the service's clock: a line says when it was written. */
function isoTime(): string {
  return new Date(performance.timeOrigin + performance.now()).toISOString();
}
