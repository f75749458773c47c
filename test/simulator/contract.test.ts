import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Json, sampleDifferences, typedObjects, typeProblems } from './contract';
import { generateParameters } from './parameter-types';
import { previewVersion, World } from './world';

const root = join(__dirname, '../..');

/** Where an answer may differ from its sample, and why. Everything else is a mistake. */
const explained = [
  // The sample is a standard account of another platform's; ours is a company that issues cards.
  'account: extra controller.',
  'account: extra company',
  'account: missing capabilities.card_payments',
  'account: extra capabilities.card_issuing',
  // Newer than the sample, and required by the types.
  'account: extra business_profile.specified_commercial_transactions_act_url',
  // The sample's account is not on Issuing.
  'balance: extra issuing',
  // Said once, when the key is made.
  'ephemeral_key: extra secret',
  // The sample's event is about a subscription plan, on the platform itself.
  'event: missing data.object.',
  'event: extra data.',
  'event: extra account',
  // Only on a cardholder who has accepted the terms.
  'issuing.authorization: extra card.cardholder.individual.card_issuing',
  'issuing.card: extra cardholder.individual.card_issuing',
  'issuing.cardholder: extra individual.card_issuing',
  // Only on a dispute that moved money.
  'issuing.dispute: extra balance_transactions',
  // Documented, and in real answers, though in neither the sample nor the types.
  'topup: extra destination_balance',
];

/** A tour through everything the simulator answers, recorded as it came over the wire. */
async function recordAnswers(world: World): Promise<Json[]> {
  const platform = world.platform();
  const answers: Json[] = [];
  const call = async (method: string, path: string, body = '', account?: string): Promise<Json> => {
    const headers: Record<string, string> = { 'Stripe-Version': previewVersion };
    if (account !== undefined) headers['Stripe-Account'] = account;
    const response = await platform.raw(method, path, body, headers);
    const json = (await response.json()) as Json;
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
    answers.push(...typedObjects(json));
    return json;
  };
  const seller = await platform.newSeller({ issuing: 1000_00 });
  await platform.fundPlatform(500_00);

  const transfer = await call(
    'POST',
    '/v1/transfers',
    `amount=20000&currency=usd&destination=${seller}&transfer_group=g1`,
  );
  await call('POST', `/v1/transfers/${transfer['id'] as string}/reversals`, 'amount=5000');
  await call(
    'GET',
    `/v1/transfers/${transfer['id'] as string}?expand[]=destination_payment&expand[]=balance_transaction`,
  );
  await call(
    'POST',
    '/v1/balance_transfers',
    'amount=1000&currency=usd&source_balance[type]=payments&destination_balance[type]=issuing',
    seller,
  );
  await call('GET', `/v1/accounts/${seller}`);
  await call('POST', `/v1/accounts/${seller}`, 'metadata[a]=b&business_profile[name]=Shop');
  await call('GET', `/v1/accounts/${seller}/capabilities`);
  const persons = await call('GET', `/v1/accounts/${seller}/persons`);
  await call(
    'POST',
    `/v1/accounts/${seller}/external_accounts`,
    'external_account[object]=bank_account&external_account[country]=US&external_account[currency]=usd&external_account[account_number]=000123456789',
  );
  await call('POST', '/v1/account_links', `account=${seller}&type=account_onboarding`);
  await call(
    'POST',
    '/v1/accounts',
    'type=custom&business_type=individual&individual[first_name]=A&individual[dob][day]=1&individual[dob][month]=1&individual[dob][year]=1990',
  );
  expect((persons['data'] as Json[]).length).toBe(1);

  const holder = await platform.newCardholder(seller);
  await call(
    'POST',
    `/v1/issuing/cardholders/${holder.id}`,
    'spending_controls[spending_limits][0][amount]=100000&spending_controls[spending_limits][0][interval]=daily',
    seller,
  );
  const virtual = await call(
    'POST',
    '/v1/issuing/cards',
    `cardholder=${holder.id}&currency=usd&type=virtual&status=active&lifecycle_controls[cancel_after][payment_count]=9`,
    seller,
  );
  const physical = await call(
    'POST',
    '/v1/issuing/cards',
    `cardholder=${holder.id}&currency=usd&type=physical&shipping[name]=J&shipping[address][line1]=1 St&shipping[address][city]=B&shipping[address][country]=US&shipping[address][postal_code]=90210`,
    seller,
  );
  await call('POST', `/v1/test_helpers/issuing/cards/${physical['id'] as string}/shipping/ship`, '', seller);
  await call('GET', `/v1/issuing/cards/${virtual['id'] as string}?expand[]=number&expand[]=cvc`, '', seller);
  const test = '/v1/test_helpers/issuing';
  await call('GET', '/v1/issuing/physical_bundles', '', seller);
  const design = await call(
    'POST',
    '/v1/issuing/personalization_designs',
    'physical_bundle=ics_custom&carrier_text[header_title]=Hi&lookup_key=x',
    seller,
  );
  await call('POST', `${test}/personalization_designs/${design['id'] as string}/activate`, '', seller);
  await call(
    'POST',
    `${test}/personalization_designs/${design['id'] as string}/reject`,
    'rejection_reasons[carrier_text][]=inappropriate',
    seller,
  );
  const authorization = await call(
    'POST',
    `${test}/authorizations`,
    `card=${virtual['id'] as string}&amount=5000&wallet=apple_pay&amount_details[cashback_amount]=100&verification_data[three_d_secure][result]=authenticated`,
    seller,
  );
  const id = authorization['id'] as string;
  await call('POST', `${test}/authorizations/${id}/increment`, 'increment_amount=500', seller);
  await call('POST', `${test}/authorizations/${id}/reverse`, 'reverse_amount=100', seller);
  const captured = await call(
    'POST',
    `${test}/authorizations/${id}/capture`,
    'purchase_details[receipt][0][description]=x&purchase_details[receipt][0][quantity]=2&purchase_details[flight][passenger_name]=J&purchase_details[fuel][unit_cost_decimal]=3.5',
    seller,
  );
  const transaction = (captured['transactions'] as Json[])[0]?.['id'] as string;
  await call(
    'GET',
    `/v1/issuing/transactions/${transaction}?expand[]=purchase_details&expand[]=authorization&expand[]=card`,
    '',
    seller,
  );
  await call('POST', `${test}/transactions/${transaction}/refund`, 'refund_amount=200', seller);
  const dispute = await call(
    'POST',
    '/v1/issuing/disputes',
    `transaction=${transaction}&evidence[reason]=fraudulent&evidence[fraudulent][explanation]=no`,
    seller,
  );
  await call('POST', `/v1/issuing/disputes/${dispute['id'] as string}/submit`, '', seller);
  await platform.control(
    'POST',
    `/disputes/${dispute['id'] as string}/outcome`,
    { outcome: 'provisional_credit' },
    seller,
  );
  await platform.control('POST', `/disputes/${dispute['id'] as string}/outcome`, { outcome: 'lost' }, seller);
  await call('GET', '/v1/issuing/disputes', '', seller);
  await call('POST', `${test}/transactions/create_force_capture`, `card=${virtual['id'] as string}&amount=300`, seller);
  const fleet = (path: string) =>
    [
      'cardholder_prompt_data][driver_id]=17',
      'cardholder_prompt_data][odometer]=42000',
      'purchase_type]=fuel_purchase',
      'reported_breakdown][fuel][gross_amount_decimal]=4750.5',
      'reported_breakdown][tax][local_amount_decimal]=1.25',
      'service_type]=self_service',
    ]
      .map((field) => `${path}${path === 'fleet' ? '[' : '[fleet]['}${field}`)
      .join('&');
  const pump = await call(
    'POST',
    `${test}/authorizations`,
    `card=${virtual['id'] as string}&amount=100&merchant_data[category]=automated_fuel_dispensers&${fleet('fleet')}`,
    seller,
  );
  await call(
    'POST',
    `${test}/authorizations/${pump['id'] as string}/finalize_amount`,
    'final_amount=4750&fuel[type]=diesel&fuel[unit]=liter&fuel[quantity_decimal]=25.25&fuel[unit_cost_decimal]=188.1',
    seller,
  );
  const filled = await call(
    'POST',
    `${test}/authorizations/${pump['id'] as string}/capture`,
    `${fleet('purchase_details')}&purchase_details[flight][segments][0][carrier]=LH`,
    seller,
  );
  const fuelled = (filled['transactions'] as Json[])[0]?.['id'] as string;
  await call('GET', `/v1/issuing/transactions/${fuelled}?expand[]=purchase_details`, '', seller);
  await platform.control('PATCH', '/settings', { fraud_challenges: 'sms' });
  for (const confirmed of [false, true]) {
    const risky = `card=${virtual['id'] as string}&amount=900&risk_assessment[fraud_risk][level]=highest`;
    const challenged = await call('POST', `${test}/authorizations`, risky, seller);
    expect(challenged).toMatchObject({ fraud_challenges: [{ status: 'pending' }] });
    await call(
      'POST',
      `${test}/authorizations/${challenged['id'] as string}/fraud_challenges/respond`,
      `confirmed=${confirmed}`,
      seller,
    );
  }
  await call(
    'POST',
    `${test}/transactions/create_unlinked_refund`,
    `card=${virtual['id'] as string}&amount=300`,
    seller,
  );
  const topup = await call('POST', '/v1/topups', 'amount=2000&currency=usd&destination_balance=issuing', seller);
  await platform.control('POST', `/topups/${topup['id'] as string}/succeed`, {}, seller);
  await call('GET', `/v1/topups/${topup['id'] as string}`, '', seller);
  const payout = await call('POST', '/v1/payouts', 'amount=500&currency=usd&source_balance=issuing', seller);
  await call('GET', `/v1/payouts/${payout['id'] as string}?expand[]=destination`, '', seller);
  await call('POST', '/v1/payment_intents', 'amount=500&currency=usd&payment_method=pm_card_visa&confirm=true');
  await call(
    'POST',
    '/v1/issuing/funding_instructions',
    'currency=usd&funding_type=bank_transfer&bank_transfer[type]=us_bank_transfer',
    seller,
  );
  await call(
    'POST',
    '/v1/issuing/funding_instructions',
    'currency=eur&funding_type=bank_transfer&bank_transfer[type]=eu_bank_transfer',
    seller,
  );
  await call(
    'POST',
    '/v1/issuing/funding_instructions',
    'currency=gbp&funding_type=bank_transfer&bank_transfer[type]=gb_bank_transfer',
    seller,
  );
  await call('POST', '/v1/ephemeral_keys', `issuing_card=${virtual['id'] as string}&nonce=n_1`, seller);
  await call('POST', '/v1/webhook_endpoints', 'url=https://example.com&enabled_events[]=*&connect=true');
  await call('GET', '/v1/webhook_endpoints');
  await call('GET', '/v1/balance', '', seller);
  for (const account of [undefined, seller]) {
    for (const list of [
      'balance_transactions',
      'events',
      'charges',
      'payouts',
      'topups',
      'transfers',
      'issuing/cards',
      'issuing/authorizations',
      'issuing/transactions',
      'issuing/cardholders',
    ]) {
      await call('GET', `/v1/${list}?limit=100`, '', account);
    }
  }
  return answers;
}

let world: World;
let answers: Json[];
beforeAll(async () => {
  world = await World.start();
  answers = await recordAnswers(world);
}, 30_000);
afterAll(() => world.close());

it('answers nothing that the types of the stripe package do not allow', () => {
  expect(answers.length).toBeGreaterThan(100);
  expect(typeProblems(root, answers)).toEqual([]);
}, 60_000);

it('would notice a key too many, a key too few and a wrong type', () => {
  const reversal = answers.find(({ object }) => object === 'transfer_reversal') ?? {};
  const { amount, ...withoutAmount } = reversal;
  const problems = typeProblems(root, [
    { ...reversal, surplus: 1 },
    withoutAmount,
    { ...reversal, amount: String(amount) },
  ]);
  expect(problems).toHaveLength(3);
}, 60_000);

it('accepts and refuses the parameters that the package types today', () => {
  const file = join(root, 'simulator/parameters.generated.ts');
  const generated = generateParameters(root);
  if (process.env['UPDATE_PARAMETERS']) writeFileSync(file, generated);

  expect(readFileSync(file, 'utf8')).toBe(generated);
}, 60_000);

it('has the keys and kinds of value of the samples Stripe publishes', () => {
  const samples = JSON.parse(readFileSync(join(root, 'test/simulator/samples.json'), 'utf8')) as Record<string, Json>;
  const differences = Object.entries(samples).flatMap(([name, sample]) => {
    const answer = answers.findLast(({ object }) => object === name);
    return answer
      ? sampleDifferences(sample, answer).map((difference) => `${name}: ${difference}`)
      : [`${name}: never answered`];
  });

  expect(differences.filter((difference) => !explained.some((prefix) => difference.startsWith(prefix)))).toEqual([]);
});
