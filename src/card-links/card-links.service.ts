import { Injectable } from '@nestjs/common';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { PayoutsService } from '../payouts/payouts.service';
import { PayoutStatus } from '../payouts/payout.types';
import { Config } from '../platform/config/config';
import { Database, Tx } from '../platform/database/database';
import { KeyedHashes } from '../platform/encryption/keyed-hash.service';
import { Clock } from '../shared/clock';
import { idPrefixes, newId } from '../shared/ids';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { CardLinkRow } from './card-link.entity';
import { CardLinkNotFound, PayoutHasEnded } from './card-link.errors';
import {
  addressToKeep,
  coarseClient,
  hashPasscode,
  hashToken,
  isPasscodeOf,
  isPasscodeShaped,
  linkLifetimeSecondsDefault,
  newPasscode,
  newToken,
  robot,
  statusOf,
} from './card-link.policy';
import {
  CardLink,
  CardLinkAction,
  CardLinkUse,
  HeldCardLink,
  MintedCardLink,
  RevealOutcome,
  Visitor,
} from './card-link.types';
import { CardLinksRepository } from './card-links.repository';

export type MintRequest = Readonly<{ lifetimeSeconds?: number | undefined; requirePasscode?: boolean | undefined }>;

const ended: readonly PayoutStatus[] = ['expired', 'canceled', 'failed', 'closed'];
/** Payouts whose card may still be waiting for its first look. */
const unspent: readonly PayoutStatus[] = ['pending', 'funding', 'issuing', 'ready'];
const passcodePurpose = 'card-link-passcode';
const viewsShown = 100;
const remindersPerRound = 500;

/** Links by which a seller sees their card. The token is told once and stored as a hash; so is the passcode. */
@Injectable()
export class CardLinksService {
  constructor(
    private readonly repository: CardLinksRepository,
    private readonly database: Database,
    private readonly payouts: PayoutsService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly outbox: OutboxService,
    private readonly keyedHashes: KeyedHashes,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes the payout's link; the one before it dies in the same transaction. A payout that is still being funded gets one too: its page
   * says so. @throws {PayoutNotFound} {PayoutHasEnded}
   */
  async mint(tx: Tx, payoutId: string, request: MintRequest): Promise<MintedCardLink> {
    const passcode = request.requirePasscode === true ? newPasscode() : undefined;
    // Slow on purpose: before the lock, not behind it.
    const passcodeHash =
      passcode === undefined ? null : await hashPasscode(passcode, this.keyedHashes.currentKey(passcodePurpose));
    // Locked: of two requests at once, the later one's link lives.
    const payout = await this.payouts.lock(tx, payoutId);
    if (ended.includes(payout.status)) throw new PayoutHasEnded(payout);
    const now = this.clock.now();
    const token = newToken();
    const row: CardLinkRow = {
      id: newId(idPrefixes.cardLink),
      connectedAccountId: payout.connectedAccountId,
      payoutId,
      tokenHash: hashToken(token)!,
      passcodeHash,
      passcodeTries: 0,
      createdAt: now,
      expiresAt: new Date(now.getTime() + (request.lifetimeSeconds ?? linkLifetimeSecondsDefault) * 1_000),
      endedAt: null,
      endedBecause: null,
      views: 0,
      lastViewedAt: null,
      lastViewedWith: null,
      browserHash: null,
      boundAt: null,
      revealedAt: null,
      reveals: 0,
    };
    await this.repository.endLive(tx, payoutId, 'replaced', now);
    await this.repository.insert(tx, row);
    await this.payouts.note(tx, payoutId, 'card_link.created', {
      card_link: row.id,
      expires_at: row.expiresAt.toISOString(),
      requires_passcode: passcode !== undefined,
    });
    return {
      ...toCardLink(row, now),
      url: `${this.config.publicUrl}/c/${token}`,
      ...(passcode === undefined ? {} : { passcode }),
    };
  }

  /** Newest first, one more than asked for. @throws {PayoutNotFound} */
  async list(payoutId: string, limit: number, startingAfter?: string): Promise<CardLink[]> {
    await this.payouts.get(payoutId);
    const now = this.clock.now();
    const rows = await this.repository.listForPayout(this.database.reader, payoutId, limit, startingAfter);
    return rows.map((row) => toCardLink(row, now));
  }

  /** The link and the newest of what was done with it. @throws {CardLinkNotFound} */
  async get(id: string): Promise<{ link: CardLink; views: CardLinkUse[] }> {
    const row = await this.repository.find(this.database.reader, id);
    if (!row) throw new CardLinkNotFound(id);
    const views = await this.repository.listViews(this.database.reader, id, viewsShown);
    return { link: toCardLink(row, this.clock.now()), views };
  }

  /** Ends a link for good. A dead link stays as it died. @throws {CardLinkNotFound} */
  async revoke(tx: Tx, id: string): Promise<CardLink> {
    const found = await this.repository.find(tx, id);
    if (!found) throw new CardLinkNotFound(id);
    // The payout before the link, as everywhere: two that meet wait instead of blocking each other for good.
    await this.payouts.lock(tx, found.payoutId);
    const now = this.clock.now();
    const isRevoked = await this.repository.end(tx, id, 'revoked', now);
    if (isRevoked) await this.payouts.note(tx, found.payoutId, 'card_link.revoked', { card_link: id });
    return toCardLink((await this.repository.find(tx, id)) ?? found, now);
  }

  // ---- For the page. ----

  /** The link of a token, dead or alive. Reads, and nothing else. */
  async find(token: string): Promise<HeldCardLink | null> {
    const tokenHash = hashToken(token);
    if (tokenHash === null) return null;
    const row = await this.repository.findByTokenHash(this.database.reader, tokenHash);
    if (!row) return null;
    return {
      ...toCardLink(row, this.clock.now()),
      isBound: row.browserHash !== null,
      isBoundTo: (browser) => row.browserHash !== null && row.browserHash === hashToken(browser),
    };
  }

  /** Software that says what it is may look, and is shown no card. */
  isRobot({ userAgent }: Visitor): boolean {
    return coarseClient(userAgent) === robot;
  }

  /** A browser ran the page. Fetching it tells nobody. */
  async countView(link: CardLink, visitor: Visitor): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.repository.countView(tx, link.id, coarseClient(visitor.userAgent), this.clock.now());
      await this.addView(tx, link, 'opened_page', visitor);
    });
  }

  /**
   * One try at the passcode. It is taken, and committed, before the passcode is looked at: neither many at once nor a dying process
   * get a try for nothing. What is not six digits is no try. After five in a row the link is locked.
   */
  async tryPasscode(
    link: CardLink,
    passcode: unknown,
    visitor: Visitor,
  ): Promise<'right' | 'wrong' | 'no_try' | 'dead'> {
    if (!isPasscodeShaped(passcode)) return 'no_try';
    const row = await this.repository.find(this.database.reader, link.id);
    if (!row || row.passcodeHash === null) return 'dead';
    if (!(await this.repository.takeTry(this.database.reader, row.id, this.clock.now()))) {
      // Spent, though nobody was left to lock it: the process that took the last try died.
      await this.lockIfSpent(row);
      return 'dead';
    }
    if (await isPasscodeOf(row.passcodeHash, passcode, this.keyedHashes.keys(passcodePurpose))) {
      if (!(await this.repository.forgetTries(this.database.reader, row.id))) return 'dead';
      await this.addView(this.database.reader, link, 'entered_passcode', visitor);
      return 'right';
    }
    await this.addView(this.database.reader, link, 'mistyped_passcode', visitor);
    await this.lockIfSpent(row);
    // Somebody else's try may have locked it just before.
    return (await this.repository.find(this.database.reader, row.id))?.endedAt ? 'dead' : 'wrong';
  }

  /**
   * Records that the card is shown to this browser, and binds the link to it: both or neither, and before the browser gets anything.
   * `hasPasscode`: the visitor proved it just now, which lets a link change hands. The card is the one that was asked for; a payout
   * that got another card meanwhile, or was used, shows nothing.
   */
  async recordReveal(link: CardLink, cardId: string, visitor: Visitor, hasPasscode: boolean): Promise<RevealOutcome> {
    return this.database.transaction(async (tx) => {
      const payout = await this.payouts.lock(tx, link.payoutId);
      const card = await this.cardIssuance.findForPayout(tx, link.payoutId);
      if (payout.status !== 'ready' || card?.id !== cardId) return 'not_usable';
      const now = this.clock.now();
      const reveals = await this.repository.bind(tx, link.id, hashToken(visitor.browser)!, hasPasscode, now);
      if (reveals === null) return 'bound_elsewhere';
      await this.addView(tx, link, 'showed_card', visitor);
      if (reveals === 1) {
        const client = coarseClient(visitor.userAgent);
        await this.payouts.note(tx, link.payoutId, 'card_link.opened', { card_link: link.id, client });
        await this.outbox.append(tx, {
          type: 'card_link.opened',
          connectedAccountId: link.connectedAccountId,
          payoutId: link.payoutId,
          data: { id: link.id, payout: link.payoutId, opened_at: now.toISOString(), client },
        });
      }
      return 'recorded';
    });
  }

  // ---- For the schedule. ----

  /** Tells the marketplace of links whose card nobody has seen, once at each configured age. Answers how many it told. */
  async remind(): Promise<number> {
    let reminded = 0;
    // The greatest age first: it makes up for the smaller ones, if nobody was there to tell of them in time.
    for (const ageHours of [...this.config.cardLinkReminderHours].reverse()) {
      const now = this.clock.now();
      const due = await this.repository.listDueForReminder(this.database.reader, ageHours, now, remindersPerRound);
      for (const row of due) reminded += (await this.remindOf(row, ageHours, now)) ? 1 : 0;
    }
    return reminded;
  }

  private async remindOf(row: CardLinkRow, ageHours: number, now: Date): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      if (!(await this.repository.claimReminder(tx, row, ageHours, now))) return false;
      for (const missed of this.config.cardLinkReminderHours.filter((age) => age < ageHours))
        await this.repository.claimReminder(tx, row, missed, now);
      const { status } = await this.payouts.get(row.payoutId);
      // Nothing is left to look at; the claim keeps it from being looked at again.
      if (!unspent.includes(status)) return false;
      await this.outbox.append(tx, {
        type: 'card_link.reminder_due',
        connectedAccountId: row.connectedAccountId,
        payoutId: row.payoutId,
        data: {
          id: row.id,
          payout: row.payoutId,
          age_hours: ageHours,
          created_at: row.createdAt.toISOString(),
          expires_at: row.expiresAt.toISOString(),
        },
      });
      return true;
    });
  }

  private async lockIfSpent(row: CardLinkRow): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.payouts.lock(tx, row.payoutId);
      const now = this.clock.now();
      if (!(await this.repository.lockIfSpent(tx, row.id, now))) return;
      await this.payouts.note(tx, row.payoutId, 'card_link.locked', { card_link: row.id });
      await this.outbox.append(tx, {
        type: 'card_link.locked',
        connectedAccountId: row.connectedAccountId,
        payoutId: row.payoutId,
        data: { id: row.id, payout: row.payoutId, locked_at: now.toISOString() },
      });
    });
  }

  private async addView(tx: Tx, link: CardLink, action: CardLinkAction, visitor: Visitor): Promise<void> {
    const client = coarseClient(visitor.userAgent);
    const address = addressToKeep(visitor.address, this.config.cardLinkAddresses);
    await this.repository.addView(tx, link, { action, client, address }, this.clock.now());
  }
}

function toCardLink(row: CardLinkRow, now: Date): CardLink {
  return {
    id: row.id,
    payoutId: row.payoutId,
    connectedAccountId: row.connectedAccountId,
    status: statusOf(row, now),
    requiresPasscode: row.passcodeHash !== null,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    endedAt: row.endedAt,
    views: row.views,
    lastViewedAt: row.lastViewedAt,
    lastViewedWith: row.lastViewedWith,
    revealedAt: row.revealedAt,
    reveals: row.reveals,
  };
}
