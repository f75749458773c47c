import { randomBytes } from 'node:crypto';
import { ensureWebhookEndpoints } from '../../src/stripe/stripe-webhook-setup';
import { Platform } from '../simulator/world';

describe('the webhook endpoints at Stripe', () => {
  let platform: Platform;

  beforeEach(() => {
    platform = new Platform(process.env['TEST_SIMULATOR_URL']!, `sk_test_${randomBytes(12).toString('hex')}`);
  });

  const ensure = (publicUrl: string, areSecretsKnown: boolean) =>
    ensureWebhookEndpoints({ apiBase: platform.url, apiKey: platform.key, publicUrl, areSecretsKnown });

  const endpoints = async () => (await platform.stripe.webhookEndpoints.list({ limit: 100 })).data;

  it('are made with their secrets: two for events, one that decides authorizations', async () => {
    const secrets = await ensure('http://127.0.0.1:3000', false);

    expect(secrets?.webhookSecrets).toHaveLength(2);
    expect(secrets?.authorizationWebhookSecrets).toHaveLength(1);
    const made = await endpoints();
    expect(made.map(({ url }) => url).sort()).toEqual([
      'http://127.0.0.1:3000/webhooks/stripe',
      'http://127.0.0.1:3000/webhooks/stripe',
      'http://127.0.0.1:3000/webhooks/stripe/authorizations',
    ]);
    const deciding = made.filter(({ enabled_events: events }) => events.includes('issuing_authorization.request'));
    expect(deciding.map(({ enabled_events: events }) => events)).toEqual([['issuing_authorization.request']]);
  });

  it('are kept at the next start, and follow the service to another address', async () => {
    await ensure('http://127.0.0.1:3000', false);
    const before = await endpoints();

    expect(await ensure('http://127.0.0.1:4000', true)).toBeUndefined();

    const after = await endpoints();
    expect(after.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
    expect(after.every(({ url }) => url.startsWith('http://127.0.0.1:4000/webhooks/stripe'))).toBe(true);
  });

  it('are made anew when the secrets are lost, or one of them is', async () => {
    const first = await ensure('http://127.0.0.1:3000', false);

    const second = await ensure('http://127.0.0.1:3000', false);
    const [gone] = await endpoints();
    await platform.stripe.webhookEndpoints.del(gone!.id);
    const third = await ensure('http://127.0.0.1:3000', true);

    const secrets = [first, second, third].flatMap((made) => [
      ...made!.webhookSecrets,
      ...made!.authorizationWebhookSecrets,
    ]);
    expect(new Set(secrets).size).toBe(9);
    expect(await endpoints()).toHaveLength(3);
  });

  it('leave the marketplace’s own endpoints alone', async () => {
    const own = await platform.stripe.webhookEndpoints.create({
      url: 'https://example.com/hook',
      enabled_events: ['*'],
    });

    await ensure('http://127.0.0.1:3000', false);

    expect((await endpoints()).map(({ id }) => id)).toContain(own.id);
  });
});
