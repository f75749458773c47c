import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { CardLinkRow } from './card-link.entity';
import { passcodeTriesMax } from './card-link.policy';
import { CardLinkAction, CardLinkEnding, CardLinkUse } from './card-link.types';

/** Somebody with a link can open its page for ever; what is kept of it must not grow for ever. */
const viewsPerLinkMax = 500;

@Injectable()
export class CardLinksRepository {
  async insert(tx: Tx, row: CardLinkRow): Promise<void> {
    await tx.insert(CardLinkRow, row);
  }

  async find(tx: Tx, id: string): Promise<CardLinkRow | null> {
    return tx.findOneBy(CardLinkRow, { id });
  }

  async findByTokenHash(tx: Tx, tokenHash: string): Promise<CardLinkRow | null> {
    return tx.findOneBy(CardLinkRow, { tokenHash });
  }

  /** Newest first, one more than asked for, so that the caller knows whether there are more. */
  async listForPayout(tx: Tx, payoutId: string, limit: number, startingAfter?: string): Promise<CardLinkRow[]> {
    const query = tx
      .createQueryBuilder(CardLinkRow, 'link')
      .where('link.payoutId = :payoutId', { payoutId })
      .orderBy('link.id', 'DESC')
      .take(limit + 1);
    if (startingAfter !== undefined) query.andWhere('link.id < :startingAfter', { startingAfter });
    return query.getMany();
  }

  /** Ends the payout's live link, if it has one. */
  async endLive(tx: Tx, payoutId: string, because: CardLinkEnding, now: Date): Promise<void> {
    await queryRows(
      tx,
      `update card_links set ended_at = $3, ended_because = $2 where payout_id = $1 and ended_at is null`,
      [payoutId, because, now],
    );
  }

  async end(tx: Tx, id: string, because: CardLinkEnding, now: Date): Promise<boolean> {
    const ended = await queryRows(
      tx,
      `update card_links set ended_at = $3, ended_because = $2 where id = $1 and ended_at is null returning id`,
      [id, because, now],
    );
    return ended.length === 1;
  }

  async countView(tx: Tx, id: string, client: string, now: Date): Promise<void> {
    await queryRows(
      tx,
      `update card_links set views = views + 1, last_viewed_at = $3, last_viewed_with = $2 where id = $1`,
      [id, client, now],
    );
  }

  async addView(
    tx: Tx,
    link: { id: string; connectedAccountId: string },
    view: { action: CardLinkAction; client: string; address: string | null },
    now: Date,
  ): Promise<void> {
    await queryRows(
      tx,
      `insert into card_link_views (connected_account_id, card_link_id, action, client, address, occurred_at)
       select $1, $2, $3, $4, $5, $6
        where (select count(*) from (select from card_link_views where card_link_id = $2 limit $7) as kept) < $7`,
      [link.connectedAccountId, link.id, view.action, view.client, view.address, now, viewsPerLinkMax],
    );
  }

  /** Newest first. */
  async listViews(tx: Tx, id: string, limit: number): Promise<CardLinkUse[]> {
    const rows = await queryRows<{
      action: CardLinkAction;
      client: string;
      address: string | null;
      occurred_at: Date;
    }>(
      tx,
      `select action, client, address, occurred_at from card_link_views where card_link_id = $1 order by id desc limit $2`,
      [id, limit],
    );
    return rows.map(({ occurred_at: occurredAt, ...row }) => ({ ...row, occurredAt }));
  }

  /** Takes one of the five tries before the passcode is looked at: a hundred guesses at once still get five. */
  async takeTry(tx: Tx, id: string, now: Date): Promise<boolean> {
    const taken = await queryRows(
      tx,
      `update card_links set passcode_tries = passcode_tries + 1
        where id = $1 and ended_at is null and expires_at > $3 and passcode_tries < $2 returning id`,
      [id, passcodeTriesMax, now],
    );
    return taken.length === 1;
  }

  /** False when the link died meanwhile: then the right passcode opens nothing. */
  async forgetTries(tx: Tx, id: string): Promise<boolean> {
    const forgot = await queryRows(
      tx,
      `update card_links set passcode_tries = 0 where id = $1 and ended_at is null returning id`,
      [id],
    );
    return forgot.length === 1;
  }

  /** Locks the link once its tries are used up. True for the caller who locked it. */
  async lockIfSpent(tx: Tx, id: string, now: Date): Promise<boolean> {
    const locked = await queryRows(
      tx,
      `update card_links set ended_at = $3, ended_because = 'locked'
        where id = $1 and ended_at is null and expires_at > $3 and passcode_tries >= $2 returning id`,
      [id, passcodeTriesMax, now],
    );
    return locked.length === 1;
  }

  /**
   * Counts a reveal and binds the link to the browser, in one statement: of two browsers at once, the second finds it bound. A link
   * that belongs to another browser, or has a passcode and belongs to nobody, changes hands only where `hasPasscode` was proved.
   * Null: not for this browser, or dead. Otherwise how many reveals there were, this one included.
   */
  async bind(tx: Tx, id: string, browserHash: string, hasPasscode: boolean, now: Date): Promise<number | null> {
    const [bound] = await queryRows<{ reveals: number }>(
      tx,
      `update card_links
          set bound_at = case when browser_hash = $2 then bound_at else $4 end,
              browser_hash = $2, revealed_at = coalesce(revealed_at, $4), reveals = reveals + 1
        where id = $1 and ended_at is null and expires_at > $4
          and ($3 or browser_hash = $2 or (browser_hash is null and passcode_hash is null))
        returning reveals`,
      [id, browserHash, hasPasscode, now],
    );
    return bound?.reveals ?? null;
  }

  /** Live links whose card nobody has seen at that age, and whose reminder was not sent; oldest first. */
  async listDueForReminder(tx: Tx, ageHours: number, now: Date, limit: number): Promise<CardLinkRow[]> {
    return tx
      .createQueryBuilder(CardLinkRow, 'link')
      .where('link.endedAt is null and link.revealedAt is null and link.expiresAt > :now', { now })
      .andWhere('link.createdAt <= :since', { since: new Date(now.getTime() - ageHours * 3_600_000) })
      .andWhere(
        `not exists (select from card_link_reminders r where r.card_link_id = link.id and r.age_hours = :ageHours)`,
        { ageHours },
      )
      .orderBy('link.createdAt', 'ASC')
      .limit(limit)
      .getMany();
  }

  /** True for the one who is to send it. */
  async claimReminder(tx: Tx, link: CardLinkRow, ageHours: number, now: Date): Promise<boolean> {
    const claimed = await queryRows(
      tx,
      `insert into card_link_reminders (card_link_id, connected_account_id, age_hours, reminded_at) values ($1, $2, $3, $4)
       on conflict do nothing returning card_link_id`,
      [link.id, link.connectedAccountId, ageHours, now],
    );
    return claimed.length === 1;
  }
}
