import type { Database } from './database';
import { derivedId } from './ids';
import { defaultSettings, type Settings } from './settings';

/** The owner of one secret key: a Stripe platform with its own accounts, books, clock and settings. */
export interface Platform {
  readonly id: string;
  readonly publishableKey: string;
  readonly secretKey: string;
  readonly created: number;
  clockOffsetMs: number;
  settings: Settings;
}

interface PlatformRecord {
  id: string;
  secret_key: string;
  created: number;
  clock_offset_ms: number;
  settings: string;
}

/** Platforms by their key. A key never seen before opens a new one. */
export class Platforms {
  private readonly bySecret = new Map<string, Platform>();
  private readonly byPublishable = new Map<string, Platform>();
  private readonly byId = new Map<string, Platform>();

  constructor(private readonly db: Database) {
    for (const record of db.all<PlatformRecord>('select * from platforms')) this.remember(record);
  }

  all(): Platform[] {
    return [...this.byId.values()];
  }

  find(secretKey: string): Platform | undefined {
    return this.bySecret.get(secretKey);
  }

  findByPublishableKey(key: string): Platform | undefined {
    return this.byPublishable.get(key);
  }

  get(id: string): Platform {
    const platform = this.byId.get(id);
    if (!platform) throw new Error(`No platform ${id}`);
    return platform;
  }

  open(secretKey: string, now: number): Platform {
    const record = {
      id: derivedId('acct', secretKey, 16),
      secret_key: secretKey,
      created: now,
      clock_offset_ms: 0,
      settings: '{}',
    };
    this.db.run(
      'insert into platforms (id, secret_key, created) values (?, ?, ?)',
      ...[record.id, record.secret_key, record.created],
    );
    this.db.run('insert into accounts (id, platform) values (?, ?)', record.id, record.id);
    return this.remember(record);
  }

  /** The platform an account belongs to. */
  findOwner(account: string): string | undefined {
    return this.db.find<{ platform: string }>('select platform from accounts where id = ?', account)?.platform;
  }

  /** Whether it is an account of the platform's, and not deleted. */
  has(platform: Platform, account: string): boolean {
    const sql = "select 1 from objects where account = ? and kind = 'account' and id = ?";
    return this.db.find(sql, platform.id, account) !== undefined;
  }

  moveClock(platform: Platform, offsetMs: number): void {
    this.db.run('update platforms set clock_offset_ms = ? where id = ?', offsetMs, platform.id);
    platform.clockOffsetMs = offsetMs;
  }

  changeSettings(platform: Platform, change: Partial<Settings>): void {
    const settings = { ...platform.settings, ...change };
    this.db.run('update platforms set settings = ? where id = ?', JSON.stringify(settings), platform.id);
    platform.settings = settings;
  }

  /** Forgets everything the platform owns; its key, its publishable key and its account id stay. */
  reset(platform: Platform): void {
    const owned = '(select id from accounts where platform = ?)';
    for (const table of ['objects', 'object_fields', 'balances', 'counterparts', 'spending', 'idempotency']) {
      this.db.run(`delete from ${table} where account in ${owned}`, platform.id);
    }
    for (const table of ['due', 'deliveries', 'faults', 'accounts']) {
      this.db.run(`delete from ${table} where platform = ?`, platform.id);
    }
    this.db.run('insert into accounts (id, platform) values (?, ?)', platform.id, platform.id);
    this.db.run("update platforms set clock_offset_ms = 0, settings = '{}' where id = ?", platform.id);
    platform.clockOffsetMs = 0;
    platform.settings = { ...defaultSettings };
  }

  private remember(record: PlatformRecord): Platform {
    const platform: Platform = {
      id: record.id,
      publishableKey: derivedId('pk_test', record.secret_key, 24),
      secretKey: record.secret_key,
      created: record.created,
      clockOffsetMs: record.clock_offset_ms,
      settings: { ...defaultSettings, ...(JSON.parse(record.settings) as Partial<Settings>) },
    };
    this.bySecret.set(platform.secretKey, platform);
    this.byPublishable.set(platform.publishableKey, platform);
    this.byId.set(platform.id, platform);
    return platform;
  }
}
