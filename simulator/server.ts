import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ensurePlatformAccount } from './accounts';
import { concludeAbandoned } from './authorization-requests';
import { readKey, refuseUnlessTestKey } from './api-keys';
import { readBooks } from './books';
import { realNowMs, toSeconds } from './clock';
import { findControl } from './control';
import { Database } from './database';
import { type Decision, DecisionDesk, type Question } from './decisions';
import { Deferred, type Answer } from './deferred';
import { Dispatcher } from './dispatcher';
import { answerElements } from './elements';
import { ApiError, noAccess, unrecognizedUrl } from './errors';
import { expandAnswer } from './expand';
import { type AuthorizationFault, Faults, type RequestFault } from './faults';
import { type FormHash, parseForm } from './form';
import { failureFrom, type Incoming, jsonFrom, type Outgoing, readIncoming, send } from './http-messages';
import { hashParameters, Idempotency, type KeyedRequest } from './idempotency';
import { newId } from './ids';
import { answerOnboarding } from './onboarding-page';
import { readParameters } from './parameters';
import { type Platform, Platforms } from './platforms';
import { type Route, Router } from './route';
import { routes } from './routes';
import { type Outside, type RequestFacts, Session } from './session';
import { stripesOwnFault, tooMany } from './stripes-own-faults';
import { Timekeeper } from './timekeeper';

export interface SimulatorOptions {
  /** 0: any free port. */
  port: number;
  host?: string;
  /** Where its state lives; without it, in memory. */
  dataDir?: string;
  /** Adds up all books after every request and fails the request that broke them. For tests. */
  checkBooks?: boolean;
}

export interface RunningSimulator {
  url: string;
  close(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions): Promise<RunningSimulator> {
  const simulator = new Simulator(options);
  try {
    const url = await simulator.listen();
    return { url, close: () => simulator.close() };
  } catch (error) {
    await simulator.close();
    throw new Error(whyItCannotListen(options, error as NodeJS.ErrnoException), { cause: error });
  }
}

function whyItCannotListen({ port, host = '127.0.0.1' }: SimulatorOptions, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} of ${host} is taken: choose another, or 0 for any that is free`;
    case 'EACCES':
      return `Port ${port} of ${host} is not allowed to this user: choose one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no address of this machine`;
    default:
      return error.message;
  }
}

class Simulator implements Outside {
  readonly decisions = new DecisionDesk();
  private readonly db: Database;
  private readonly platforms: Platforms;
  private readonly faults: Faults;
  private readonly idempotency: Idempotency;
  private readonly timekeeper: Timekeeper;
  private readonly dispatcher: Dispatcher;
  private readonly router = new Router(routes);
  private readonly server: Server;
  private address = '';

  constructor(private readonly options: SimulatorOptions) {
    this.db = new Database(options.dataDir);
    this.platforms = new Platforms(this.db);
    this.faults = new Faults(this.db);
    this.idempotency = new Idempotency(this.db);
    const sessionFor = (platform: Platform, account: string) => this.session(platform, account, null);
    this.timekeeper = new Timekeeper(this.db, this.platforms, sessionFor);
    this.dispatcher = new Dispatcher(this.db, this.platforms, this.faults, sessionFor);
    this.server = createServer((request, response) => void this.serve(request, response));
    this.server.keepAliveTimeout = 60_000;
  }

  get baseUrl(): string {
    return this.address;
  }

  wakeDeliveries(): void {
    this.dispatcher.wakeSoon();
  }

  wakeSchedule(): void {
    this.timekeeper.wakeSoon();
  }

  takeNetworkFault(session: Session): AuthorizationFault | undefined {
    return this.faults.takeNetwork(session.platform);
  }

  /** The question to the real-time endpoint, unless a fault makes it late or lost. */
  async askDecider(session: Session, question: Question): Promise<Decision> {
    const fault = this.faults.takeAnswer(session.platform);
    if (!fault) return this.decisions.ask(question);
    const delayMs = Math.min(fault.delay_ms ?? question.timeoutMs, question.timeoutMs);
    if (fault.action === 'absent') {
      await sleep(question.timeoutMs);
      return { kind: 'timeout' };
    }
    // The endpoint is asked in time and decides; it is its answer that is on its way for so long.
    const [decision] = await Promise.all([this.decisions.ask(question), sleep(delayMs)]);
    return delayMs === question.timeoutMs && decision.kind !== 'concluded' ? { kind: 'timeout' } : decision;
  }

  async listen(): Promise<string> {
    const { port, host = '127.0.0.1' } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, resolve);
    });
    this.address = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${(this.server.address() as AddressInfo).port}`;
    this.pickUpWhereItStopped();
    return this.address;
  }

  private pickUpWhereItStopped(): void {
    for (const platform of this.platforms.all()) {
      const accounts = this.db.all<{ id: string }>(
        `select distinct account as id from objects where kind = 'issuing.authorization'
         and json_extract(hidden, '$.awaits_decision') = 1 and account in (select id from accounts where platform = ?)`,
        platform.id,
      );
      for (const { id } of accounts) this.db.transaction(() => concludeAbandoned(this.session(platform, id, null)));
    }
    this.timekeeper.wake();
    this.dispatcher.wake();
  }

  async close(): Promise<void> {
    this.timekeeper.stop();
    this.dispatcher.stop();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
    this.db.close();
  }

  private session(platform: Platform, account: string, request: RequestFacts | null): Session {
    return new Session(this.db, this, platform, account, request);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const id = newId('req').slice(0, 18);
    try {
      const incoming = await readIncoming(request, id);
      const outgoing = await this.answer(incoming);
      if (outgoing === 'drop') request.socket.destroy();
      else send(request, response, id, outgoing);
    } catch (error) {
      if (!(error instanceof ApiError)) process.stderr.write(`simulator: ${(error as Error).stack}\n`);
      send(request, response, id, failureFrom(error, id));
    }
  }

  private async answer(incoming: Incoming): Promise<Outgoing | 'drop'> {
    const { method, path } = incoming;
    const page =
      answerOnboarding(this.publicSession, this.db, incoming) ??
      answerElements(this.publicSession, this.platforms, incoming);
    if (page) return page;
    const platform = this.authenticate(incoming);
    if (path.startsWith('/_simulator/')) return this.control(platform, incoming);

    const account = incoming.header('stripe-account') ?? platform.id;
    const fault = this.faults.takeRequest(platform, method, path, account);
    if (fault) {
      if (fault.action === 'drop_before') return 'drop';
      if (fault.action === 'delay') await sleep(fault.delay_ms ?? 1000);
      if (fault.action === 'rate_limit' || fault.action === 'lock_timeout') throw tooMany(fault);
    }
    if (fault?.action !== 'drop_after') return this.api(platform, account, incoming, fault);
    // Whatever came of it, nobody hears of it.
    await this.api(platform, account, incoming, fault).catch(() => undefined);
    return 'drop';
  }

  /** For the pages a browser opens: no key, but an account or a card that belongs to a platform. */
  private readonly publicSession = (account: string): Session | undefined => {
    const owner = this.platforms.findOwner(account);
    return owner === undefined ? undefined : this.session(this.platforms.get(owner), account, null);
  };

  private authenticate(incoming: Incoming): Platform {
    const key = readKey(incoming.header('authorization'));
    const known = this.platforms.find(key);
    if (known) return known;
    refuseUnlessTestKey(key);
    return this.db.transaction(() => {
      const platform = this.platforms.open(key, toSeconds(realNowMs()));
      ensurePlatformAccount(this.session(platform, platform.id, null));
      return platform;
    });
  }

  private async control(platform: Platform, incoming: Incoming): Promise<Outgoing> {
    const { method, path } = incoming;
    const session = this.accountSession(platform, incoming.header('stripe-account') ?? platform.id, incoming);
    const { control, id } = findControl(method, path);
    const body = jsonFrom(incoming.body);
    const controls = {
      platforms: this.platforms,
      faults: this.faults,
      timekeeper: this.timekeeper,
      dispatcher: this.dispatcher,
    };
    const run = (): object | Promise<object> =>
      control(controls, session, body, id, new URLSearchParams(incoming.query));
    // Moving the clock commits job by job; waiting for deliveries must not hold the database.
    const answer = path.includes('/clock/') || path.includes('/deliveries') ? await run() : this.db.transaction(run);
    if (path === '/_simulator/reset') this.db.transaction(() => ensurePlatformAccount(session));
    if (this.options.checkBooks && method !== 'GET') refuseBrokenBooks(session);
    return { status: 200, body: JSON.stringify(answer, null, 2), headers: {} };
  }

  private accountSession(platform: Platform, account: string, incoming: Incoming): Session {
    if (account !== platform.id && !this.platforms.has(platform, account)) throw noAccess(platform, account);
    const facts = {
      id: incoming.id,
      idempotencyKey: incoming.method === 'POST' ? (incoming.header('idempotency-key') ?? null) : null,
      apiVersion: incoming.header('stripe-version') ?? null,
    };
    return this.session(platform, account, facts);
  }

  private async api(
    platform: Platform,
    account: string,
    incoming: Incoming,
    fault: RequestFault | undefined,
  ): Promise<Outgoing> {
    const { method, path } = incoming;
    const session = this.accountSession(platform, account, incoming);
    checkVersion(session.request?.apiVersion ?? null);
    const found = this.router.find(method, path);
    if (!found) throw unrecognizedUrl(method, path);
    refuseJson(incoming);
    const form = parseForm(
      method === 'POST' ? [incoming.query, incoming.body].filter(Boolean).join('&') : incoming.query,
    );
    const keyed = keyedRequest(session, incoming, form);
    const replay = keyed && this.idempotency.begin(keyed, session.now);
    if (replay) {
      return {
        status: replay.status,
        body: replay.body,
        headers: { 'Idempotent-Replayed': 'true', 'Original-Request': replay.request_id },
      };
    }
    try {
      return await this.execute(session, found.route, found.ids, form, keyed, fault);
    } catch (error) {
      const failure = failureFrom(error, incoming.id);
      if (keyed && error instanceof ApiError && error.executed) this.keep(keyed, session, failure);
      throw error;
    } finally {
      if (keyed) this.idempotency.end(keyed);
    }
  }

  private async execute(
    session: Session,
    route: Route,
    ids: string[],
    form: FormHash,
    keyed: KeyedRequest | undefined,
    fault: RequestFault | undefined,
  ): Promise<Outgoing> {
    route.guard(session);
    const params = readParameters(route.shape, form);
    const { expand = [], ...rest } = params as { expand?: string[] };
    if (fault?.action === 'error_500_before') throw stripesOwnFault();
    let step: () => Answer = () => route.handle(session, rest as never, ...ids);
    for (;;) {
      const result = this.db.transaction((): Outgoing | Deferred => {
        const answer = step();
        if (answer instanceof Deferred) return answer;
        const expanded = expandAnswer(session, answer, expand, route.revealsCard);
        if (this.options.checkBooks) refuseBrokenBooks(session);
        const outgoing =
          fault?.action === 'error_500_after'
            ? failureFrom(stripesOwnFault(), session.request?.id ?? '')
            : { status: 200, body: JSON.stringify(expanded, null, 2), headers: {} };
        if (keyed) this.keep(keyed, session, outgoing);
        return outgoing;
      });
      if (!(result instanceof Deferred)) return result;
      step = await result.until();
    }
  }

  private keep(keyed: KeyedRequest, session: Session, { status, body }: Outgoing): void {
    this.idempotency.keep(keyed, { status, body, request_id: session.request?.id ?? '' }, session.now);
  }
}

function keyedRequest(session: Session, incoming: Incoming, form: FormHash): KeyedRequest | undefined {
  const key = session.request?.idempotencyKey ?? null;
  if (key === null) return undefined;
  return {
    account: session.account,
    key,
    request: `${incoming.method} ${incoming.path}`,
    paramsHash: hashParameters(form),
  };
}

function refuseJson(incoming: Incoming): void {
  if (incoming.body === '' || incoming.header('content-type')?.startsWith('application/json') !== true) return;
  const message =
    'Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any questions, we can help at https://support.stripe.com/.';
  throw new ApiError(400, { type: 'invalid_request_error', message }, { executed: false });
}

function checkVersion(version: string | null): void {
  // Betas follow after a semicolon.
  if (version === null || /^\d{4}-\d{2}-\d{2}(\.\w+)?(;.*)?$/.test(version)) return;
  throw new ApiError(
    400,
    { type: 'invalid_request_error', message: `Invalid Stripe API version: ${version}` },
    { executed: false },
  );
}

function refuseBrokenBooks(session: Session): void {
  const { problems } = readBooks(session);
  if (problems.length > 0) throw new Error(`The books no longer add up: ${problems.join('; ')}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
