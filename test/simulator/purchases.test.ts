import { Listener, previewVersion, World } from './world';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());

it('carries a payout from the platform to a card, a purchase and back', async () => {
  const platform = world.platform();
  const { stripe } = platform;
  await platform.fundPlatform(100_00);
  const seller = await platform.newSeller();
  const options = { stripeAccount: seller };

  const transfer = await stripe.transfers.create({ amount: 50_00, currency: 'usd', destination: seller });
  await stripe.rawRequest(
    'POST',
    '/v1/balance_transfers',
    { amount: 50_00, currency: 'usd', source_balance: { type: 'payments' }, destination_balance: { type: 'issuing' } },
    { ...options, apiVersion: previewVersion },
  );
  expect(await platform.issuingBalance(seller)).toBe(50_00);

  const card = await platform.newCard(seller, { lifecycle_controls: { cancel_after: { payment_count: 1 } } });
  const authorization = await platform.purchase(seller, card.id, 20_00);
  expect(authorization).toMatchObject({ approved: true, status: 'pending', amount: 20_00 });
  expect(await platform.issuingBalance(seller)).toBe(30_00);
  expect(await stripe.issuing.cards.retrieve(card.id, {}, options)).toMatchObject({ status: 'canceled' });

  const captured = await stripe.testHelpers.issuing.authorizations.capture(authorization.id, {}, options);
  expect(captured.status).toBe('closed');
  expect(captured.balance_transactions.map(({ type, amount }) => [type, amount])).toEqual([
    ['issuing_authorization_release', 20_00],
    ['issuing_authorization_hold', -20_00],
  ]);
  expect(captured.transactions).toMatchObject([{ type: 'capture', amount: -20_00 }]);

  await stripe.rawRequest(
    'POST',
    '/v1/balance_transfers',
    { amount: 30_00, currency: 'usd', source_balance: { type: 'issuing' }, destination_balance: { type: 'payments' } },
    { ...options, apiVersion: previewVersion },
  );
  const reversal = await stripe.transfers.createReversal(transfer.id, { amount: 30_00 });
  expect(reversal).toMatchObject({ amount: 30_00, transfer: transfer.id });
  expect((await stripe.balance.retrieve()).available).toEqual([
    { amount: 80_00, currency: 'usd', source_types: { card: 80_00 } },
  ]);
  expect(await platform.books()).toMatchObject({ balanced: true });
});

it('asks the endpoint that names the request, and only that one', async () => {
  const platform = world.platform();
  const seller = await platform.newSeller({ issuing: 100_00 });
  const decider = await Listener.decider(() => ({ approved: true, metadata: { payout: 'payout_1' } }));
  const ordinary = await Listener.start();
  const endpoint = await platform.stripe.webhookEndpoints.create({
    url: decider.url,
    connect: true,
    enabled_events: ['issuing_authorization.request'],
  });
  const all = await platform.stripe.webhookEndpoints.create({
    url: ordinary.url,
    connect: true,
    enabled_events: ['*'],
  });
  const card = await platform.newCard(seller);

  const authorization = await platform.purchase(seller, card.id, 12_34);
  await platform.settled();

  expect(authorization).toMatchObject({ approved: true, metadata: { payout: 'payout_1' } });
  expect(authorization.request_history).toMatchObject([{ reason: 'webhook_approved', approved: true, amount: 12_34 }]);
  expect(decider.types()).toEqual(['issuing_authorization.request']);
  const [asked] = decider.received;
  const event = platform.stripe.webhooks.constructEvent(
    asked?.body ?? '',
    asked?.headers['stripe-signature'] ?? '',
    endpoint.secret ?? '',
  );
  expect(event).toMatchObject({
    account: seller,
    data: { object: { amount: 0, approved: false, pending_request: { amount: 12_34 } } },
  });
  expect(ordinary.types()).toEqual(expect.arrayContaining(['issuing_card.created', 'issuing_authorization.created']));
  expect(ordinary.types()).not.toContain('issuing_authorization.request');
  const [told] = ordinary.received;
  expect(() =>
    platform.stripe.webhooks.constructEvent(
      told?.body ?? '',
      told?.headers['stripe-signature'] ?? '',
      all.secret ?? '',
    ),
  ).not.toThrow();
  await Promise.all([decider.close(), ordinary.close()]);
});
