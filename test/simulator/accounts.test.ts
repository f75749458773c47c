import { Listener, type Platform, World } from './world';

let world: World;
let platform: Platform;
beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => {
  platform = world.platform();
});
afterAll(() => world.close());

const controller = {
  stripe_dashboard: { type: 'none' as const },
  fees: { payer: 'application' as const },
  losses: { payments: 'application' as const },
  requirement_collection: 'application' as const,
};
const capabilities = { card_issuing: { requested: true }, transfers: { requested: true } };

it('owes what is missing, reviews when nothing is, and says so to Connect endpoints', async () => {
  const listener = await Listener.start();
  await platform.stripe.webhookEndpoints.create({
    url: listener.url,
    connect: true,
    enabled_events: ['account.updated', 'capability.updated'],
  });
  const account = await platform.stripe.accounts.create({
    country: 'US',
    controller,
    capabilities,
    business_type: 'individual',
    individual: { first_name: 'Jenny' },
  });
  expect(account.capabilities).toEqual({ card_issuing: 'inactive', transfers: 'inactive' });
  expect(account.requirements?.currently_due).toContain('individual.last_name');
  expect(account.requirements?.currently_due).toContain('settings.card_issuing.tos_acceptance.ip');
  expect(account.requirements?.currently_due).not.toContain('individual.first_name');

  const address = { line1: '1 Main', city: 'SF', state: 'CA', postal_code: '94107' };
  const given = await platform.stripe.accounts.update(account.id, {
    business_profile: { mcc: '5734', url: 'https://example.com' },
    individual: {
      last_name: 'Rosen',
      dob: { day: 1, month: 1, year: 1990 },
      email: 'j@example.com',
      phone: '+14155550132',
      address,
      ssn_last_4: '0000',
    },
    settings: { card_issuing: { tos_acceptance: { date: 1_700_000_000, ip: '127.0.0.1' } } },
    tos_acceptance: { date: 1_700_000_000, ip: '127.0.0.1' },
  });
  expect([given.requirements?.currently_due, given.capabilities]).toEqual([
    [],
    { card_issuing: 'pending', transfers: 'pending' },
  ]);
  await platform.advance(1);
  await platform.settled();

  expect((await platform.stripe.accounts.retrieve(account.id)).capabilities).toEqual({
    card_issuing: 'active',
    transfers: 'active',
  });
  const active = listener.received
    .map(({ event }) => event)
    .filter(({ data }) => (data.object as { status?: string }).status === 'active');
  expect(active.map(({ type, account: owner }) => [type, owner])).toEqual([
    ['capability.updated', account.id],
    ['capability.updated', account.id],
  ]);
  expect(listener.types()).toContain('account.updated');
  await listener.close();
});

it('lets a person complete onboarding on the page of an account link, once', async () => {
  const account = await platform.stripe.accounts.create({
    country: 'US',
    controller,
    capabilities,
    business_type: 'company',
    company: { name: 'Shop' },
  });
  const link = await platform.stripe.accountLinks.create({
    account: account.id,
    type: 'account_onboarding',
    return_url: 'https://example.com/back',
    refresh_url: 'https://example.com/again',
  });

  const page = await (await fetch(link.url)).text();
  expect(page).toContain('representative.first_name');
  expect((await platform.stripe.accounts.retrieve(account.id)).requirements?.currently_due?.length).toBeGreaterThan(0);
  const submitted = await fetch(link.url, { method: 'POST', redirect: 'manual' });
  expect([submitted.status, submitted.headers.get('location')]).toEqual([303, 'https://example.com/back']);
  expect((await fetch(link.url, { method: 'POST' })).status).toBe(404);
  await platform.advance(1);

  const done = await platform.stripe.accounts.retrieve(account.id);
  expect(done).toMatchObject({
    capabilities: { card_issuing: 'active' },
    company: { name: 'Shop', tax_id_provided: true },
    requirements: { currently_due: [] },
  });
});

it('sends a late visitor to the refresh url', async () => {
  const account = await platform.stripe.accounts.create({ controller, capabilities });
  const link = await platform.stripe.accountLinks.create({
    account: account.id,
    type: 'account_onboarding',
    return_url: 'https://example.com/back',
    refresh_url: 'https://example.com/again',
  });
  await platform.advance(301);

  const late = await fetch(link.url, { redirect: 'manual' });
  expect([late.status, late.headers.get('location')]).toEqual([303, 'https://example.com/again']);
});

it('takes a capability away and gives it back, by a control', async () => {
  const seller = await platform.newSeller();
  await platform.control('POST', `/accounts/${seller}/requirements`, {
    capability: 'card_issuing',
    requirements: ['company.tax_id'],
  });
  expect((await platform.stripe.accounts.retrieve(seller)).capabilities).toMatchObject({
    card_issuing: 'inactive',
    transfers: 'active',
  });
  expect(await platform.stripe.accounts.retrieveCapability(seller, 'card_issuing')).toMatchObject({
    requirements: { currently_due: ['company.tax_id'] },
  });
  await expect(platform.newCardholder(seller)).rejects.toThrow('not set up to use Issuing');

  await platform.control('POST', `/accounts/${seller}/requirements`, { capability: 'card_issuing', requirements: [] });
  await platform.advance(1);
  await expect(platform.newCardholder(seller)).resolves.toMatchObject({ status: 'active' });
});

it('refuses to force what is not there, or not one’s own', async () => {
  const seller = await platform.newSeller({ issuing: 10_00 });
  const holder = await platform.newCardholder(seller);
  const force = (body: object, by = platform) => by.control('POST', `/accounts/${seller}/requirements`, body);

  await expect(force({ capability: 'card_isuing' })).rejects.toThrow('No such capability');
  await expect(force({ cardholder: holder.id, status: 'gone' })).rejects.toThrow('status must be one of');
  const block = { cardholder: holder.id, status: 'blocked' };
  await expect(force(block, world.platform())).rejects.toThrow('does not have access');
  expect(await platform.stripe.issuing.cardholders.retrieve(holder.id, {}, { stripeAccount: seller })).toEqual(holder);
});

it('lets a connected account reach no account but itself', async () => {
  const [seller, other] = [await platform.newSeller(), await platform.newSeller()];
  const options = { stripeAccount: seller };
  const onlyPlatforms = { statusCode: 400, code: 'platform_account_required' };

  expect((await platform.stripe.accounts.retrieve(seller, {}, options)).id).toBe(seller);
  await expect(platform.stripe.accounts.retrieve(other, {}, options)).rejects.toMatchObject({
    code: 'account_invalid',
  });
  await expect(platform.stripe.accounts.list({}, options)).rejects.toMatchObject(onlyPlatforms);
  await expect(platform.stripe.accounts.create({ type: 'custom' }, options)).rejects.toMatchObject(onlyPlatforms);
  const transfer = { amount: 1, currency: 'usd', destination: other };
  await expect(platform.stripe.transfers.create(transfer, options)).rejects.toMatchObject(onlyPlatforms);
});

it('has no access to an account any more once it is deleted', async () => {
  const account = await platform.stripe.accounts.create({ type: 'custom', capabilities });
  await platform.stripe.accounts.del(account.id);
  const gone = { statusCode: 403, code: 'account_invalid' };

  await expect(platform.stripe.accounts.retrieve(account.id)).rejects.toMatchObject(gone);
  await expect(platform.stripe.balance.retrieve({}, { stripeAccount: account.id })).rejects.toMatchObject(gone);
});

it('gives card issuing only to accounts without a dashboard whose platform answers for them', async () => {
  await expect(platform.stripe.accounts.create({ type: 'express', capabilities })).rejects.toMatchObject({
    param: 'capabilities[card_issuing]',
  });
});

describe('cardholders', () => {
  it('owe the terms in the US before their cards can be active', async () => {
    const seller = await platform.newSeller({ issuing: 100_00 });
    const options = { stripeAccount: seller };
    const address = { line1: '1 Main', city: 'SF', state: 'CA', postal_code: '94107', country: 'US' };
    const holder = await platform.stripe.issuing.cardholders.create(
      { name: 'Jenny Rosen', type: 'individual', billing: { address } },
      options,
    );
    expect(holder.requirements).toEqual({
      disabled_reason: 'requirements.past_due',
      past_due: [
        'individual.card_issuing.user_terms_acceptance.date',
        'individual.card_issuing.user_terms_acceptance.ip',
        'individual.first_name',
        'individual.last_name',
      ],
    });
    await expect(platform.newCard(seller, { cardholder: holder.id })).rejects.toThrow('outstanding requirements');
    const card = await platform.newCard(seller, { cardholder: holder.id, status: 'inactive' });

    const terms = { user_terms_acceptance: { date: 1_700_000_000, ip: '127.0.0.1' } };
    const updated = await platform.stripe.issuing.cardholders.update(
      holder.id,
      { individual: { first_name: 'J', last_name: 'R', card_issuing: terms } },
      options,
    );
    expect(updated.requirements).toEqual({ disabled_reason: null, past_due: [] });
    expect(await platform.stripe.issuing.cards.update(card.id, { status: 'active' }, options)).toMatchObject({
      status: 'active',
    });
  });

  it.each([
    [{ name: 'A name that is longer than allowed' }, 'name'],
    [{ name: 'Jenny <b>' }, 'name'],
    [
      { individual: { first_name: 'J', last_name: 'R', dob: { day: 1, month: 1, year: 2026 } } },
      'individual[dob][year]',
    ],
    [
      { individual: { first_name: 'J', last_name: 'R', dob: { day: 31, month: 2, year: 1990 } } },
      'individual[dob][day]',
    ],
    [{ email: 'jenny' }, 'email'],
    [{ phone_number: 'none' }, 'phone_number'],
    [
      { spending_controls: { allowed_merchant_countries: ['US', 'us'] } },
      'spending_controls[allowed_merchant_countries][1]',
    ],
  ])('are refused with %j', async (params, param) => {
    const seller = await platform.newSeller();
    const address = { line1: '1 Main', city: 'SF', postal_code: '94107', country: 'US' };
    const create = platform.stripe.issuing.cardholders.create(
      { name: 'Jenny', billing: { address }, ...params },
      { stripeAccount: seller },
    );
    await expect(create).rejects.toMatchObject({ param });
  });
});

describe('cards', () => {
  it('are inactive unless asked, unique, and valid by Luhn', async () => {
    const seller = await platform.newSeller();
    const options = { stripeAccount: seller };
    const holder = await platform.newCardholder(seller);
    const numbers = new Set<string>();
    for (let index = 0; index < 20; index += 1) {
      const card = await platform.stripe.issuing.cards.create(
        { currency: 'usd', type: 'virtual', cardholder: holder.id },
        options,
      );
      expect(card.status).toBe('inactive');
      const { number = '' } = await platform.stripe.issuing.cards.retrieve(card.id, { expand: ['number'] }, options);
      numbers.add(number);
      const sum = [...number].reverse().reduce((total, digit, place) => {
        const doubled = Number(digit) * (place % 2 === 0 ? 1 : 2);
        return total + (doubled > 9 ? doubled - 9 : doubled);
      }, 0);
      expect(sum % 10).toBe(0);
    }
    expect(numbers.size).toBe(20);
  });

  it('stay canceled, keep what cannot be changed, and know their replacement', async () => {
    const seller = await platform.newSeller();
    const options = { stripeAccount: seller };
    const card = await platform.newCard(seller);
    const next = await platform.newCard(seller, {
      cardholder: card.cardholder.id,
      replacement_for: card.id,
      replacement_reason: 'lost',
    });
    await platform.stripe.issuing.cards.update(card.id, { status: 'canceled', cancellation_reason: 'lost' }, options);

    expect(await platform.stripe.issuing.cards.retrieve(card.id, {}, options)).toMatchObject({
      status: 'canceled',
      cancellation_reason: 'lost',
      replaced_by: next.id,
    });
    await expect(platform.stripe.issuing.cards.update(card.id, { status: 'active' }, options)).rejects.toMatchObject({
      param: 'status',
    });
    const change = { lifecycle_controls: { cancel_after: { payment_count: 2 } } } as object;
    await expect(platform.stripe.issuing.cards.update(next.id, change, options)).rejects.toMatchObject({
      code: 'parameter_unknown',
    });
  });

  it('may expire from next month to under five years ahead', async () => {
    const seller = await platform.newSeller();
    const holder = await platform.newCardholder(seller);
    const now = new Date();
    const inMonths = (count: number) => {
      const at = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + count, 1));
      return { cardholder: holder.id, exp_month: at.getUTCMonth() + 1, exp_year: at.getUTCFullYear() };
    };

    await expect(platform.newCard(seller, inMonths(1))).resolves.toMatchObject({ exp_month: inMonths(1).exp_month });
    await expect(platform.newCard(seller, inMonths(59))).resolves.toMatchObject({ exp_year: inMonths(59).exp_year });
    await expect(platform.newCard(seller, inMonths(0))).rejects.toMatchObject({ param: 'exp_month' });
    await expect(platform.newCard(seller, inMonths(60))).rejects.toMatchObject({ param: 'exp_year' });
  });

  it('need a phone number in euros, and the currency of the account', async () => {
    const seller = await platform.newSeller({ country: 'DE' });
    const options = { stripeAccount: seller };
    const address = { line1: '1 Main', city: 'Berlin', postal_code: '10115', country: 'DE' };
    const holder = await platform.stripe.issuing.cardholders.create({ name: 'Jenny', billing: { address } }, options);

    await expect(platform.newCard(seller, { cardholder: holder.id, currency: 'eur' })).rejects.toMatchObject({
      code: 'cardholder_phone_number_required',
    });
    await expect(platform.newCard(seller, { cardholder: holder.id, currency: 'usd' })).rejects.toMatchObject({
      param: 'currency',
    });
  });
});
