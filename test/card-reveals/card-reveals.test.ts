import { compactDecrypt, exportJWK, generateKeyPair, JWK } from 'jose';
import { call, expectProblem } from '../http/client';
import { CardSecrets, findCardData, scanDatabase } from '../invariants/card-number-scan';
import { endPrograms, newFolder, Service, startService } from '../process/program';
import { startTestApp, TestApp } from '../support/app';
import { createTestDatabase, TestDatabase } from '../support/database';
import { freePort } from '../support/free-port';
import { Json } from '../support/http';
import { ReadyPayout, Scenario } from '../support/scenario';

jest.setTimeout(120_000);

interface Recipient {
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  readonly open: (jwe: string) => Promise<{ header: Json; card: Json }>;
}

/** A backend with a key of its own, as its developers would write it. */
async function recipient(algorithm: string, options: object = {}): Promise<Recipient> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true, ...options });
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid: 'backend-1' },
    privateJwk: await exportJWK(privateKey),
    open: async (jwe) => {
      const { plaintext, protectedHeader } = await compactDecrypt(jwe, privateKey);
      return { header: protectedHeader, card: JSON.parse(new TextDecoder().decode(plaintext)) };
    },
  };
}

/** As Stripe tells it to whoever asks expressly. */
async function atStripe(scenario: Scenario, payout: ReadyPayout): Promise<Json> {
  const path = `/v1/issuing/cards/${payout.stripeCardId}?expand[]=number&expand[]=cvc`;
  return scenario.stripe.get(path, payout.seller.stripeAccount);
}

describe('a card revealed to a backend in the PCI scope', () => {
  let app: TestApp;
  let scenario: Scenario;
  let payout: ReadyPayout;

  beforeAll(async () => {
    app = await startTestApp({ isPciRevealEnabled: true, pciRevealsPerHour: 8 });
    scenario = new Scenario(app);
    await scenario.fundPlatform(1_000_00);
    payout = await scenario.readyPayout(await scenario.onboardedSeller(), 60_00);
  });

  afterAll(() => app?.stop());

  const reveal = (body: object, { key = app.keys.pci, card = payout.cardId, headers = {} } = {}) =>
    call(app, 'POST', `/v1/cards/${card}/reveal`, { key, body, headers });

  it.each([
    ['RSA-OAEP-256', 'RSA-OAEP-256', {}],
    ['ECDH-ES on P-256', 'ECDH-ES', { crv: 'P-256' }],
    ['ECDH-ES on X25519', 'ECDH-ES', { crv: 'X25519' }],
  ])('is what Stripe says, for whoever holds the private key (%s)', async (_name, algorithm, options) => {
    const backend = await recipient(algorithm, options);

    const { status, body, headers } = await reveal(backend.publicJwk);

    expect(status).toBe(200);
    expect(body).toEqual({
      card: payout.cardId,
      jwe: expect.stringMatching(/^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/),
    });
    expect(headers.get('cache-control')).toBe('no-store');
    const { header, card } = await backend.open(body.jwe as string);
    expect(header).toMatchObject({ alg: algorithm, enc: 'A256GCM', kid: 'backend-1', cty: 'application/json' });
    const { number, cvc, exp_month, exp_year } = await atStripe(scenario, payout);
    expect(card).toEqual({ number, cvc, exp_month, exp_year });
    expect(number).toMatch(/^\d{16}$/);
  });

  it('is sealed anew each time, and kept for no repeated request', async () => {
    const backend = await recipient('ECDH-ES', { crv: 'P-384' });
    const again = { headers: { 'idempotency-key': 'reveal-1' } };

    const first = await reveal(backend.publicJwk, again);
    const second = await reveal(backend.publicJwk, again);

    expect(first.body.jwe).not.toBe(second.body.jwe);
    expect(second.headers.get('idempotent-replayed')).toBeNull();
    expect(await app.database.query(`select 1 from idempotency_keys where key = 'reveal-1'`)).toEqual([]);
  });

  it('leaves its trace in the audit log and on the payout’s timeline', async () => {
    const [entry] = await app.database.query<Json>(`select * from audit_log where action = 'card.reveal'`);
    expect(entry).toMatchObject({
      actor_type: 'api_key',
      actor_role: 'pci',
      object_type: 'card',
      object_id: payout.cardId,
      outcome: 'done',
      after: { recipient_key: expect.stringMatching(/^[\w-]{43}$/) },
    });
    const { data } = await scenario.marketplace.get(`/v1/payouts/${payout.id}/timeline`);
    expect((data as Json[]).filter(({ kind }) => kind === 'card.revealed')).toHaveLength(5);
  });

  it('is for nobody else: not for an admin’s neighbour, nor for a key that is private, weak or none', async () => {
    const backend = await recipient('RSA-OAEP-256');
    for (const role of ['marketplace', 'finance', 'auditor'] as const)
      expectProblem(await reveal(backend.publicJwk, { key: app.keys[role] }), 403, 'role_not_allowed');

    const given = await reveal(backend.privateJwk);
    expectProblem(given, 422, 'recipient_key_refused');
    expect(JSON.stringify(given.body)).not.toContain(backend.privateJwk.d);
    expectProblem(await reveal({ kty: 'oct', k: 'c2VjcmV0' }), 422, 'recipient_key_refused');
    expectProblem(await reveal({ ...backend.publicJwk, alg: 'RSA-OAEP' }), 422, 'recipient_key_refused');
    // Right in shape, but the point is on no curve.
    const x = Buffer.alloc(32, 1).toString('base64url');
    expectProblem(await reveal({ kty: 'EC', crv: 'P-256', x, y: x }), 422, 'recipient_key_refused');
    expectProblem(await reveal(backend.publicJwk, { card: 'card_unknown' }), 404, 'card_not_found');
  });

  it('is refused when Stripe does not answer, and the refusal says nothing', async () => {
    const { publicJwk } = await recipient('ECDH-ES', { crv: 'P-521' });
    const fault = await scenario.stripe.control('POST', '/faults', {
      on: 'request',
      action: 'error_500_before',
      method: 'GET',
      path: `/v1/issuing/cards/${payout.stripeCardId}`,
      times: 1,
    });

    const answer = await reveal(publicJwk);

    expectProblem(answer, 503, 'stripe_unavailable');
    await scenario.stripe.control('DELETE', `/faults/${fault.id}`);
  });

  it('is limited in number', async () => {
    const { publicJwk } = await recipient('ECDH-ES', { crv: 'P-256' });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await reveal(publicJwk));

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429]);
    expectProblem(answers.at(-1)!, 429, 'rate_limited');
  });

  it('is nothing any more once it is canceled', async () => {
    const { publicJwk } = await recipient('ECDH-ES', { crv: 'P-256' });
    await scenario.marketplace.post(`/v1/payouts/${payout.id}/cancel`);
    await scenario.untilStatus(payout, 'closed');

    expectProblem(await reveal(publicJwk), 409, 'card_not_revealable');
  });

  it('does not exist where the operator has not enabled it', async () => {
    const off = await startTestApp({ isPciRevealEnabled: false }, app);
    try {
      const { publicJwk } = await recipient('ECDH-ES', { crv: 'P-256' });
      const answer = await call(off, 'POST', `/v1/cards/${payout.cardId}/reveal`, {
        key: app.keys.pci,
        body: publicJwk,
      });
      expectProblem(answer, 404, 'card_reveal_disabled');
    } finally {
      await off.app.close();
    }
  });
});

describe('the number of a revealed card', () => {
  let database: TestDatabase;
  let service: Service;

  afterAll(async () => {
    await endPrograms();
    await database?.drop();
  });

  it('is in no row, no queue, no log line and no answer', async () => {
    database = await createTestDatabase();
    service = await startService({
      DATABASE_URL: database.url,
      DATA_DIR: newFolder('card-reveals'),
      PORT: String(await freePort()),
      SIMULATOR_PORT: String(await freePort()),
      LOG_LEVEL: 'trace',
      PCI_REVEAL: 'enabled',
    });
    const scenario = new Scenario(service);
    await scenario.fundPlatform(1_000_00);
    const payout = await scenario.readyPayout(await scenario.onboardedSeller(), 60_00);
    const backend = await recipient('RSA-OAEP-256');
    const answer = await call(service, 'POST', `/v1/cards/${payout.cardId}/reveal`, {
      key: service.keys['pci'],
      body: backend.publicJwk,
    });
    expect(answer.status).toBe(200);
    const { card } = await backend.open(answer.body.jwe as string);
    const secrets: CardSecrets[] = [card as CardSecrets];
    expect(secrets[0]!.number).toMatch(/^\d{16}$/);

    expect(findCardData(JSON.stringify(answer.body), secrets)).toEqual([]);
    expect((await scanDatabase(database.url, secrets)).found).toEqual([]);
    expect(service.program.output).toContain('card.reveal');
    expect(findCardData(service.program.output, secrets)).toEqual([]);
  });
});
