import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { LedgerService } from '../ledger/ledger.service';
import { Database, Tx } from '../platform/database/database';
import { Events } from '../platform/events/events.service';
import { Jobs } from '../platform/jobs/jobs.service';
import { Clock } from '../shared/clock';
import { InvalidFields } from '../shared/domain-error';
import { newId } from '../shared/ids';
import type { SettledStripeCall } from '../stripe/stripe-call.types';
import { StripeCallsService } from '../stripe/stripe-calls.service';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import { StripeRefused } from '../stripe/stripe.errors';
import type { StripeAccount, StripeAccountLink } from '../stripe/stripe.types';
import { WebhookInboxService } from '../webhook-inbox/webhook-inbox.service';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { toConnectedAccountView } from './connected-account.dto';
import {
  ConnectedAccountNotFound,
  ExternalReferenceTaken,
  StripeAccountNotAdoptable,
  StripeAccountNotReady,
  StripeAccountTaken,
  StripeAccountUnknown,
} from './connected-account.errors';
import { ConnectedAccountEntity } from './connected-account.entity';
import { ConnectedAccountUpdated } from './connected-account.events';
import {
  accountCreateParams,
  AccountFacts,
  accountLost,
  adoptionRefusal,
  ineligibleBecause,
  profileErrors,
  SellerProfile,
  statusFrom,
  toAccountFacts,
} from './connected-account.policy';
import {
  BalanceComparison,
  businessTypes,
  ConnectedAccount,
  ConnectedAccountStatus,
  FundingRailName,
  issuingCurrencyOf,
} from './connected-account.types';
import { ConnectedAccountFilter, ConnectedAccountsRepository } from './connected-accounts.repository';

export interface Onboarding {
  readonly externalReference?: string | undefined;
  readonly fundingRail: FundingRailName;
  readonly currency?: string | undefined;
  readonly profile: SellerProfile;
}

export interface Adoption {
  readonly externalReference?: string | undefined;
  readonly fundingRail: FundingRailName;
  readonly displayName?: string | undefined;
  /** As `inspectForAdoption` found it, asked for at `inspectedAt`. */
  readonly stripeAccount: StripeAccount;
  readonly inspectedAt: Date;
}

const checksPerRound = 100;

/** Sellers at Stripe: made or adopted, kept in step with what Stripe says, stopped by a switch of our own. */
@Injectable()
export class ConnectedAccountsService {
  constructor(
    private readonly repository: ConnectedAccountsRepository,
    private readonly database: Database,
    private readonly stripeCalls: StripeCallsService,
    private readonly gateway: StripeGateway,
    private readonly ledger: LedgerService,
    private readonly outbox: OutboxService,
    private readonly inbox: WebhookInboxService,
    private readonly events: Events,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  /** @throws {ConnectedAccountNotFound} */
  async get(id: string, tx: Tx = this.database.reader): Promise<ConnectedAccount> {
    const row = await this.repository.find(tx, id);
    if (!row) throw new ConnectedAccountNotFound(id);
    return toConnectedAccount(row);
  }

  /** Those of the ids that exist, by id. */
  async findMany(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, ConnectedAccount>> {
    const rows = await this.repository.findMany(tx, ids);
    return new Map(rows.map((row) => [row.id, toConnectedAccount(row)]));
  }

  /**
   * As `get`, and the account does not change before the transaction ends: a caller that stores "waits for the account" cannot
   * miss the ConnectedAccountUpdated that would wake it.
   * @throws {ConnectedAccountNotFound}
   */
  async getForShare(tx: Tx, id: string): Promise<ConnectedAccount> {
    const row = await this.repository.findForShare(tx, id);
    if (!row) throw new ConnectedAccountNotFound(id);
    return toConnectedAccount(row);
  }

  async findByStripeAccountId(
    stripeAccountId: string,
    tx: Tx = this.database.reader,
  ): Promise<ConnectedAccount | null> {
    const row = await this.repository.findByStripeAccountId(tx, stripeAccountId);
    return row && toConnectedAccount(row);
  }

  /** Newest first, one more than the limit when there are more. */
  async list(filter: ConnectedAccountFilter): Promise<ConnectedAccount[]> {
    const rows = await this.repository.list(this.database.reader, filter);
    return rows.map(toConnectedAccount);
  }

  /**
   * Takes a seller on: the row and the call that makes the Stripe account, in one transaction. Stripe's id comes later.
   * @throws {InvalidFields} {ExternalReferenceTaken}
   */
  async onboard(tx: Tx, onboarding: Onboarding): Promise<ConnectedAccount> {
    const now = this.clock.now();
    const { profile } = onboarding;
    const currency = issuingCurrencyOf(profile.country);
    const errors = profileErrors(profile, onboarding.currency, now);
    if (errors.length > 0 || currency === undefined) throw new InvalidFields(errors);

    const row: ConnectedAccountEntity = {
      ...blankRow(now),
      externalReference: onboarding.externalReference ?? null,
      displayName: profile.legalName,
      businessType: profile.businessType,
      country: profile.country,
      currency,
      fundingRail: onboarding.fundingRail,
    };
    if (!(await this.repository.insert(tx, row))) throw new ExternalReferenceTaken(onboarding.externalReference ?? '');
    await this.stripeCalls.intend(tx, {
      kind: 'account.create',
      reference: row.id,
      connectedAccountId: row.id,
      params: accountCreateParams(row.id, profile),
    });
    return toConnectedAccount(row);
  }

  /**
   * Reads an existing Stripe account and says whether it can be adopted. Asks Stripe: never inside a transaction.
   * @throws {StripeAccountUnknown} {StripeAccountNotAdoptable}
   */
  async inspectForAdoption(stripeAccountId: string): Promise<{ stripeAccount: StripeAccount; inspectedAt: Date }> {
    const inspectedAt = this.clock.now();
    const stripeAccount = await this.retrieve(stripeAccountId);
    if (!stripeAccount) throw new StripeAccountUnknown(stripeAccountId);
    const refusal = adoptionRefusal(stripeAccount);
    if (refusal) throw new StripeAccountNotAdoptable(stripeAccountId, refusal.code, refusal.reason);
    return { stripeAccount, inspectedAt };
  }

  /** @throws {StripeAccountTaken} {ExternalReferenceTaken} */
  async adopt(tx: Tx, adoption: Adoption): Promise<ConnectedAccount> {
    const { stripeAccount, externalReference } = adoption;
    const country = stripeAccount.country ?? '';
    const currency = issuingCurrencyOf(country);
    if (currency === undefined)
      throw new Error(`${stripeAccount.stripeAccountId} was not inspected before it was adopted.`);

    const facts = toAccountFacts(stripeAccount);
    const row: ConnectedAccountEntity = {
      ...blankRow(this.clock.now()),
      ...columnsFrom(facts),
      stripeAccountId: stripeAccount.stripeAccountId,
      externalReference: externalReference ?? null,
      displayName: adoption.displayName ?? stripeAccount.stripeAccountId,
      businessType: businessTypes.find((known) => known === stripeAccount.businessType) ?? 'company',
      country,
      currency,
      status: statusFrom(facts, adoption.fundingRail, 'onboarding'),
      fundingRail: adoption.fundingRail,
      stripeCheckedAt: adoption.inspectedAt,
    };
    if (!(await this.repository.insert(tx, row))) {
      const taken = await this.repository.findByStripeAccountId(tx, stripeAccount.stripeAccountId);
      throw taken
        ? new StripeAccountTaken(stripeAccount.stripeAccountId)
        : new ExternalReferenceTaken(externalReference ?? '');
    }
    // Its events count from now on, heard or not: the sweep asks for those that never arrive.
    await this.inbox.watch(tx, stripeAccount.stripeAccountId);
    // Float that lies there already belongs to whoever pays from it.
    await this.events.announce(tx, new ConnectedAccountUpdated(row.id));
    // A change between the inspection and this commit had no row to tell.
    await this.jobs.enqueue(tx, 'check-connected-account', { connectedAccountId: row.id });
    return toConnectedAccount(row);
  }

  /**
   * Stripe's hosted onboarding, for the seller to fill in what is missing. Used once and short-lived; asks Stripe.
   * @throws {ConnectedAccountNotFound} {StripeAccountNotReady}
   */
  async createOnboardingLink(id: string, urls: { refreshUrl: string; returnUrl: string }): Promise<StripeAccountLink> {
    const { stripeAccountId } = await this.get(id);
    if (stripeAccountId === null) throw new StripeAccountNotReady(id);
    return this.gateway.createAccountLink({ stripeAccountId, ...urls });
  }

  /**
   * Stripe's figures beside the ledger's. They differ for as long as an event is on its way; reconciliation tells which for good.
   * @throws {ConnectedAccountNotFound} {StripeAccountNotReady}
   */
  async compareBalances(id: string): Promise<BalanceComparison> {
    const account = await this.get(id);
    if (account.stripeAccountId === null) throw new StripeAccountNotReady(id);
    const asOf = this.clock.now();
    const stripe = await this.gateway.retrieveBalance(account.stripeAccountId);
    const ledger = await this.ledger.accountBalances(id);
    return { account, stripe, ledger, asOf };
  }

  /** The kill switch: no new payout and no approval on any of its cards, from the commit on. @throws {ConnectedAccountNotFound} */
  async suspend(tx: Tx, id: string): Promise<ConnectedAccount> {
    return this.switchSuspension(tx, id, true);
  }

  /** @throws {ConnectedAccountNotFound} */
  async resume(tx: Tx, id: string): Promise<ConnectedAccount> {
    return this.switchSuspension(tx, id, false);
  }

  /** Asks Stripe how the account stands and keeps the answer. For events, which may be late, repeated or missed. */
  async refresh(id: string): Promise<void> {
    const { stripeAccountId } = await this.get(id);
    if (stripeAccountId === null) return;
    const askedAt = this.clock.now();
    const stripeAccount = await this.retrieve(stripeAccountId);
    const facts = stripeAccount ? toAccountFacts(stripeAccount) : accountLost;
    await this.database.transaction((tx) => this.keep(tx, id, facts, askedAt));
  }

  /** Enqueues a check of each account that waits for Stripe, so that a missed event heals. */
  async enqueueChecks(): Promise<void> {
    const due = await this.repository.listDueForCheck(this.database.reader, this.clock.now(), checksPerRound);
    if (due.length === 0) return;
    await this.database.transaction(async (tx) => {
      for (const connectedAccountId of due) {
        await this.jobs.enqueue(
          tx,
          'check-connected-account',
          { connectedAccountId },
          { singletonKey: connectedAccountId },
        );
      }
    });
  }

  /** The outcome of the call that makes the account at Stripe, in the transaction that stores it. */
  async settleCreate(tx: Tx, call: SettledStripeCall<'account.create'>): Promise<void> {
    const row = await this.repository.findForUpdate(tx, call.reference);
    // Unknown: the call is looked into further; the account stays without a Stripe id until then.
    if (!row || row.stripeAccountId !== null || call.status === 'unknown') return;
    if (call.status === 'failed') {
      await this.change(tx, row, {
        status: 'rejected',
        failureCode: call.failure.code,
        failureDetail: call.failure.detail,
      });
      return;
    }
    const facts = toAccountFacts(call.result);
    await this.change(tx, row, {
      ...columnsFrom(facts),
      stripeAccountId: call.result.stripeAccountId,
      status: statusFrom(facts, row.fundingRail, row.status),
    });
    // Events that came before we knew this id were nobody's: look once at how it stands now.
    await this.jobs.enqueue(tx, 'check-connected-account', { connectedAccountId: row.id });
  }

  /** Null when Stripe does not show us the account: there is none, or it is not connected to this platform (any more). */
  private async retrieve(stripeAccountId: string): Promise<StripeAccount | null> {
    try {
      return await this.gateway.retrieveAccount(stripeAccountId);
    } catch (error) {
      if (error instanceof StripeRefused && error.stripeCode === 'account_invalid') return null;
      throw error;
    }
  }

  private async keep(tx: Tx, id: string, facts: AccountFacts, askedAt: Date): Promise<void> {
    const row = await this.repository.findForUpdate(tx, id);
    // Of two answers on their way at once, the one asked for later is the newer truth.
    if (!row || (row.stripeCheckedAt !== null && row.stripeCheckedAt > askedAt)) return;
    const changes = { ...columnsFrom(facts), status: statusFrom(facts, row.fundingRail, row.status) };
    if (hasChanged(row, changes)) await this.change(tx, row, { ...changes, stripeCheckedAt: askedAt });
    else await this.repository.update(tx, id, { stripeCheckedAt: askedAt });
  }

  private async switchSuspension(tx: Tx, id: string, isSuspended: boolean): Promise<ConnectedAccount> {
    const row = await this.repository.findForUpdate(tx, id);
    if (!row) throw new ConnectedAccountNotFound(id);
    if (row.isSuspended === isSuspended) return toConnectedAccount(row);
    return toConnectedAccount(await this.change(tx, row, { isSuspended }));
  }

  private async change(
    tx: Tx,
    row: ConnectedAccountEntity,
    changes: Partial<ConnectedAccountEntity>,
  ): Promise<ConnectedAccountEntity> {
    const changed = { ...row, ...changes, updatedAt: this.clock.now() };
    await this.repository.update(tx, row.id, { ...changes, updatedAt: changed.updatedAt });
    await this.announce(tx, changed);
    return changed;
  }

  private async announce(tx: Tx, row: ConnectedAccountEntity): Promise<void> {
    await this.events.announce(tx, new ConnectedAccountUpdated(row.id));
    await this.outbox.append(tx, {
      type: 'connected_account.updated',
      connectedAccountId: row.id,
      data: toConnectedAccountView(toConnectedAccount(row)),
    });
  }
}

function blankRow(now: Date) {
  return {
    id: newId('seller'),
    stripeAccountId: null,
    status: 'onboarding' as ConnectedAccountStatus,
    cardIssuingCapability: 'unrequested' as const,
    transfersCapability: 'unrequested' as const,
    requirements: { currentlyDue: [], pastDue: [], pendingVerification: [], disabledReason: null },
    payoutInterval: null,
    isSuspended: false,
    failureCode: null,
    failureDetail: null,
    stripeCheckedAt: null,
    createdAt: now,
    updatedAt: now,
  };
}

function columnsFrom(facts: AccountFacts) {
  return {
    cardIssuingCapability: facts.capabilities.card_issuing,
    transfersCapability: facts.capabilities.transfers,
    requirements: facts.requirements,
    payoutInterval: facts.payoutInterval,
  };
}

function hasChanged(row: ConnectedAccountEntity, changes: Partial<ConnectedAccountEntity>): boolean {
  // jsonb gives keys back in its own order.
  return (Object.keys(changes) as (keyof ConnectedAccountEntity)[]).some(
    (column) => !isDeepStrictEqual(row[column], changes[column]),
  );
}

function toConnectedAccount(row: ConnectedAccountEntity): ConnectedAccount {
  const capabilities = { card_issuing: row.cardIssuingCapability, transfers: row.transfersCapability };
  const reasons = ineligibleBecause({ ...row, capabilities });
  return {
    id: row.id,
    stripeAccountId: row.stripeAccountId,
    externalReference: row.externalReference,
    displayName: row.displayName,
    businessType: row.businessType,
    country: row.country,
    currency: row.currency,
    status: row.status,
    fundingRail: row.fundingRail,
    capabilities,
    requirements: row.requirements,
    isSuspended: row.isSuspended,
    isEligible: reasons.length === 0,
    ineligibleBecause: reasons,
    failure: row.failureCode === null ? null : { code: row.failureCode, detail: row.failureDetail ?? '' },
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
