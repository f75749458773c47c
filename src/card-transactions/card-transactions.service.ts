import { Injectable, Logger } from '@nestjs/common';
import { CardTransactionsSeen } from '../authorizations/authorization.events';
import { Authorization } from '../authorizations/authorization.types';
import { AuthorizationsService } from '../authorizations/authorizations.service';
import { CardIssuanceService } from '../card-issuance/card-issuance.service';
import { Card } from '../card-issuance/card.types';
import { ConnectedAccountsService } from '../connected-accounts/connected-accounts.service';
import { accounts, credit, debit, Posting } from '../ledger/ledger-account.types';
import { LedgerService } from '../ledger/ledger.service';
import { EntryKind, PayoutTerms } from '../ledger/ledger.types';
import { PayoutsService } from '../payouts/payouts.service';
import { Payout } from '../payouts/payout.types';
import { Database, Tx } from '../platform/database/database';
import { Clock } from '../shared/clock';
import { newId } from '../shared/ids';
import { money, toCurrency } from '../shared/money';
import { StripeGateway } from '../stripe/stripe-gateway.service';
import type { StripeAuthorization, StripeCardTransaction } from '../stripe/stripe.types';
import { OutboxService } from '../webhook-outbox/outbox.service';
import { OutgoingEventType } from '../webhook-outbox/outgoing-event.types';
import { CardTransactionEntity } from './card-transaction.entity';
import { CardTransactionNotFound, ReleaseNotSeenYet } from './card-transaction.errors';
import {
  isReleaseAwaited,
  kindOfCapture,
  matchRefund,
  shareCapture,
  sharePostings,
  shareRefund,
  shareRefundReversal,
} from './card-transaction.policy';
import { CardTransaction, CardTransactionKind, Share } from './card-transaction.types';
import { CardTransactionFilter, CardTransactionsRepository } from './card-transactions.repository';

/** How far Stripe's clock and ours may be apart. */
const clockSkewMsMax = 60_000;

const entryKinds: Readonly<Record<CardTransactionKind, EntryKind>> = {
  capture: 'capture',
  over_capture: 'capture',
  force_capture: 'capture',
  late_capture: 'capture',
  refund: 'refund',
  refund_reversal: 'refund_reversed',
};

/** Books captures and refunds, none of which can be refused. The only writer of its tables. */
@Injectable()
export class CardTransactionsService {
  private readonly logger = new Logger('card-transactions');

  constructor(
    private readonly repository: CardTransactionsRepository,
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly payouts: PayoutsService,
    private readonly authorizations: AuthorizationsService,
    private readonly cardIssuance: CardIssuanceService,
    private readonly connectedAccounts: ConnectedAccountsService,
    private readonly stripe: StripeGateway,
    private readonly outbox: OutboxService,
  ) {}

  /** @throws {CardTransactionNotFound} */
  async get(id: string): Promise<CardTransaction> {
    const row = await this.repository.find(this.database.reader, id);
    if (!row) throw new CardTransactionNotFound(id);
    return row;
  }

  /** Newest first, one more than the limit when there are more. */
  async list(filter: CardTransactionFilter): Promise<CardTransaction[]> {
    return this.repository.list(this.database.reader, filter);
  }

  /**
   * Asks Stripe for the card transaction and books it, its authorization's releases first, in one database transaction, and with it
   * whatever else Stripe shows on that authorization: between two captures of one purchase a payout would look settled.
   * Safe to repeat; does nothing for a card that is not ours.
   * @throws {ReleaseNotSeenYet} for a while after a capture whose hold Stripe still shows: ask again
   */
  async sync(stripeTransactionId: string, stripeAccount: string | null): Promise<void> {
    const account = stripeAccount ?? (await this.findStripeAccount(stripeTransactionId));
    if (account === null || !(await this.connectedAccounts.findByStripeAccountId(account))) {
      this.logger.log(
        { stripe_transaction_id: stripeTransactionId },
        'Ignored a card transaction of an account that is not ours.',
      );
      return;
    }
    const fact = await this.stripe.retrieveCardTransaction(account, stripeTransactionId);
    if (!fact) return;
    // Asked after the capture, so that it shows the release the capture caused.
    const authorization =
      fact.stripeAuthorizationId === null ? null : await this.authorizations.fetch(fact.stripeAuthorizationId, account);
    const others = authorization ? await this.fetchUnknown(authorization, account, stripeTransactionId) : [];
    await this.bookAll([fact, ...others], authorization);
  }

  /**
   * Asks Stripe for the authorization and books it, with those of its card transactions that were not heard of. Also when all were: who
   * booked them meanwhile may have had an older record of the authorization than the one whose news led here.
   */
  async syncSeen({ stripeAuthorizationId, stripeAccount }: CardTransactionsSeen): Promise<void> {
    const authorization = await this.authorizations.fetch(stripeAuthorizationId, stripeAccount);
    if (!authorization) return;
    await this.bookAll(await this.fetchUnknown(authorization, stripeAccount), authorization);
  }

  /** What Stripe shows on the authorization and we have not booked, except one that is at hand. */
  private async fetchUnknown(
    { cardTransactionIds }: StripeAuthorization,
    stripeAccount: string,
    atHand?: string,
  ): Promise<StripeCardTransaction[]> {
    const ids = cardTransactionIds.filter((id) => id !== atHand);
    const facts: StripeCardTransaction[] = [];
    for (const id of await this.repository.findUnknown(this.database.reader, ids)) {
      const fact = await this.stripe.retrieveCardTransaction(stripeAccount, id);
      if (!fact) throw new Error(`Stripe names ${id} on an authorization, and cannot show it.`);
      facts.push(fact);
    }
    return facts;
  }

  /** Ours of that Stripe id; its own event may be late or lost, so Stripe is asked. Null: its card is not ours. */
  async findOrSync(stripeTransactionId: string, stripeAccount: string | null): Promise<CardTransaction | null> {
    const find = () => this.repository.findByStripeId(this.database.reader, stripeTransactionId);
    const known = await find();
    if (known) return known;
    await this.sync(stripeTransactionId, stripeAccount);
    return find();
  }

  /**
   * How money that came back for good, or is taken back again (below zero), is shared out, and the lines of an entry that say so: as a
   * refund is, or its reversal. The caller holds the payout's lock. Minor units.
   */
  async shareReturn(
    tx: Tx,
    { id, connectedAccountId, status }: Payout,
    returnedMinor: bigint,
  ): Promise<{ share: Share; postings: Posting[] }> {
    const terms = await this.spendableTerms(tx, id);
    const share =
      returnedMinor >= 0n
        ? shareRefund(returnedMinor, terms, status === 'closed')
        : shareRefundReversal(-returnedMinor, terms);
    return { share, postings: sharePostings(share, { connectedAccountId, payoutId: id, currency: terms.currency }) };
  }

  /** What is on its way back cannot be spent a second time: the reclaim will want it. */
  private async spendableTerms(tx: Tx, payoutId: string): Promise<PayoutTerms> {
    const terms = await this.ledger.payoutTerms(tx, payoutId);
    return { ...terms, aftercareMinor: terms.aftercareMinor - (await this.payouts.aftercareUnderWay(tx, payoutId)) };
  }

  /** `facts`: of one card; those of one authorization, if there is one. */
  private async bookAll(facts: readonly StripeCardTransaction[], snapshot: StripeAuthorization | null): Promise<void> {
    const oldestFirst = facts.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    await this.database.transaction((tx) => this.book(tx, oldestFirst, snapshot));
  }

  private async book(
    tx: Tx,
    facts: readonly StripeCardTransaction[],
    snapshot: StripeAuthorization | null,
  ): Promise<void> {
    const { stripeCardId } = (snapshot ?? facts[0])!;
    const card = await this.cardIssuance.findByStripeCardId(stripeCardId, tx);
    if (!card) {
      this.logger.log({ stripe_card_id: stripeCardId }, 'Ignored a card transaction of a card that is not ours.');
      return;
    }
    const payout = await this.payouts.lock(tx, card.payoutId);
    const news: StripeCardTransaction[] = [];
    for (const fact of facts) {
      const known = await this.repository.findByStripeId(tx, fact.stripeCardTransactionId);
      if (known) await this.linkLate(tx, known, fact);
      else news.push(fact);
    }

    const before = snapshot && (await this.authorizations.findByStripeId(tx, snapshot.stripeAuthorizationId));
    const authorization = snapshot && (await this.authorizations.book(tx, snapshot));
    if (news.length === 0) return;
    const isClosed = payout.status === 'closed';
    for (const fact of news) {
      const terms = await this.spendableTerms(tx, card.payoutId);
      const hold = { heldMinor: authorization?.heldMinor ?? 0n, lines: snapshot?.balanceTransactions ?? [] };
      if (isReleaseAwaited(fact, terms.owedMinor, hold, this.clock.now()))
        throw new ReleaseNotSeenYet(fact.stripeCardTransactionId);
      const kind = await this.kindOf(tx, fact, before ?? authorization, snapshot);
      const share = shareOf(kind, fact.amountMinor, terms, isClosed);
      const row = toRow(fact, card, kind, share, {
        authorizationId: authorization?.id ?? null,
        isAfterClose: isClosed,
        now: this.clock.now(),
        ...(await this.refunded(tx, fact, kind, card.id)),
      });
      await this.repository.insert(tx, row);
      await this.post(tx, row, share);
      await this.tell(tx, row);
    }
    await this.payouts.captured(tx, card.payoutId);
  }

  /** Stripe's line was not there when the card transaction was booked. */
  private async linkLate(tx: Tx, known: CardTransactionEntity, fact: StripeCardTransaction): Promise<void> {
    if (known.balanceTransactionId !== null || fact.balanceTransactionId === null) return;
    if (known.amountMinor !== 0n) {
      await this.ledger.linkBalanceTransaction(tx, {
        connectedAccountId: known.connectedAccountId,
        balanceTransactionId: fact.balanceTransactionId,
        kind: entryKinds[known.kind],
        sourceId: known.stripeTransactionId,
      });
    }
    await this.repository.setBalanceTransaction(tx, known.id, fact.balanceTransactionId);
  }

  private async kindOf(
    tx: Tx,
    fact: StripeCardTransaction,
    authorization: Authorization | null,
    snapshot: StripeAuthorization | null,
  ): Promise<CardTransactionKind> {
    if (fact.amountMinor > 0n) return 'refund';
    if (fact.type === 'refund') return 'refund_reversal';
    if (!authorization || !snapshot) return 'force_capture';
    return kindOfCapture(
      -fact.amountMinor,
      {
        approved: snapshot.approved,
        hasEndedUncaptured: endedBefore(authorization, fact),
        amountMinor: snapshot.amountMinor,
      },
      await this.repository.capturedOf(tx, authorization.id),
    );
  }

  private async refunded(
    tx: Tx,
    fact: StripeCardTransaction,
    kind: CardTransactionKind,
    cardId: string,
  ): Promise<Pick<CardTransactionEntity, 'refundMatch' | 'refundedCardTransactionId'>> {
    if (kind !== 'refund' && kind !== 'refund_reversal') return { refundMatch: null, refundedCardTransactionId: null };
    const amountMinor = fact.amountMinor < 0n ? -fact.amountMinor : fact.amountMinor;
    const captures = await this.repository.listCaptures(tx, cardId);
    const { match, captureId } = matchRefund(
      { stripeAuthorizationId: fact.stripeAuthorizationId, amountMinor },
      captures,
    );
    return { refundMatch: match, refundedCardTransactionId: captureId };
  }

  private async post(tx: Tx, row: CardTransactionEntity, share: Share): Promise<void> {
    if (row.amountMinor === 0n) return;
    const { connectedAccountId, payoutId, currency } = row;
    const available = accounts.issuingAvailable(connectedAccountId, currency);
    const { posted } = await this.ledger.post(tx, {
      kind: entryKinds[row.kind],
      sourceId: row.stripeTransactionId,
      connectedAccountId,
      payoutId,
      occurredAt: row.occurredAt,
      balanceTransactionIds: row.balanceTransactionId === null ? [] : [row.balanceTransactionId],
      postings: [
        ...sharePostings(share, { connectedAccountId, payoutId, currency }),
        row.amountMinor > 0n
          ? debit(available, money(row.amountMinor, currency))
          : credit(available, money(-row.amountMinor, currency)),
      ],
    });
    if (!posted) throw new Error(`${row.stripeTransactionId} was posted before, though we had no row of it.`);
  }

  private async tell(tx: Tx, row: CardTransactionEntity): Promise<void> {
    const data = toEventData(row);
    const say = async (type: OutgoingEventType): Promise<void> => {
      await this.payouts.note(tx, row.payoutId, type, data);
      await this.outbox.append(tx, { type, connectedAccountId: row.connectedAccountId, payoutId: row.payoutId, data });
    };
    await say(row.type === 'refund' ? 'card_transaction.refunded' : 'card_transaction.captured');
    if (row.overspentMinor > 0n) await say('payout.overspent');
  }

  /** For events that do not say whose it is: we know it only if we booked it. */
  private async findStripeAccount(stripeTransactionId: string): Promise<string | null> {
    const row = await this.repository.findByStripeId(this.database.reader, stripeTransactionId);
    return row && (await this.connectedAccounts.get(row.connectedAccountId)).stripeAccountId;
  }
}

/** The capture itself closes its authorization, and that news may come first: then only the time tells. */
function endedBefore(authorization: Authorization, fact: StripeCardTransaction): boolean {
  if (authorization.status === 'expired' || authorization.status === 'reversed') return true;
  return authorization.endedAt !== null && authorization.endedAt.getTime() + clockSkewMsMax < fact.createdAt.getTime();
}

function shareOf(kind: CardTransactionKind, amountMinor: bigint, terms: PayoutTerms, isClosed: boolean): Share {
  if (kind === 'refund') return shareRefund(amountMinor, terms, isClosed);
  if (kind === 'refund_reversal') return shareRefundReversal(-amountMinor, terms);
  return shareCapture(-amountMinor, terms);
}

function toRow(
  fact: StripeCardTransaction,
  card: Card,
  kind: CardTransactionKind,
  share: Share,
  more: Pick<
    CardTransactionEntity,
    'authorizationId' | 'isAfterClose' | 'refundMatch' | 'refundedCardTransactionId'
  > & { now: Date },
): CardTransactionEntity {
  const { now, ...links } = more;
  return {
    id: newId('cardtx'),
    stripeTransactionId: fact.stripeCardTransactionId,
    connectedAccountId: card.connectedAccountId,
    payoutId: card.payoutId,
    cardId: card.id,
    stripeAuthorizationId: fact.stripeAuthorizationId,
    ...links,
    type: fact.type === 'refund' || fact.amountMinor > 0n ? 'refund' : 'capture',
    kind,
    amountMinor: fact.amountMinor,
    ...share,
    currency: toCurrency(fact.currency),
    merchantName: fact.merchant.name,
    merchantCategory: fact.merchant.category,
    merchantCategoryCode: fact.merchant.categoryCode,
    merchantCity: fact.merchant.city,
    merchantCountry: fact.merchant.country,
    merchantNetworkId: fact.merchant.networkId,
    merchantAmountMinor: fact.merchantAmountMinor,
    merchantCurrency: fact.merchantCurrency,
    balanceTransactionId: fact.balanceTransactionId,
    occurredAt: fact.createdAt,
    createdAt: now,
  };
}

function toEventData(row: CardTransactionEntity): Record<string, unknown> {
  return {
    card_transaction: row.id,
    stripe_transaction_id: row.stripeTransactionId,
    payout: row.payoutId,
    card: row.cardId,
    authorization: row.authorizationId,
    type: row.type,
    kind: row.kind,
    amount: Number(row.amountMinor),
    currency: row.currency,
    paid: Number(row.paidMinor),
    overspent: Number(row.overspentMinor),
    aftercare: Number(row.aftercareMinor),
    merchant: {
      name: row.merchantName,
      category: row.merchantCategory,
      city: row.merchantCity,
      country: row.merchantCountry,
    },
    merchant_amount: Number(row.merchantAmountMinor),
    merchant_currency: row.merchantCurrency,
    refund_match: row.refundMatch,
    refunded_card_transaction: row.refundedCardTransactionId,
    is_after_close: row.isAfterClose,
  };
}
