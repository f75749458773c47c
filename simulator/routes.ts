import { createAccountLink } from './account-links';
import {
  capabilitiesOf,
  changeAccount,
  createAccount,
  deleteAccount,
  ensurePlatformAccount,
  getAccount,
  listAccounts,
  renderAccount,
  requestCapability,
  updateAccount,
} from './accounts';
import { answerByCall, createAuthorization, incrementAuthorization } from './authorization-requests';
import { listAuthorizations, updateAuthorization } from './authorizations';
import { listBalanceTransactions, renderBalance } from './balance';
import { balanceTransferShape, createBalanceTransfer, refuseWithoutAccess } from './balance-transfers';
import { bankAccountFor } from './bank-accounts';
import {
  captureAuthorization,
  expireAuthorization,
  finalizeAmount,
  forceCapture,
  refundTransaction,
  reverseAuthorization,
  unlinkedRefund,
} from './captures';
import { createCardholder, listCardholders, updateCardholder } from './cardholders';
import { createCard, listCards, shipCard, updateCard } from './cards';
import { createCharge, listCharges } from './charges';
import { createDispute, listDisputes, submitDispute, updateDispute } from './disputes';
import { createEphemeralKey, deleteEphemeralKey } from './ephemeral-keys';
import { missing } from './errors';
import { listEvents } from './events';
import { respondToFraudChallenge } from './fraud-challenges';
import {
  createFundingInstructions,
  fundBalance,
  fundBalanceShape,
  fundingInstructionsListShape,
  fundingInstructionsShape,
  listFundingInstructions,
} from './funding-instructions';
import { listTransactions, updateTransaction } from './issuing-transactions';
import { cancelPaymentIntent, confirmPaymentIntent, createPaymentIntent, listPaymentIntents } from './payment-intents';
import { cancelPayout, createPayout, listPayouts, updatePayout } from './payouts';
import { createPerson, deletePerson, listPersons, retrievePerson, updatePerson } from './persons';
import type { Fields } from './shape';
import {
  activateDesign,
  createDesign,
  deactivateDesign,
  getBundle,
  listBundles,
  listDesigns,
  rejectDesign,
  updateDesign,
} from './personalization-designs';
import { retrieve, route, type Route, untypedRoute } from './route';
import type { Session } from './session';
import { cancelTopup, createTopup, listTopups, updateTopup } from './topups';
import {
  createReversal,
  createTransfer,
  getReversal,
  listReversals,
  listTransfers,
  updateReversal,
  updateTransfer,
} from './transfers';
import { createEndpoint, deleteEndpoint, listEndpoints, updateEndpoint } from './webhook-endpoints';

// Stripe's CLI still calls this one for `stripe trigger issuing_authorization.request`.
const legacyAuthorizationShape: Fields = {
  fields: {
    'held_amount!': 'integer',
    held_currency: 'string',
    authorization_method: 'string',
    expand: { list: 'string' },
  },
};

interface LegacyAuthorization {
  held_amount: number;
  held_currency?: string;
  authorization_method?: string;
}

function findCapability(session: Session, account: string, name: string): object {
  const found = capabilitiesOf(session, getAccount(session, account)).find(({ id }) => id === name);
  if (!found) throw missing('capability', name);
  return found;
}

const accounts: Route[] = [
  route('GET', '/v1/account', 'AccountRetrieveParams', (session) =>
    renderAccount(session, session.isPlatform ? ensurePlatformAccount(session) : getAccount(session, session.account)),
  ),
  route('POST', '/v1/accounts', 'AccountCreateParams', createAccount),
  route('GET', '/v1/accounts', 'AccountListParams', listAccounts),
  route('GET', '/v1/accounts/:id', 'AccountRetrieveParams', (session, _params, id = '') =>
    renderAccount(session, getAccount(session, id)),
  ),
  route('POST', '/v1/accounts/:id', 'AccountUpdateParams', (session, params, id = '') =>
    updateAccount(session, params, id),
  ),
  route('DELETE', '/v1/accounts/:id', 'AccountDeleteParams', (session, _params, id = '') => deleteAccount(session, id)),
  route('GET', '/v1/accounts/:id/capabilities', 'AccountListCapabilitiesParams', (session, _params, id = '') => ({
    object: 'list',
    data: capabilitiesOf(session, getAccount(session, id)),
    has_more: false,
    url: `/v1/accounts/${id}/capabilities`,
  })),
  route(
    'GET',
    '/v1/accounts/:id/capabilities/:name',
    'AccountRetrieveCapabilityParams',
    (session, _params, id = '', name = '') => findCapability(session, id, name),
  ),
  route(
    'POST',
    '/v1/accounts/:id/capabilities/:name',
    'AccountUpdateCapabilityParams',
    (session, params, id = '', name = '') => {
      const row = getAccount(session, id);
      if (params.requested) changeAccount(session, row, () => requestCapability(session, row, name));
      return findCapability(session, id, name);
    },
  ),
  route('GET', '/v1/accounts/:id/persons', 'AccountListPersonsParams', (session, params, id = '') =>
    listPersons(session, params, id),
  ),
  route('POST', '/v1/accounts/:id/persons', 'AccountCreatePersonParams', (session, params, id = '') =>
    createPerson(session, params, id),
  ),
  route(
    'GET',
    '/v1/accounts/:id/persons/:person',
    'AccountRetrievePersonParams',
    (session, _params, id = '', person = '') => retrievePerson(session, id, person),
  ),
  route(
    'POST',
    '/v1/accounts/:id/persons/:person',
    'AccountUpdatePersonParams',
    (session, params, id = '', person = '') => updatePerson(session, params, id, person),
  ),
  route(
    'DELETE',
    '/v1/accounts/:id/persons/:person',
    'AccountDeletePersonParams',
    (session, _params, id = '', person = '') => deletePerson(session, id, person),
  ),
  route(
    'POST',
    '/v1/accounts/:id/external_accounts',
    'AccountCreateExternalAccountParams',
    (session, params, id = '') => {
      const row = getAccount(session, id);
      const bank = bankAccountFor(session.as(id), row.body, params.external_account);
      changeAccount(session, row, () => row.body.external_accounts?.data.unshift(bank));
      return bank;
    },
  ),
  route(
    'GET',
    '/v1/accounts/:id/external_accounts',
    'AccountListExternalAccountsParams',
    (session, _params, id = '') => getAccount(session, id).body.external_accounts ?? {},
  ),
  route('POST', '/v1/account_links', 'AccountLinkCreateParams', createAccountLink),
];

const issuing: Route[] = [
  route('POST', '/v1/issuing/cardholders', 'Issuing.CardholderCreateParams', createCardholder),
  route('GET', '/v1/issuing/cardholders', 'Issuing.CardholderListParams', listCardholders),
  retrieve('/v1/issuing/cardholders/:id', 'Issuing.CardholderRetrieveParams', 'issuing.cardholder'),
  route('POST', '/v1/issuing/cardholders/:id', 'Issuing.CardholderUpdateParams', (session, params, id = '') =>
    updateCardholder(session, params, id),
  ),
  route('POST', '/v1/issuing/cards', 'Issuing.CardCreateParams', createCard),
  route('GET', '/v1/issuing/cards', 'Issuing.CardListParams', listCards),
  retrieve('/v1/issuing/cards/:id', 'Issuing.CardRetrieveParams', 'issuing.card', { revealsCard: true }),
  route('POST', '/v1/issuing/cards/:id', 'Issuing.CardUpdateParams', (session, params, id = '') =>
    updateCard(session, params, id),
  ),
  untypedRoute<LegacyAuthorization>(
    'POST',
    '/v1/issuing/cards/:id/test/authorizations',
    legacyAuthorizationShape,
    (session, params, id = '') =>
      createAuthorization(session, {
        card: id,
        amount: params.held_amount,
        ...(params.held_currency === undefined ? {} : { currency: params.held_currency }),
        ...(params.authorization_method === undefined ? {} : { authorization_method: params.authorization_method }),
      }),
  ),
  route('GET', '/v1/issuing/authorizations', 'Issuing.AuthorizationListParams', listAuthorizations),
  retrieve('/v1/issuing/authorizations/:id', 'Issuing.AuthorizationRetrieveParams', 'issuing.authorization'),
  route('POST', '/v1/issuing/authorizations/:id', 'Issuing.AuthorizationUpdateParams', (session, params, id = '') =>
    updateAuthorization(session, params, id),
  ),
  route(
    'POST',
    '/v1/issuing/authorizations/:id/approve',
    'Issuing.AuthorizationApproveParams',
    (session, params, id = '') => answerByCall(session, id, params, true),
  ),
  route(
    'POST',
    '/v1/issuing/authorizations/:id/decline',
    'Issuing.AuthorizationDeclineParams',
    (session, params, id = '') => answerByCall(session, id, params, false),
  ),
  route('GET', '/v1/issuing/transactions', 'Issuing.TransactionListParams', listTransactions),
  retrieve('/v1/issuing/transactions/:id', 'Issuing.TransactionRetrieveParams', 'issuing.transaction'),
  route('POST', '/v1/issuing/transactions/:id', 'Issuing.TransactionUpdateParams', (session, params, id = '') =>
    updateTransaction(session, params, id),
  ),
  route('POST', '/v1/issuing/disputes', 'Issuing.DisputeCreateParams', createDispute),
  route('GET', '/v1/issuing/disputes', 'Issuing.DisputeListParams', listDisputes),
  retrieve('/v1/issuing/disputes/:id', 'Issuing.DisputeRetrieveParams', 'issuing.dispute'),
  route('POST', '/v1/issuing/disputes/:id', 'Issuing.DisputeUpdateParams', (session, params, id = '') =>
    updateDispute(session, params, id),
  ),
  route('POST', '/v1/issuing/disputes/:id/submit', 'Issuing.DisputeSubmitParams', (session, params, id = '') =>
    submitDispute(session, params, id),
  ),
  untypedRoute('POST', '/v1/issuing/funding_instructions', fundingInstructionsShape, createFundingInstructions),
  untypedRoute('GET', '/v1/issuing/funding_instructions', fundingInstructionsListShape, listFundingInstructions),
  route('GET', '/v1/issuing/physical_bundles', 'Issuing.PhysicalBundleListParams', listBundles),
  route(
    'GET',
    '/v1/issuing/physical_bundles/:id',
    'Issuing.PhysicalBundleRetrieveParams',
    (_session, _params, id = '') => getBundle(id),
  ),
  route('POST', '/v1/issuing/personalization_designs', 'Issuing.PersonalizationDesignCreateParams', createDesign),
  route('GET', '/v1/issuing/personalization_designs', 'Issuing.PersonalizationDesignListParams', listDesigns),
  retrieve(
    '/v1/issuing/personalization_designs/:id',
    'Issuing.PersonalizationDesignRetrieveParams',
    'issuing.personalization_design',
  ),
  route(
    'POST',
    '/v1/issuing/personalization_designs/:id',
    'Issuing.PersonalizationDesignUpdateParams',
    (session, params, id = '') => updateDesign(session, params, id),
  ),
];

const testHelpers: Route[] = [
  route('POST', '/v1/test_helpers/issuing/authorizations', 'test_helpers.authorizations.create', createAuthorization),
  route(
    'POST',
    '/v1/test_helpers/issuing/authorizations/:id/capture',
    'test_helpers.authorizations.capture',
    (session, params, id = '') => captureAuthorization(session, params, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/authorizations/:id/expire',
    'test_helpers.authorizations.expire',
    (session, params, id = '') => expireAuthorization(session, params, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/authorizations/:id/finalize_amount',
    'test_helpers.authorizations.finalizeAmount',
    (session, params, id = '') => finalizeAmount(session, params, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/authorizations/:id/increment',
    'test_helpers.authorizations.increment',
    (session, params, id = '') => incrementAuthorization(session, params, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/authorizations/:id/reverse',
    'test_helpers.authorizations.reverse',
    (session, params, id = '') => reverseAuthorization(session, params, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/authorizations/:id/fraud_challenges/respond',
    'test_helpers.authorizations.respond',
    (session, params, id = '') => respondToFraudChallenge(session, params, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/transactions/create_force_capture',
    'test_helpers.transactions.createForceCapture',
    forceCapture,
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/transactions/create_unlinked_refund',
    'test_helpers.transactions.createUnlinkedRefund',
    unlinkedRefund,
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/transactions/:id/refund',
    'test_helpers.transactions.refund',
    (session, params, id = '') => refundTransaction(session, params, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/cards/:id/shipping/submit',
    'test_helpers.cards.submitCard',
    (session, _params, id = '') => shipCard(session, 'submitted', id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/cards/:id/shipping/ship',
    'test_helpers.cards.shipCard',
    (session, _params, id = '') => shipCard(session, 'shipped', id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/cards/:id/shipping/deliver',
    'test_helpers.cards.deliverCard',
    (session, _params, id = '') => shipCard(session, 'delivered', id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/cards/:id/shipping/return',
    'test_helpers.cards.returnCard',
    (session, _params, id = '') => shipCard(session, 'returned', id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/cards/:id/shipping/fail',
    'test_helpers.cards.failCard',
    (session, _params, id = '') => shipCard(session, 'failure', id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/personalization_designs/:id/activate',
    'test_helpers.personalizationDesigns.activate',
    (session, _params, id = '') => activateDesign(session, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/personalization_designs/:id/deactivate',
    'test_helpers.personalizationDesigns.deactivate',
    (session, _params, id = '') => deactivateDesign(session, id),
  ),
  route(
    'POST',
    '/v1/test_helpers/issuing/personalization_designs/:id/reject',
    'test_helpers.personalizationDesigns.reject',
    (session, params, id = '') => rejectDesign(session, params.rejection_reasons, id),
  ),
  untypedRoute('POST', '/v1/test_helpers/issuing/fund_balance', fundBalanceShape, fundBalance),
];

const balanceChoice = { destination_balance: 'issuing|payments' };

const money: Route[] = [
  route('GET', '/v1/balance', 'BalanceRetrieveParams', renderBalance),
  route('GET', '/v1/balance_transactions', 'BalanceTransactionListParams', listBalanceTransactions),
  retrieve('/v1/balance_transactions/:id', 'BalanceTransactionRetrieveParams', 'balance_transaction'),
  route('GET', '/v1/balance/history', 'BalanceTransactionListParams', listBalanceTransactions),
  retrieve('/v1/balance/history/:id', 'BalanceTransactionRetrieveParams', 'balance_transaction'),
  untypedRoute('POST', '/v1/balance_transfers', balanceTransferShape, createBalanceTransfer, refuseWithoutAccess),
  route('POST', '/v1/transfers', 'TransferCreateParams', createTransfer),
  route('GET', '/v1/transfers', 'TransferListParams', listTransfers),
  retrieve('/v1/transfers/:id', 'TransferRetrieveParams', 'transfer'),
  route('POST', '/v1/transfers/:id', 'TransferUpdateParams', (session, params, id = '') =>
    updateTransfer(session, params, id),
  ),
  route('POST', '/v1/transfers/:id/reversals', 'TransferCreateReversalParams', (session, params, id = '') =>
    createReversal(session, params, id),
  ),
  route('GET', '/v1/transfers/:id/reversals', 'TransferListReversalsParams', (session, params, id = '') =>
    listReversals(session, params, id),
  ),
  route(
    'GET',
    '/v1/transfers/:id/reversals/:reversal',
    'TransferRetrieveReversalParams',
    (session, _params, id = '', reversal = '') => getReversal(session, id, reversal).body,
  ),
  route(
    'POST',
    '/v1/transfers/:id/reversals/:reversal',
    'TransferUpdateReversalParams',
    (session, params, id = '', reversal = '') => updateReversal(session, params, id, reversal),
  ),
  route('POST', '/v1/topups', 'TopupCreateParams', createTopup, { also: balanceChoice }),
  route('GET', '/v1/topups', 'TopupListParams', listTopups),
  retrieve('/v1/topups/:id', 'TopupRetrieveParams', 'topup'),
  route('POST', '/v1/topups/:id', 'TopupUpdateParams', (session, params, id = '') => updateTopup(session, params, id)),
  route('POST', '/v1/topups/:id/cancel', 'TopupCancelParams', (session, _params, id = '') => cancelTopup(session, id)),
  route('POST', '/v1/payouts', 'PayoutCreateParams', (session, params) => createPayout(session, params), {
    also: { source_balance: 'issuing|payments' },
  }),
  route('GET', '/v1/payouts', 'PayoutListParams', listPayouts),
  retrieve('/v1/payouts/:id', 'PayoutRetrieveParams', 'payout'),
  route('POST', '/v1/payouts/:id', 'PayoutUpdateParams', (session, params, id = '') =>
    updatePayout(session, params, id),
  ),
  route('POST', '/v1/payouts/:id/cancel', 'PayoutCancelParams', (session, _params, id = '') =>
    cancelPayout(session, id),
  ),
  route('POST', '/v1/payment_intents', 'PaymentIntentCreateParams', createPaymentIntent, {
    also: { payment_method_types: { list: 'string' } },
  }),
  route('GET', '/v1/payment_intents', 'PaymentIntentListParams', listPaymentIntents),
  retrieve('/v1/payment_intents/:id', 'PaymentIntentRetrieveParams', 'payment_intent'),
  route('POST', '/v1/payment_intents/:id/confirm', 'PaymentIntentConfirmParams', (session, params, id = '') =>
    confirmPaymentIntent(session, params, id),
  ),
  route('POST', '/v1/payment_intents/:id/cancel', 'PaymentIntentCancelParams', (session, params, id = '') =>
    cancelPaymentIntent(session, params, id),
  ),
  route('POST', '/v1/charges', 'ChargeCreateParams', createCharge),
  route('GET', '/v1/charges', 'ChargeListParams', listCharges),
  retrieve('/v1/charges/:id', 'ChargeRetrieveParams', 'charge'),
  retrieve('/v1/refunds/:id', 'RefundRetrieveParams', 'refund'),
];

const notifications: Route[] = [
  route('GET', '/v1/events', 'EventListParams', listEvents),
  retrieve('/v1/events/:id', 'EventRetrieveParams', 'event'),
  route('POST', '/v1/webhook_endpoints', 'WebhookEndpointCreateParams', createEndpoint),
  route('GET', '/v1/webhook_endpoints', 'WebhookEndpointListParams', listEndpoints),
  retrieve('/v1/webhook_endpoints/:id', 'WebhookEndpointRetrieveParams', 'webhook_endpoint'),
  route('POST', '/v1/webhook_endpoints/:id', 'WebhookEndpointUpdateParams', (session, params, id = '') =>
    updateEndpoint(session, params, id),
  ),
  route('DELETE', '/v1/webhook_endpoints/:id', 'WebhookEndpointDeleteParams', (session, _params, id = '') =>
    deleteEndpoint(session, id),
  ),
  route('POST', '/v1/ephemeral_keys', 'EphemeralKeyCreateParams', createEphemeralKey),
  route('DELETE', '/v1/ephemeral_keys/:id', 'EphemeralKeyDeleteParams', (session, _params, id = '') =>
    deleteEphemeralKey(session, id),
  ),
];

/** Everything this simulator answers under /v1. Anything else is Stripe's unrecognized URL. */
export const routes: readonly Route[] = [...accounts, ...issuing, ...testHelpers, ...money, ...notifications];
