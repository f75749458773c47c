import { checkAmount } from './amounts';
import { availableIn, type BalanceType, move } from './balance';
import { nextBusinessDayMs } from './clock';
import { ApiError, insufficientFunds, refused, unrecognizedUrl } from './errors';
import { requireIssuing } from './cardholders';
import { newId } from './ids';
import type { BalanceTransfer, BalanceTransferSide } from './kinds';
import { mergedMetadata } from './metadata';
import type { Fields } from './shape';
import type { Session } from './session';

/** Private preview, so not among the generated types: written after Stripe's Python SDK. */
export const balanceTransferShape: Fields = {
  fields: {
    'amount!': 'integer',
    'currency!': 'eur|gbp|usd',
    'source_balance!': { fields: { 'type!': 'issuing|payments|allocated_funds' } },
    'destination_balance!': { fields: { 'type!': 'issuing|payments|allocated_funds' } },
    metadata: 'metadata?',
    expand: { list: 'string' },
  },
};

export interface BalanceTransferParams {
  amount: number;
  currency: string;
  source_balance: { type: BalanceType | 'allocated_funds' };
  destination_balance: { type: BalanceType | 'allocated_funds' };
  metadata?: Record<string, string> | '';
}

/** Moves money between the balances of one account. It can be created, and that is all. */
export function createBalanceTransfer(session: Session, params: BalanceTransferParams): BalanceTransfer {
  requireIssuing(session);
  const { amount, currency } = params;
  const from = knownBalance(params.source_balance.type, 'source_balance[type]');
  const to = knownBalance(params.destination_balance.type, 'destination_balance[type]');
  if (from === to)
    throw refused(
      'The source and the destination balance must differ.',
      'balance_invalid_parameter',
      'destination_balance[type]',
    );
  checkAmount(amount);
  if (availableIn(session, from, currency) < amount) throw insufficientFunds();

  const id = newId('btr');
  const out = move(session, {
    ...{ amount: -amount, currency, source: id, place: 'other_balances' },
    ...{ balanceType: from, type: 'balance_transfer_outbound' },
  });
  const incoming = move(session, {
    ...{ amount, currency, source: id, place: 'other_balances' },
    ...{ balanceType: to, type: 'balance_transfer_inbound' },
    // Instant in the US, the next business day elsewhere, and not to be spent until then.
    ...(currency === 'usd' ? {} : { availableAtMs: nextBusinessDayMs(session.nowMs) }),
  });
  const transfer: BalanceTransfer = {
    id,
    object: 'balance_transfer',
    amount,
    created: session.now,
    currency,
    destination_balance: side(to, incoming.id),
    hosted_regulatory_receipt_url: null,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    source_balance: side(from, out.id),
  };
  session.insert<'balance_transfer'>(transfer, {});
  return transfer;
}

/** A preview behind an access list: without the version its URL is unknown, without access it is forbidden. */
export function refuseWithoutAccess(session: Session): void {
  const { balance_transfers_need_preview: needsPreview, balance_transfers_enabled: enabled } = session.settings;
  const version = session.request?.apiVersion ?? '';
  if (needsPreview && !version.includes('preview')) throw unrecognizedUrl('POST', '/v1/balance_transfers');
  if (!enabled) {
    throw new ApiError(403, {
      type: 'invalid_request_error',
      message: 'Your account does not have access to the Balance Transfer API. Contact Stripe support to request it.',
    });
  }
}

function knownBalance(type: BalanceType | 'allocated_funds', param: string): BalanceType {
  if (type === 'allocated_funds')
    throw refused('This account has no allocated funds.', 'balance_invalid_parameter', param);
  return type;
}

function side(type: BalanceType, transaction: string): BalanceTransferSide {
  return type === 'issuing'
    ? { type, issuing: { balance_transaction: transaction } }
    : { type, payments: { balance_transaction: transaction, source_type: 'card' } };
}
