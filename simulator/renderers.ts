import { renderAccount } from './accounts';
import { renderAuthorization } from './authorizations';
import { renderBalanceTransaction } from './balance';
import { renderCardholder } from './cardholders';
import { renderCard } from './cards';
import { renderCharge, renderRefund } from './charges';
import { renderDispute } from './disputes';
import { renderEvent } from './events';
import { renderTransaction } from './issuing-transactions';
import type { Kind, Row } from './kinds';
import { renderPaymentIntent } from './payment-intents';
import { renderPayout } from './payouts';
import type { Session } from './session';
import { renderTopup } from './topups';
import { renderReversal, renderTransfer } from './transfers';
import { renderEndpoint } from './webhook-endpoints';

type Renderers = { [K in Kind]: (session: Session, row: Row<K>) => object };

/** How each kind is said on the wire. */
export const renderers: Renderers = {
  account: renderAccount,
  balance_transaction: renderBalanceTransaction,
  balance_transfer: (_session, row) => row.body,
  bank_account: (_session, row) => row.body,
  charge: renderCharge,
  ephemeral_key: (_session, row) => row.body,
  event: renderEvent,
  'issuing.authorization': renderAuthorization,
  'issuing.card': renderCard,
  'issuing.cardholder': renderCardholder,
  'issuing.dispute': renderDispute,
  'issuing.personalization_design': (_session, row) => row.body,
  'issuing.transaction': renderTransaction,
  payment_intent: renderPaymentIntent,
  payout: renderPayout,
  person: (_session, row) => row.body,
  refund: renderRefund,
  topup: renderTopup,
  transfer: renderTransfer,
  transfer_reversal: renderReversal,
  webhook_endpoint: renderEndpoint,
};
