import { lookup as resolve, LookupAddress } from 'node:dns';
import { request as requestHttp, RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, LookupFunction } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config';
import { hostOf, mayReach, refusalOfUrl } from './webhook-address.policy';

/** What came back from one attempt. */
export interface SendResult {
  readonly status: number | null;
  readonly responseStart: string | null;
  /** Why there was no usable answer; null when there was one. */
  readonly error: string | null;
  readonly durationMs: number;
}

const timeoutMs = 10_000;
const responseStartMax = 500;

/** The address a name resolved to is none we may connect to. */
class AddressRefused extends Error {
  constructor() {
    super('The name resolves to a private, local or reserved address.');
  }
}

/**
 * Posts to a stranger's server, carefully: the address is checked when the connection is made, so a name that changes its mind
 * between check and use gains nothing; redirects are answers like any other and not followed; ten seconds, then the line is cut.
 */
@Injectable()
export class WebhookSender {
  private readonly allowedHosts: readonly string[];

  constructor(config: Config) {
    this.allowedHosts = config.webhookAllowedHosts;
  }

  /** Never throws: whatever happens is the result. */
  async post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<SendResult> {
    const startedAt = performance.now();
    try {
      const answer = await this.exchange(url, headers, body);
      return { ...answer, error: null, durationMs: Math.round(performance.now() - startedAt) };
    } catch (error) {
      return {
        status: null,
        responseStart: null,
        error: describe(error),
        durationMs: Math.round(performance.now() - startedAt),
      };
    }
  }

  private exchange(
    text: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<{ status: number; responseStart: string }> {
    const refusal = refusalOfUrl(text, this.allowedHosts);
    if (refusal) return Promise.reject(new Error(`The URL ${refusal}.`));
    const url = new URL(text);
    const host = hostOf(url);
    const options: RequestOptions = {
      method: 'POST',
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'Disburse-Webhooks/1',
        ...headers,
      },
      // Node does not look up an address that is already one; refusalOfUrl has judged those.
      ...(isIP(host) === 0 ? { lookup: this.vettedLookup(host) } : {}),
    };
    return new Promise((resolveAnswer, reject) => {
      const send = url.protocol === 'https:' ? requestHttps : requestHttp;
      const request = send(url, options, (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        const finish = () => {
          resolveAnswer({ status: response.statusCode ?? 0, responseStart: storable(Buffer.concat(chunks)) });
          request.destroy();
        };
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          // Enough to see what it is; a stranger's server does not decide how much we read.
          if (length >= responseStartMax * 4) finish();
        });
        response.on('end', finish);
        response.on('error', reject);
      });
      request.on('error', reject);
      // An "upgrade" ends the exchange with neither an answer nor an error.
      request.on('close', () => reject(new Error('The connection was closed without an answer.')));
      request.end(body);
    });
  }

  private vettedLookup(host: string): LookupFunction {
    return (name, options, done) => {
      resolve(name, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
        if (error) return done(error, []);
        // One bad address among good ones is no accident.
        if (addresses.length === 0 || addresses.some(({ address }) => !mayReach(host, address, this.allowedHosts))) {
          return done(new AddressRefused(), []);
        }
        if (options.all) return done(null, addresses);
        done(null, addresses[0]!.address, addresses[0]!.family);
      });
    };
  }
}

/** The first characters, fit for the database. */
function storable(bytes: Buffer): string {
  return [...bytes.toString('utf8').replaceAll('\0', '')]
    .slice(0, responseStartMax)
    .join('')
    .slice(0, responseStartMax)
    .replace(/\p{Surrogate}/gu, '');
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'The request failed.';
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return `No answer within ${timeoutMs / 1_000} seconds.`;
  const { code } = error as { code?: unknown };
  return (
    typeof code === 'string' && !error.message.includes(code) ? `${code}: ${error.message}` : error.message
  ).slice(0, 500);
}
