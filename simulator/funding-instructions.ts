import { createHash } from 'node:crypto';
import { checkAmount } from './amounts';
import { requireIssuing } from './cardholders';
import { currencyOf } from './countries';
import { badParameter, refused } from './errors';
import type { ListAnswer } from './lists';
import type { Fields } from './shape';
import type { Session } from './session';
import { receiveBankTransfer } from './topups';

export const fundingInstructionsShape: Fields = {
  fields: {
    'currency!': 'string',
    'funding_type!': 'bank_transfer',
    'bank_transfer!': { fields: { 'type!': 'us_bank_transfer|gb_bank_transfer|eu_bank_transfer' } },
    expand: { list: 'string' },
  },
};

export const fundingInstructionsListShape: Fields = {
  fields: { limit: 'integer', starting_after: 'string', ending_before: 'string', expand: { list: 'string' } },
};

export const fundBalanceShape: Fields = {
  fields: { 'amount!': 'integer', 'currency!': 'string', expand: { list: 'string' } },
};

type TransferType = 'us_bank_transfer' | 'gb_bank_transfer' | 'eu_bank_transfer';

const typeByCurrency: Record<string, TransferType> = {
  usd: 'us_bank_transfer',
  gbp: 'gb_bank_transfer',
  eur: 'eu_bank_transfer',
};

interface InstructionsParams {
  currency: string;
  funding_type: 'bank_transfer';
  bank_transfer: { type: TransferType };
}

/** Where to push money to. The same account always gets the same answer; there is no id. */
export function createFundingInstructions(session: Session, params: InstructionsParams): object {
  requireIssuing(session);
  const currency = params.currency.toLowerCase();
  if (typeByCurrency[currency] !== params.bank_transfer.type) {
    throw badParameter(
      `Invalid bank_transfer[type]: ${params.bank_transfer.type} does not carry ${currency}.`,
      'bank_transfer[type]',
    );
  }
  return instructionsFor(session, currency);
}

export function listFundingInstructions(session: Session): ListAnswer {
  requireIssuing(session);
  const country = session.objects.find(session.platform.id, 'account', session.account)?.body.country ?? 'US';
  const currency = currencyOf(country) ?? 'usd';
  const data = typeByCurrency[currency] ? [instructionsFor(session, currency)] : [];
  return { object: 'list', data, has_more: false, url: '/v1/issuing/funding_instructions' };
}

function instructionsFor(session: Session, currency: string): object {
  const digits = digitsFrom(`${session.account}:${currency}`);
  const type = typeByCurrency[currency] ?? 'us_bank_transfer';
  const name = 'Stripe Test';
  const address = {
    city: 'San Francisco',
    country: 'US',
    line1: '354 Oyster Point Blvd',
    line2: null,
    postal_code: '94080',
    state: 'CA',
  };
  const holder = { account_holder_address: address, account_holder_name: name, bank_address: address };
  const financialAddress = {
    us_bank_transfer: {
      aba: {
        ...holder,
        account_number: digits.slice(0, 12),
        account_type: 'checking',
        bank_name: 'US Test Bank',
        routing_number: '999999999',
      },
      supported_networks: ['ach', 'domestic_wire_us'],
      type: 'aba',
    },
    gb_bank_transfer: {
      sort_code: { ...holder, account_number: digits.slice(0, 8), sort_code: '108800' },
      supported_networks: ['fps', 'bacs'],
      type: 'sort_code',
    },
    eu_bank_transfer: {
      iban: { ...holder, bic: 'REVOLT21', country: 'IE', iban: `IE${digits.slice(0, 20)}` },
      supported_networks: ['sepa'],
      type: 'iban',
    },
  }[type];
  const country = { us_bank_transfer: 'US', gb_bank_transfer: 'GB', eu_bank_transfer: 'IE' }[type];
  return {
    object: 'funding_instructions',
    bank_transfer: { country, financial_addresses: [financialAddress], type },
    currency,
    funding_type: 'bank_transfer',
    livemode: false,
  };
}

function digitsFrom(text: string): string {
  return [...createHash('sha256').update(text).digest()].map((byte) => byte % 10).join('');
}

/** The test helper: money arrives at the instructions' account, at once. It is booked as a top-up. */
export function fundBalance(session: Session, params: { amount: number; currency: string }): object {
  requireIssuing(session);
  const currency = params.currency.toLowerCase();
  const country = session.objects.find(session.platform.id, 'account', session.account)?.body.country;
  if (session.settings.fund_balance_refused_in_us && country === 'US') throw refused('US is not currently supported.');
  checkAmount(params.amount);
  if (!typeByCurrency[currency]) throw badParameter(`Invalid currency: ${params.currency}`, 'currency');
  receiveBankTransfer(session, params.amount, currency);
  return instructionsFor(session, currency);
}
