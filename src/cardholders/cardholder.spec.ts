import { cardholderCreateParams, cardholderErrors, CardholderFacts, isEligible } from './cardholder.policy';
import { CardholderProfile } from './cardholder.types';

const now = new Date('2026-11-21T12:00:00Z');
const address = {
  line1: '354 Oyster Point Blvd',
  city: 'South San Francisco',
  state: 'CA',
  postal_code: '94080',
  country: 'US',
};
const jenny: CardholderProfile = { name: 'Jenny Rosen', billingAddress: address };

function pointers(profile: Partial<CardholderProfile>, facts: Partial<CardholderFacts> = {}): string[] {
  const errors = cardholderErrors(
    { type: 'individual', accountCountry: 'US', profile: { ...jenny, ...profile }, ...facts },
    now,
  );
  return errors.map((error) => error.pointer);
}

describe('a cardholder', () => {
  it('is accepted as Stripe would accept it', () => {
    expect(pointers({})).toEqual([]);
    expect(pointers({ name: "O'Neil & Søn (2-4): A/B." })).toEqual([]);
  });

  it.each([
    'Jenny Rosen the Third, Esq',
    'x'.repeat(25),
    'Jenny_Rosen',
    'Jenny\nRosen',
    '',
    '   ',
    '12345',
    'Jenny Rosen €',
  ])('is refused under the name %p', (name) => {
    expect(pointers({ name })).toContain('/name');
  });

  it('is at least thirteen, to the day', () => {
    expect(pointers({ dob: { day: 21, month: 11, year: 2013 } })).toEqual([]);
    expect(pointers({ dob: { day: 22, month: 11, year: 2013 } })).toEqual(['/dob']);
    expect(pointers({ dob: { day: 30, month: 2, year: 1990 } })).toEqual(['/dob']);
  });

  it.each(['PO Box 12', 'P.O. Box 12', 'p o box 7', 'Post Office Box 9', 'Postfach 12 34'])(
    'lives at no %s',
    (line1) => {
      expect(pointers({ billingAddress: { ...address, line1 } })).toEqual(['/billing_address/line1']);
      expect(pointers({ billingAddress: { ...address, line2: line1 } })).toEqual(['/billing_address/line2']);
    },
  );

  it('may live on Box Street', () => {
    expect(pointers({ billingAddress: { ...address, line1: '12 Boxwood Road, Apollo Boxing Hall' } })).toEqual([]);
  });

  it('lives where its account may issue', () => {
    expect(pointers({ billingAddress: { ...address, country: 'GB' } })).toEqual(['/billing_address/country']);
    const german = { accountCountry: 'DE' };
    const phoneNumber = '+4915112345678';
    expect(pointers({ phoneNumber, billingAddress: { ...address, country: 'GB' } }, german)).toEqual([]);
    expect(pointers({ phoneNumber, billingAddress: { ...address, country: 'NO' } }, german)).toEqual([]);
    expect(pointers({ phoneNumber, billingAddress: { ...address, country: 'US' } }, german)).toEqual([
      '/billing_address/country',
    ]);
  });

  it('has a telephone outside the US', () => {
    const billingAddress = { ...address, country: 'GB' };
    expect(pointers({ billingAddress }, { accountCountry: 'GB' })).toEqual(['/phone_number']);
    expect(pointers({ billingAddress, phoneNumber: '+447911123456' }, { accountCountry: 'GB' })).toEqual([]);
  });

  it('is told apart: a company has no birthday, a person no tax id', () => {
    expect(pointers({ dob: { day: 1, month: 1, year: 1990 }, firstName: 'J' }, { type: 'company' })).toEqual([
      '/first_name',
      '/dob',
    ]);
    expect(pointers({ companyTaxId: '000000000' })).toEqual(['/tax_id']);
    expect(pointers({ companyTaxId: '000000000' }, { type: 'company' })).toEqual([]);
  });

  it('cannot have accepted the terms tomorrow', () => {
    expect(pointers({ userTermsAcceptance: { ip: '203.0.113.7', date: '2026-11-22T12:00:00Z' } })).toEqual([
      '/user_terms_acceptance/date',
    ]);
  });

  it('is eligible only when Stripe has it, active, with nothing against it', () => {
    const good = {
      stripeCardholderId: 'ich_1',
      status: 'active',
      requirements: { pastDue: [], disabledReason: null },
      erasedAt: null,
    } as const;
    expect(isEligible(good)).toBe(true);
    expect(isEligible({ ...good, erasedAt: new Date(0) })).toBe(false);
    expect(isEligible({ ...good, stripeCardholderId: null })).toBe(false);
    expect(isEligible({ ...good, status: 'blocked' })).toBe(false);
    expect(isEligible({ ...good, status: 'inactive' })).toBe(false);
    expect(isEligible({ ...good, requirements: { pastDue: [], disabledReason: 'under_review' } })).toBe(false);
  });
});

describe('what Stripe is told of a cardholder', () => {
  it('splits a person’s name when its parts were not told', () => {
    const params = cardholderCreateParams('holder_1', 'individual', {
      ...jenny,
      name: 'Jenny May Rosen',
      userTermsAcceptance: { ip: '203.0.113.7', date: '2026-11-02T09:30:00Z' },
    });

    expect(params.individual).toEqual({
      first_name: 'Jenny May',
      last_name: 'Rosen',
      card_issuing: { user_terms_acceptance: { date: 1_793_611_800, ip: '203.0.113.7' } },
    });
    expect(params).toMatchObject({ name: 'Jenny May Rosen', type: 'individual', billing: { address } });
  });

  it('says of a company nothing about a person', () => {
    const params = cardholderCreateParams('holder_1', 'company', {
      ...jenny,
      name: 'Rocket Rides',
      companyTaxId: '000000000',
    });

    expect(params).toMatchObject({ type: 'company', company: { tax_id: '000000000' } });
    expect(params).not.toHaveProperty('individual');
  });
});
