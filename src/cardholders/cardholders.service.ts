import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { ConnectedAccount } from '../connected-accounts/connected-account.types';
import { Database, Tx } from '../platform/database/database';
import { Encryption } from '../platform/encryption/encryption.service';
import { Events } from '../platform/events/events.service';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { InvalidFields } from '../shared/domain-error';
import { newId } from '../shared/ids';
import type { SettledStripeCall } from '../stripe/stripe-call.types';
import { StripeCallsService } from '../stripe/stripe-calls.service';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import type { StripeCardholder } from '../stripe/stripe.types';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { toCardholderView } from './cardholder.dto';
import { CardholderBusy, CardholderErased, CardholderNotFound } from './cardholder.errors';
import { CardholderEntity } from './cardholder.entity';
import { CardholderUpdated } from './cardholder.events';
import { cardholderCreateParams, cardholderErrors, cardholderUpdateParams, isEligible } from './cardholder.policy';
import { Cardholder, CardholderProfile, CardholderStatus, CardholderType } from './cardholder.types';
import { CardholderFilter, CardholdersRepository } from './cardholders.repository';

export interface NewCardholder {
  readonly connectedAccountId: string;
  readonly type: CardholderType;
  readonly profile: CardholderProfile;
}

/** What may change. Stripe fixes a cardholder's name and type when it makes it. */
export type CardholderChanges = Partial<Omit<CardholderProfile, 'name'>>;

const checksPerRound = 100;
/** What stands where the ciphertext was. */
const erasedText = 'erased';

/** Who may hold a card. Their personal data lies here encrypted, goes to Stripe, and nowhere else. */
@Injectable()
export class CardholdersService {
  constructor(
    private readonly repository: CardholdersRepository,
    private readonly database: Database,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly stripeCalls: StripeCallsService,
    private readonly gateway: StripeGateway,
    private readonly encryption: Encryption,
    private readonly outbox: OutboxService,
    private readonly events: Events,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  /** @throws {CardholderNotFound} */
  async get(id: string, tx: Tx = this.database.reader): Promise<Cardholder> {
    const row = await this.repository.find(tx, id);
    if (!row) throw new CardholderNotFound(id);
    return toCardholder(row);
  }

  /** Those of the ids that exist, by id. */
  async findMany(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Cardholder>> {
    const rows = await this.repository.findMany(tx, ids);
    return new Map(rows.map((row) => [row.id, toCardholder(row)]));
  }

  /**
   * As `get`, and the cardholder does not change before the transaction ends: a caller that stores "waits for the cardholder"
   * cannot miss the CardholderUpdated that would wake it. Take the account's share first.
   * @throws {CardholderNotFound}
   */
  async getForShare(tx: Tx, id: string): Promise<Cardholder> {
    const row = await this.repository.findForShare(tx, id);
    if (!row) throw new CardholderNotFound(id);
    return toCardholder(row);
  }

  /** Personal data, for whoever told it to us: never log it, never store it elsewhere. @throws {CardholderNotFound} */
  async getWithProfile(id: string): Promise<{ cardholder: Cardholder; profile: CardholderProfile | null }> {
    const row = await this.repository.find(this.database.reader, id);
    if (!row) throw new CardholderNotFound(id);
    return { cardholder: toCardholder(row), profile: row.erasedAt === null ? this.profileOf(row) : null };
  }

  async findByStripeCardholderId(
    stripeCardholderId: string,
    tx: Tx = this.database.reader,
  ): Promise<Cardholder | null> {
    const row = await this.repository.findByStripeCardholderId(tx, stripeCardholderId);
    return row && toCardholder(row);
  }

  /** Newest first, one more than the limit when there are more. */
  async list(filter: CardholderFilter): Promise<Cardholder[]> {
    const rows = await this.repository.list(this.database.reader, filter);
    return rows.map(toCardholder);
  }

  /**
   * Takes a cardholder on. Stripe makes it as soon as the account's card_issuing capability is active; until then it waits.
   * @throws {ConnectedAccountNotFound} {InvalidFields}
   */
  async create(tx: Tx, { connectedAccountId, type, profile }: NewCardholder): Promise<Cardholder> {
    // Shared until we commit: the account cannot become active unseen between this look and our row.
    const account = await this.connectedAccounts.getForShare(tx, connectedAccountId);
    const now = this.clock.now();
    this.assertValid(type, account, profile, now);
    const row: CardholderEntity = {
      id: newId('holder'),
      connectedAccountId,
      stripeCardholderId: null,
      type,
      status: 'requested',
      personalDataEncrypted: this.encryption.encrypt(JSON.stringify(profile)),
      stripeCallId: null,
      hasUnsentChanges: false,
      requirements: { pastDue: [], disabledReason: null },
      failureCode: null,
      failureDetail: null,
      stripeCheckedAt: null,
      erasedAt: null,
      createdAt: now,
      updatedAt: now,
    };
    await this.repository.insert(tx, row);
    if (!canIssue(account)) return toCardholder(row);
    return toCardholder(await this.intendCreate(tx, row, account.stripeAccountId, profile));
  }

  /**
   * Changes what Stripe lets be changed, and tells Stripe. One that Stripe refused to make is tried again with the new data.
   * @throws {CardholderNotFound} {InvalidFields}
   */
  async update(tx: Tx, id: string, changes: CardholderChanges): Promise<Cardholder> {
    const found = await this.repository.find(tx, id);
    if (!found) throw new CardholderNotFound(id);
    // The account first, then the cardholder: the same order everywhere, so that two never wait for each other.
    const account = await this.connectedAccounts.getForShare(tx, found.connectedAccountId);
    const row = await this.repository.findForUpdate(tx, id);
    if (!row) throw new CardholderNotFound(id);
    if (row.erasedAt !== null) throw new CardholderErased(id);
    const before = this.profileOf(row);
    const profile = { ...before, ...changes };
    this.assertValid(row.type, account, profile, this.clock.now());
    if (isDeepStrictEqual(before, profile)) return toCardholder(row);

    const personalDataEncrypted = this.encryption.encrypt(JSON.stringify(profile));
    if (row.status === 'failed') {
      const again = { status: 'requested' as const, failureCode: null, failureDetail: null };
      const waiting = await this.change(tx, row, { personalDataEncrypted, ...again });
      if (!canIssue(account)) return toCardholder(waiting);
      return toCardholder(await this.intendCreate(tx, waiting, account.stripeAccountId, profile));
    }
    const isBeingMade = row.status === 'requested' && row.stripeCallId !== null;
    const changed = await this.change(tx, row, { personalDataEncrypted, hasUnsentChanges: isBeingMade });
    if (row.stripeCardholderId !== null) await this.intendUpdate(tx, changed, profile);
    return toCardholder(changed);
  }

  /**
   * Erases the personal data here for good and has Stripe make the cardholder inactive: Stripe deletes none. Ids, states and the books
   * stay. Whoever calls has made sure that no payout needs the cardholder any more. A second time changes nothing.
   * @throws {CardholderNotFound | CardholderBusy}
   */
  async erase(tx: Tx, id: string): Promise<Cardholder> {
    const found = await this.repository.find(tx, id);
    if (!found) throw new CardholderNotFound(id);
    const account = await this.connectedAccounts.getForShare(tx, found.connectedAccountId);
    const row = await this.repository.findForUpdate(tx, id);
    if (!row) throw new CardholderNotFound(id);
    if (row.erasedAt !== null) return toCardholder(row);
    // A call that is open holds a sealed copy, and would bring it to Stripe after the person was told that it is gone.
    const calls = await this.stripeCalls.listFor(id);
    if (calls.some(({ status }) => status !== 'done' && status !== 'failed')) throw new CardholderBusy(id);
    const erased = await this.change(tx, row, {
      personalDataEncrypted: erasedText,
      erasedAt: this.clock.now(),
      hasUnsentChanges: false,
      ...(row.stripeCardholderId === null
        ? { status: 'failed' as const, failureCode: 'erased', failureDetail: 'The personal data was erased.' }
        : { failureCode: null, failureDetail: null }),
    });
    // Stripe has blocked it already: its status can no longer be changed.
    if (row.stripeCardholderId !== null && account.stripeAccountId !== null && row.status === 'active') {
      await this.stripeCalls.intend(tx, {
        kind: 'cardholder.update',
        reference: id,
        connectedAccountId: row.connectedAccountId,
        stripeAccount: account.stripeAccountId,
        lane: laneOf(id),
        params: { id: row.stripeCardholderId, status: 'inactive' },
      });
    }
    return toCardholder(erased);
  }

  /** Asks Stripe how the cardholder stands and keeps the answer. For events, which may be late, repeated or missed. */
  async refresh(id: string): Promise<void> {
    const cardholder = await this.get(id);
    const { stripeAccountId } = await this.connectedAccounts.get(cardholder.connectedAccountId);
    if (stripeAccountId === null || cardholder.stripeCardholderId === null) return;
    const askedAt = this.clock.now();
    const stripeCardholder = await this.gateway.retrieveCardholder(stripeAccountId, cardholder.stripeCardholderId);
    // Stripe deletes no cardholder: not shown means that the account left the platform, which the account's own check tells.
    if (!stripeCardholder) return;
    await this.database.transaction((tx) => this.keep(tx, id, stripeCardholder, askedAt));
  }

  /** Enqueues a check of each cardholder that waits for Stripe, so that a missed event heals. */
  async enqueueChecks(): Promise<void> {
    const due = await this.repository.listDueForCheck(this.database.reader, this.clock.now(), checksPerRound);
    if (due.length === 0) return;
    await this.database.transaction(async (tx) => {
      for (const cardholderId of due) {
        await this.jobs.enqueue(tx, 'check-cardholder', { cardholderId }, { singletonKey: cardholderId });
      }
    });
  }

  /** Has Stripe make the cardholders that waited for this account, once it may issue cards. */
  async createWaiting(connectedAccountId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const account = await this.connectedAccounts.getForShare(tx, connectedAccountId);
      if (!canIssue(account)) return;
      for (const row of await this.repository.listWaitingForUpdate(tx, connectedAccountId)) {
        await this.intendCreate(tx, row, account.stripeAccountId, this.profileOf(row));
      }
    });
  }

  /** The outcome of the call that makes the cardholder, in the transaction that stores it. */
  async settleCreate(tx: Tx, call: SettledStripeCall<'cardholder.create'>): Promise<void> {
    const row = await this.repository.findForUpdate(tx, call.reference);
    // Unknown: the call is looked into further; the cardholder stays requested until then.
    if (!row || row.status !== 'requested' || call.status === 'unknown') return;
    if (call.status === 'failed') {
      await this.change(tx, row, {
        status: 'failed',
        failureCode: call.failure.code,
        failureDetail: call.failure.detail,
        stripeCallId: null,
        hasUnsentChanges: false,
      });
      return;
    }
    const made = await this.change(tx, row, {
      ...columnsFrom(call.result),
      stripeCardholderId: call.result.stripeCardholderId,
      hasUnsentChanges: false,
      failureCode: null,
      failureDetail: null,
    });
    if (row.hasUnsentChanges) await this.intendUpdate(tx, made, this.profileOf(row));
    // Events that came before we knew this id were nobody's: look once at how it stands now.
    await this.jobs.enqueue(tx, 'check-cardholder', { cardholderId: row.id }, { singletonKey: row.id });
  }

  /** The outcome of a change, in the transaction that stores it. */
  async settleUpdate(tx: Tx, call: SettledStripeCall<'cardholder.update'>): Promise<void> {
    const row = await this.repository.findForUpdate(tx, call.reference);
    if (!row || call.status === 'unknown') return;
    if (call.status === 'failed') {
      await this.change(tx, row, { failureCode: call.failure.code, failureDetail: call.failure.detail });
      return;
    }
    await this.keepIn(tx, { ...row }, call.result, this.clock.now(), { failureCode: null, failureDetail: null });
    // The answer is as old as the call; what happened since is not in it.
    await this.jobs.enqueue(tx, 'check-cardholder', { cardholderId: row.id }, { singletonKey: row.id });
  }

  private async keep(tx: Tx, id: string, stripeCardholder: StripeCardholder, askedAt: Date): Promise<void> {
    const row = await this.repository.findForUpdate(tx, id);
    if (row) await this.keepIn(tx, row, stripeCardholder, askedAt, {});
  }

  private async keepIn(
    tx: Tx,
    row: CardholderEntity,
    stripeCardholder: StripeCardholder,
    askedAt: Date,
    also: Partial<CardholderEntity>,
  ): Promise<void> {
    // Of two answers on their way at once, the one asked for later is the newer truth.
    if (row.stripeCheckedAt !== null && row.stripeCheckedAt > askedAt) return;
    const changes = { ...columnsFrom(stripeCardholder), ...also };
    if (hasChanged(row, changes)) await this.change(tx, row, { ...changes, stripeCheckedAt: askedAt });
    else await this.repository.update(tx, row.id, { stripeCheckedAt: askedAt });
  }

  private assertValid(type: CardholderType, account: ConnectedAccount, profile: CardholderProfile, now: Date): void {
    const errors = cardholderErrors({ type, accountCountry: account.country, profile }, now);
    if (errors.length > 0) throw new InvalidFields(errors);
  }

  private async intendCreate(
    tx: Tx,
    row: CardholderEntity,
    stripeAccountId: string,
    profile: CardholderProfile,
  ): Promise<CardholderEntity> {
    const stripeCallId = await this.stripeCalls.intend(tx, {
      kind: 'cardholder.create',
      reference: row.id,
      connectedAccountId: row.connectedAccountId,
      stripeAccount: stripeAccountId,
      lane: laneOf(row.id),
      params: cardholderCreateParams(row.id, row.type, profile),
    });
    await this.repository.update(tx, row.id, { stripeCallId });
    return { ...row, stripeCallId };
  }

  private async intendUpdate(tx: Tx, row: CardholderEntity, profile: CardholderProfile): Promise<void> {
    const { stripeAccountId } = await this.connectedAccounts.get(row.connectedAccountId, tx);
    if (stripeAccountId === null || row.stripeCardholderId === null) {
      throw new Error(`Cardholder ${row.id} cannot be changed at Stripe before it exists there.`);
    }
    await this.stripeCalls.intend(tx, {
      kind: 'cardholder.update',
      reference: row.id,
      connectedAccountId: row.connectedAccountId,
      stripeAccount: stripeAccountId,
      // One after the other, or an older change would overwrite a newer one.
      lane: laneOf(row.id),
      params: { id: row.stripeCardholderId, ...cardholderUpdateParams(row.type, profile) },
    });
  }

  private async change(tx: Tx, row: CardholderEntity, changes: Partial<CardholderEntity>): Promise<CardholderEntity> {
    const changed = { ...row, ...changes, updatedAt: this.clock.now() };
    await this.repository.update(tx, row.id, { ...changes, updatedAt: changed.updatedAt });
    await this.events.announce(tx, new CardholderUpdated(row.id));
    await this.outbox.append(tx, {
      type: 'cardholder.updated',
      connectedAccountId: row.connectedAccountId,
      data: toCardholderView(toCardholder(changed)),
    });
    return changed;
  }

  private profileOf(row: CardholderEntity): CardholderProfile {
    return JSON.parse(this.encryption.decrypt(row.personalDataEncrypted)) as CardholderProfile;
  }
}

// Stripe makes no cardholder on an account whose card_issuing capability is not active.
function canIssue(account: ConnectedAccount): account is ConnectedAccount & { stripeAccountId: string } {
  return account.stripeAccountId !== null && account.capabilities.card_issuing === 'active';
}

function laneOf(cardholderId: string): string {
  return `cardholder:${cardholderId}`;
}

function columnsFrom(cardholder: StripeCardholder) {
  return {
    status: toStatus(cardholder.status),
    requirements: {
      pastDue: cardholder.requirements.pastDue,
      disabledReason: cardholder.requirements.disabledReason,
    },
  };
}

// A word Stripe adds later means "not usable" until somebody has read what it means.
function toStatus(status: string): CardholderStatus {
  return status === 'active' || status === 'blocked' ? status : 'inactive';
}

function hasChanged(row: CardholderEntity, changes: Partial<CardholderEntity>): boolean {
  return (Object.keys(changes) as (keyof CardholderEntity)[]).some(
    (column) => !isDeepStrictEqual(row[column], changes[column]),
  );
}

function toCardholder(row: CardholderEntity): Cardholder {
  return {
    id: row.id,
    connectedAccountId: row.connectedAccountId,
    stripeCardholderId: row.stripeCardholderId,
    type: row.type,
    status: row.status,
    requirements: row.requirements,
    isEligible: isEligible(row),
    failure: row.failureCode === null ? null : { code: row.failureCode, detail: row.failureDetail ?? '' },
    erasedAt: row.erasedAt,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
