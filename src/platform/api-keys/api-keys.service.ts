import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../shared/clock';
import { InvalidFields } from '../../shared/domain-error';
import { newId } from '../../shared/ids';
import { AuditLog } from '../audit-log/audit-log.service';
import { Config } from '../config/config';
import { Database, Tx } from '../database/database';
import { ApiKeyRole, apiKeyRoles, AuthenticatedKey } from '../http/request.types';
import { ApiKey } from './api-key.entity';
import {
  ApiKeyExpired,
  ApiKeyInvalid,
  ApiKeyNotActive,
  ApiKeyNotFound,
  ApiKeyRevoked,
  LastAdminKey,
} from './api-key.errors';
import { hashKey, hintOf, isWellFormedKey, makeKey } from './api-key.policy';
import { ApiKeysRepository } from './api-keys.repository';

const lastUsedPrecisionMs = 60_000;
const defaultOverlapSeconds = 24 * 3600;
const importedKeyLengthMin = 24;

export interface CreateApiKey {
  readonly name: string;
  readonly role: ApiKeyRole;
  readonly expiresAt?: Date | undefined;
  readonly createdByApiKeyId?: string | undefined;
  /** Of the key it succeeds. */
  readonly familyId?: string | undefined;
}

/** A key that was just made: the only moment its text is known. */
export type MadeApiKey = Readonly<{ apiKey: ApiKey; key: string }>;

/** Keys that let callers in: made, checked, rotated, revoked. Only hashes are stored. */
@Injectable()
export class ApiKeysService {
  private readonly logger = new Logger('api-keys');

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly database: Database,
    private readonly repository: ApiKeysRepository,
    private readonly auditLog: AuditLog,
  ) {}

  async create(tx: Tx, request: CreateApiKey): Promise<MadeApiKey> {
    if (request.expiresAt && request.expiresAt <= this.clock.now()) {
      throw new InvalidFields([{ pointer: '/expires_at', detail: 'must be in the future', code: 'in_the_past' }]);
    }
    return this.insert(tx, makeKey(this.config.isLiveMode), request);
  }

  /**
   * Whose key this is.
   * @throws {ApiKeyInvalid | ApiKeyRevoked | ApiKeyExpired}
   */
  async authenticate(key: string): Promise<AuthenticatedKey> {
    // Mistyped ones stop here. Imported keys may have another shape.
    if (key.length < importedKeyLengthMin || key.length > 255 || (key.startsWith('dsb_') && !isWellFormedKey(key))) {
      throw new ApiKeyInvalid();
    }
    const found = await this.repository.findByHash(hashKey(key));
    if (!found) throw new ApiKeyInvalid();
    const now = this.clock.now();
    if (found.revokedAt) throw new ApiKeyRevoked();
    if (found.expiresAt && found.expiresAt <= now) throw new ApiKeyExpired();
    await this.noteUse(found.id, found.lastUsedAt, now);
    return { id: found.id, role: found.role, familyId: found.familyId };
  }

  /**
   * Whether both keys may be in one hand: they are of one line of rotations, or the first was made or rotated, at whatever remove, with
   * the second, which was shown its text. Four eyes need two hands.
   */
  async isOneHand(tx: Tx, id: string, otherId: string): Promise<boolean> {
    return this.repository.isOneHand(tx, id, otherId);
  }

  /** Whether the key was ended by hand; one that a successor replaced was not. */
  async isRevoked(tx: Tx, id: string): Promise<boolean> {
    return this.repository.isRevoked(tx, id);
  }

  async list(limit: number, startingAfter?: string): Promise<ApiKey[]> {
    return this.repository.list(limit, startingAfter);
  }

  /** @throws {ApiKeyNotFound} */
  async get(id: string): Promise<ApiKey> {
    const apiKey = await this.repository.find(id);
    if (!apiKey) throw new ApiKeyNotFound(id);
    return apiKey;
  }

  /** Ends a key at once. A second time changes nothing. @throws {ApiKeyNotFound | LastAdminKey} */
  async revoke(tx: Tx, id: string): Promise<ApiKey> {
    const now = this.clock.now();
    // Before the key itself, so that every revocation locks in the same order.
    const admins = await this.repository.lockActiveAdminIds(tx, now);
    const apiKey = await this.repository.lock(tx, id);
    if (!apiKey) throw new ApiKeyNotFound(id);
    if (apiKey.revokedAt) return apiKey;
    if (admins.length === 1 && admins[0] === id) throw new LastAdminKey();
    await this.repository.revoke(tx, id, now);
    return { ...apiKey, revokedAt: now };
  }

  /**
   * Makes a successor with the same name, role and no expiry; the old key works on for the overlap, so callers can change over.
   * @throws {ApiKeyNotFound | ApiKeyNotActive}
   */
  async rotate(tx: Tx, id: string, overlapSeconds: number | undefined, byApiKeyId?: string): Promise<MadeApiKey> {
    const now = this.clock.now();
    const old = await this.repository.lock(tx, id);
    if (!old) throw new ApiKeyNotFound(id);
    if (old.revokedAt || (old.expiresAt && old.expiresAt <= now)) throw new ApiKeyNotActive();
    const made = await this.create(tx, {
      name: old.name,
      role: old.role,
      createdByApiKeyId: byApiKeyId,
      familyId: old.familyId,
    });
    await this.repository.expire(tx, id, new Date(now.getTime() + (overlapSeconds ?? defaultOverlapSeconds) * 1_000));
    return made;
  }

  /**
   * The first keys of an installation: imports the given admin key, and makes one key for each role that has none that works.
   * Safe to call from every replica at every start. Answers only what it just made; nothing else knows those texts.
   * @throws {Error} when the given admin key is too short or mistyped
   */
  async ensureBootstrap(options: {
    readonly adminKey?: string | undefined;
    readonly makeOnePerRole: boolean;
  }): Promise<{ role: ApiKeyRole; key: string }[]> {
    const { adminKey } = options;
    if (adminKey !== undefined) assertImportable(adminKey);
    return this.database.transaction(async (tx) => {
      await this.repository.lockBootstrap(tx);
      const recordKey = ({ apiKey }: MadeApiKey) =>
        this.auditLog.recordSystem(tx, { action: 'api_key.create', objectType: 'api_key', objectId: apiKey.id });
      if (adminKey !== undefined && !(await this.repository.findByHash(hashKey(adminKey)))) {
        await recordKey(await this.insert(tx, adminKey, { name: 'bootstrap admin (imported)', role: 'admin' }));
      }
      if (!options.makeOnePerRole) return [];
      const served = new Set(await this.repository.activeRoles(tx, this.clock.now()));
      const made: { role: ApiKeyRole; key: string }[] = [];
      for (const role of apiKeyRoles.filter((candidate) => !served.has(candidate))) {
        const bootstrapped = await this.create(tx, { name: `bootstrap ${role}`, role });
        await recordKey(bootstrapped);
        made.push({ role, key: bootstrapped.key });
      }
      return made;
    });
  }

  private async insert(tx: Tx, key: string, request: CreateApiKey): Promise<MadeApiKey> {
    const id = newId('key');
    const apiKey: ApiKey = {
      id,
      familyId: request.familyId ?? id,
      name: request.name,
      role: request.role,
      keyHash: hashKey(key),
      hint: hintOf(key),
      createdAt: this.clock.now(),
      createdByApiKeyId: request.createdByApiKeyId ?? null,
      expiresAt: request.expiresAt ?? null,
      revokedAt: null,
      lastUsedAt: null,
    };
    await this.repository.insert(tx, apiKey);
    return { apiKey, key };
  }

  /** At most once a minute and key: a busy key must not make its row a bottleneck. */
  private async noteUse(id: string, lastUsedAt: Date | null, now: Date): Promise<void> {
    const olderThan = new Date(now.getTime() - lastUsedPrecisionMs);
    if (lastUsedAt && lastUsedAt >= olderThan) return;
    try {
      await this.repository.touch(id, now, olderThan);
    } catch (error) {
      // Knowing when a key was used is worth less than answering.
      this.logger.warn({ err: error, api_key_id: id }, 'The last use of a key could not be noted.');
    }
  }
}

function assertImportable(key: string): void {
  if (key.length < importedKeyLengthMin || key.length > 255 || !/^[\x21-\x7e]+$/.test(key)) {
    throw new Error(`BOOTSTRAP_ADMIN_KEY must be ${importedKeyLengthMin} to 255 printable characters without spaces.`);
  }
  if (key.startsWith('dsb_') && !isWellFormedKey(key)) {
    throw new Error(
      'BOOTSTRAP_ADMIN_KEY begins like a key of this service, but its checksum does not fit: it was mistyped.',
    );
  }
}
