import { realNowMs, toSeconds } from './clock';
import type { Database } from './database';
import type { Decision, DecisionDesk, Question } from './decisions';
import { missing } from './errors';
import type { AuthorizationFault } from './faults';
import type { Kind, Kinds, Row } from './kinds';
import { nounOf, Objects } from './objects';
import type { Platform } from './platforms';
import type { Settings } from './settings';

export interface RequestFacts {
  id: string;
  idempotencyKey: string | null;
  apiVersion: string | null;
}

/** What the network outside a request needs to be told; the server provides it, so that resources do not know it. */
export interface Outside {
  /** Events were written: deliver them. */
  wakeDeliveries(): void;
  /** Work was put into the schedule. */
  wakeSchedule(): void;
  /** Where this simulator is reached, for the URLs it hands out. */
  readonly baseUrl: string;
  readonly decisions: DecisionDesk;
  /** A fault that a control has ordered for an authorization request itself. */
  takeNetworkFault(session: Session): AuthorizationFault | undefined;
  askDecider(session: Session, question: Question): Promise<Decision>;
}

/** Everything a resource does, it does as one account of one platform: a request's, or a scheduled job's. */
export class Session {
  readonly objects: Objects;

  constructor(
    readonly db: Database,
    readonly outside: Outside,
    readonly platform: Platform,
    readonly account: string,
    readonly request: RequestFacts | null,
  ) {
    this.objects = new Objects(db);
  }

  as(account: string): Session {
    return new Session(this.db, this.outside, this.platform, account, this.request);
  }

  get settings(): Settings {
    return this.platform.settings;
  }

  get isPlatform(): boolean {
    return this.account === this.platform.id;
  }

  get nowMs(): number {
    return realNowMs() + this.platform.clockOffsetMs;
  }

  get now(): number {
    return toSeconds(this.nowMs);
  }

  insert<K extends Kind>(body: Kinds[K]['body'] & { object: K }, hidden: Kinds[K]['hidden']): Row<K> {
    return this.objects.insert<K>(this.account, this.now, body, hidden);
  }

  find<K extends Kind>(kind: K, id: string): Row<K> | undefined {
    return this.objects.find(this.account, kind, id);
  }

  /** `param` names the parameter that held the id; without it the id came from the URL. */
  get<K extends Kind>(kind: K, id: string, param?: string): Row<K> {
    const row = this.find(kind, id);
    if (!row) throw missing(nounOf(kind), id, param);
    return row;
  }

  save<K extends Kind>(row: Row<K>): void {
    this.objects.save(this.account, row);
  }
}
