import { Injectable } from '@nestjs/common';
import { queryRows, Tx } from '../platform/database/database';
import { CardLinkRow } from './card-link.entity';
import { passcodeTriesMax } from './card-link.policy';
import { CardLinkEnding, ClientKind } from './card-link.types';

@Injectable()
export class CardLinksRepository {
  async insert(tx: Tx, row: Partial<CardLinkRow>): Promise<void> {
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

  async countView(tx: Tx, id: string, client: ClientKind, now: Date): Promise<void> {
    await queryRows(
      tx,
      `update card_links set views = views + 1, last_viewed_at = $3, last_viewed_with = $2 where id = $1`,
      [id, client, now],
    );
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

  async forgetTries(tx: Tx, id: string): Promise<void> {
    await queryRows(tx, `update card_links set passcode_tries = 0 where id = $1 and ended_at is null`, [id]);
  }

  /** Locks the link once its tries are used up. True for the caller who locked it. */
  async lockIfSpent(tx: Tx, id: string, now: Date): Promise<boolean> {
    const locked = await queryRows(
      tx,
      `update card_links set ended_at = $3, ended_because = 'locked'
        where id = $1 and ended_at is null and passcode_tries >= $2 returning id`,
      [id, passcodeTriesMax, now],
    );
    return locked.length === 1;
  }
}
