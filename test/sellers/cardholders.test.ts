import { CardholdersService } from '../../src/cardholders/cardholders.service';
import { startTestApp, TestApp } from '../support/app';
import { waitFor } from '../support/wait-for';
import { berlinStudio, codeAndPointers, jenny, SellerAtStripe, SellersWorld } from './sellers-world';

describe('a cardholder', () => {
  let test: TestApp;
  let world: SellersWorld;
  let seller: SellerAtStripe;

  beforeAll(async () => {
    test = await startTestApp();
    world = new SellersWorld(test);
    seller = await world.activeSeller();
  });

  afterAll(async () => {
    await test.stop();
  });

  const atStripe = (stripeCardholderId: string) =>
    test.stripe.issuing.cardholders.retrieve(stripeCardholderId, {}, { stripeAccount: seller.stripe_account_id });

  it('waits for its account and is made as soon as that may issue cards', async () => {
    const account = await world.onboard();
    const created = await world.api('POST', '/v1/cardholders', { ...jenny, connected_account: account.id });
    expect(created).toMatchObject({
      status: 201,
      body: { status: 'requested', stripe_cardholder_id: null, eligible: false },
    });

    await world.completeOnboarding(account.id);

    const made = await world.cardholder(created.body.id, 'eligible', (cardholder) => cardholder.eligible);
    expect(made).toMatchObject({
      status: 'active',
      stripe_cardholder_id: expect.stringMatching(/^ich_/),
      requirements: { past_due: [] },
    });
  });

  it('cannot miss the moment its account becomes active', async () => {
    const account = await world.onboard();
    const cardholders = test.app.get(CardholdersService);

    // The account becomes active while the transaction that takes the cardholder on is still open.
    const id = await test.database.transaction(async (tx) => {
      const { id: made, status } = await cardholders.create(tx, {
        connectedAccountId: account.id,
        type: 'individual',
        profile: {
          name: jenny.name,
          billingAddress: jenny.billing_address,
          userTermsAcceptance: jenny.user_terms_acceptance,
        },
      });
      expect(status).toBe('requested');
      await world.completeOnboarding(account.id);
      await world.atStripe('GET', '/deliveries?wait_seconds=5');
      await new Promise((done) => setTimeout(done, 1_500));
      return made;
    });

    await world.cardholder(id, 'eligible', (cardholder) => cardholder.eligible);
  });

  it('keeps both of two changes that come at once', async () => {
    const cardholder = await world.activeCardholder(seller.id);

    await Promise.all([
      world.api('PATCH', `/v1/cardholders/${cardholder.id}`, { email: 'both@example.com' }),
      world.api('PATCH', `/v1/cardholders/${cardholder.id}`, { phone_number: '+14155550177' }),
    ]);

    await waitFor('both changes at Stripe', async () => {
      const { email, phone_number: phone } = await atStripe(cardholder.stripe_cardholder_id);
      return email === 'both@example.com' && phone === '+14155550177';
    });
  });

  it('that owes Stripe something is not eligible until it is given', async () => {
    const { user_terms_acceptance: terms, ...withoutTerms } = jenny;
    const created = await world.api('POST', '/v1/cardholders', { ...withoutTerms, connected_account: seller.id });
    const owing = await world.cardholder(
      created.body.id,
      'made',
      (cardholder) => cardholder.stripe_cardholder_id !== null,
    );
    expect(owing).toMatchObject({
      status: 'active',
      eligible: false,
      requirements: {
        disabled_reason: 'requirements.past_due',
        past_due: expect.arrayContaining(['individual.card_issuing.user_terms_acceptance.ip']),
      },
    });

    const patched = await world.api('PATCH', `/v1/cardholders/${created.body.id}`, { user_terms_acceptance: terms });

    expect(patched.status).toBe(200);
    await world.cardholder(created.body.id, 'eligible', (cardholder) => cardholder.eligible);
    const { individual } = await atStripe(owing.stripe_cardholder_id);
    expect(individual).toMatchObject({
      first_name: 'Jenny',
      last_name: 'Rosen',
      dob: jenny.dob,
      card_issuing: { user_terms_acceptance: { ip: '203.0.113.7', date: 1_767_346_200 } },
    });
    const told = await world.api('GET', '/v1/events?limit=100');
    expect(
      told.body.data.filter(
        (event: { type: string; data: { id: string; eligible: boolean } }) =>
          event.type === 'cardholder.updated' && event.data.id === created.body.id && event.data.eligible,
      ),
    ).toHaveLength(1);
  });

  it('changed while it is being made is at Stripe as it was changed', async () => {
    await world.withFault(
      { on: 'request', action: 'delay', delay_ms: 1_500, method: 'POST', path: '/v1/issuing/cardholders', times: 1 },
      async () => {
        const created = await world.api('POST', '/v1/cardholders', { ...jenny, connected_account: seller.id });
        const patched = await world.api('PATCH', `/v1/cardholders/${created.body.id}`, { email: 'new@example.com' });
        expect(patched.body).toMatchObject({ status: 'requested', stripe_cardholder_id: null });

        const made = await world.cardholder(
          created.body.id,
          'made',
          (cardholder) => cardholder.stripe_cardholder_id !== null,
        );
        await waitFor(
          'the change at Stripe',
          async () => (await atStripe(made.stripe_cardholder_id)).email === 'new@example.com',
        );
      },
    );
  });

  it('that Stripe blocks is not eligible any more', async () => {
    const cardholder = await world.activeCardholder(seller.id);

    await world.atStripe('POST', `/accounts/${seller.stripe_account_id}/requirements`, {
      cardholder: cardholder.stripe_cardholder_id,
      past_due: [],
      disabled_reason: 'under_review',
      status: 'blocked',
    });

    const blocked = await world.cardholder(cardholder.id, 'blocked', (view) => view.status === 'blocked');
    expect(blocked).toMatchObject({ eligible: false, requirements: { disabled_reason: 'under_review' } });
  });

  it('leaves its personal data readable nowhere but with who may see it', async () => {
    const secret = {
      name: 'Xanthippe Quill',
      email: 'xanthippe.quill@example.com',
      phone_number: '+14155558713',
      billing_address: { ...jenny.billing_address, line1: '8713 Quillfeather Lane' },
    };
    const cardholder = await world.activeCardholder(seller.id, secret);
    await world.api('PATCH', `/v1/cardholders/${cardholder.id}`, { phone_number: '+14155558714' });

    const tables = await test.database.query<{ name: string }>(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    );
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['public.cardholders', 'public.stripe_calls', 'pgboss.job']),
    );
    for (const { name } of tables) {
      const leaks = await test.database.query(
        `select 1 from ${name} as row where row::text ~* 'xanthippe|quillfeather|1415555871'`,
      );
      expect({ name, leaks: leaks.length }).toEqual({ name, leaks: 0 });
    }

    const mine = await world.api('GET', `/v1/cardholders/${cardholder.id}`);
    expect(mine.body).toMatchObject({ ...secret, phone_number: '+14155558714' });
    for (const role of ['finance', 'auditor'] as const) {
      const theirs = await world.api('GET', `/v1/cardholders/${cardholder.id}`, undefined, { role });
      expect(theirs.body).toMatchObject({ id: cardholder.id, eligible: true });
      expect(JSON.stringify(theirs.body)).not.toMatch(/xanthippe|quillfeather/i);
    }
  });

  it('of a European account needs a telephone and a European address', async () => {
    const studio = await world.activeSeller({}, berlinStudio);
    const { phone_number: _phone, ...silent } = jenny;
    const billing = { ...jenny.billing_address, country: 'AT', city: 'Wien', postal_code: '1010' };

    const refused = await world.api('POST', '/v1/cardholders', { ...silent, connected_account: studio.id });
    expect(codeAndPointers(refused)).toMatchObject({
      status: 422,
      pointers: ['/billing_address/country', '/phone_number'],
    });

    const accepted = await world.activeCardholder(studio.id, {
      billing_address: billing,
      phone_number: '+4366012345678',
    });
    expect(accepted.eligible).toBe(true);
  });

  it.each<[string, object, string]>([
    ['no name', { name: undefined }, '/name'],
    ['a long name', { name: 'x'.repeat(25) }, '/name'],
    ['a name in signs', { name: 'Jenny_Rosen' }, '/name'],
    ['a child', { dob: { day: 1, month: 1, year: 2020 } }, '/dob'],
    ['a fractional birthday', { dob: { day: 1.5, month: 1, year: 1990 } }, '/dob/day'],
    ['a PO box', { billing_address: { ...jenny.billing_address, line1: 'PO Box 1' } }, '/billing_address/line1'],
    ['an address abroad', { billing_address: { ...jenny.billing_address, country: 'DE' } }, '/billing_address/country'],
    ['no address', { billing_address: undefined }, '/billing_address'],
    ['null for an address', { billing_address: null }, '/billing_address'],
    ['a telephone in words', { phone_number: 'call me' }, '/phone_number'],
    ['a tax id for a person', { tax_id: '000000000' }, '/tax_id'],
    ['an unknown type', { type: 'robot' }, '/type'],
    ['a status of its own', { status: 'active' }, '/status'],
  ])('is refused with %s, and nothing is stored', async (_what, change, pointer) => {
    const count = async () => (await test.database.query('select 1 from cardholders')).length;
    const before = await count();

    const answer = await world.api('POST', '/v1/cardholders', { ...jenny, connected_account: seller.id, ...change });

    expect([400, 422]).toContain(answer.status);
    expect(codeAndPointers(answer).pointers).toContain(pointer);
    expect(await count()).toBe(before);
  });

  it('keeps its name, and belongs to a seller that exists', async () => {
    const cardholder = await world.activeCardholder(seller.id);

    const renamed = await world.api('PATCH', `/v1/cardholders/${cardholder.id}`, { name: 'Somebody Else' });
    expect(codeAndPointers(renamed)).toMatchObject({ pointers: ['/name'] });
    const nobody = await world.api('PATCH', '/v1/cardholders/holder_nobody', { email: 'a@example.com' });
    expect(codeAndPointers(nobody)).toMatchObject({ status: 404, code: 'cardholder_not_found' });
    const orphan = await world.api('POST', '/v1/cardholders', { ...jenny, connected_account: 'seller_nobody' });
    expect(codeAndPointers(orphan)).toMatchObject({ status: 404, code: 'connected_account_not_found' });
  });

  it('that Stripe refuses to make says why, and is made with what is put right', async () => {
    // We think it is two days later than Stripe does: thirteen for us, twelve for Stripe.
    const { clock } = await world.atStripe<{ clock: { now: number } }>('GET', '/platform');
    const tomorrow = new Date((clock.now + 86_400) * 1_000);
    const dob = { day: tomorrow.getUTCDate(), month: tomorrow.getUTCMonth() + 1, year: tomorrow.getUTCFullYear() - 13 };
    // Last, and taken back: with clocks this far apart no webhook is believed.
    test.clock.advance(2 * 86_400_000);

    const created = await world.api('POST', '/v1/cardholders', { ...jenny, dob, connected_account: seller.id });

    const failed = await world.cardholder(created.body.id, 'failed', (cardholder) => cardholder.status === 'failed');
    expect(failed).toMatchObject({
      eligible: false,
      stripe_cardholder_id: null,
      failure: { detail: expect.stringContaining('13') },
    });
    await world.api('PATCH', `/v1/cardholders/${created.body.id}`, { dob: jenny.dob });
    const made = await world.cardholder(created.body.id, 'eligible', (cardholder) => cardholder.eligible);
    expect(made.failure).toBeNull();
    test.clock.advance(-2 * 86_400_000);
  });
});
