import { ConfigInvalid, readConfig } from './config';

const production = {
  NODE_ENV: 'production',
  DATABASE_URL: 'postgres://disburse@db/disburse',
  STRIPE_API_KEY: 'sk_live_abc',
  STRIPE_PUBLISHABLE_KEY: 'pk_live_abc',
  STRIPE_WEBHOOK_SECRETS: 'whsec_a,whsec_b',
  STRIPE_AUTHORIZATION_WEBHOOK_SECRETS: 'whsec_c',
  DATA_ENCRYPTION_KEYS: Buffer.alloc(32, 7).toString('base64'),
  PUBLIC_URL: 'https://pay.example.com/',
};

function problemsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('needs nothing at all to start in development', () => {
    const config = readConfig({});

    expect(config).toMatchObject({ port: 3000, dataDir: '.disburse', stripeApiBase: 'http://127.0.0.1:12111' });
    expect([...config.roles]).toEqual(['api', 'worker']);
  });

  it('accepts a whole production environment', () => {
    const config = readConfig(production);

    expect(config).toMatchObject({
      isLiveMode: true,
      publicUrl: 'https://pay.example.com',
      stripeRequestsPerSecond: 100,
    });
    expect(config.stripeWebhookSecrets).toEqual(['whsec_a', 'whsec_b']);
  });

  it.each(['DATABASE_URL', 'STRIPE_API_KEY', 'STRIPE_PUBLISHABLE_KEY', 'DATA_ENCRYPTION_KEYS', 'PUBLIC_URL'])(
    'refuses production without %s and says so',
    (name) => {
      expect(problemsOf({ ...production, [name]: undefined }).join('\n')).toContain(name);
    },
  );

  it('names every problem in one go', () => {
    const problems = problemsOf({ PORT: 'eighty', ROLE: 'boss', DATABASE_URL: 'mysql://x', LOG_LEVEL: 'loud' });

    expect(problems.map((problem) => problem.split(' ')[0])).toEqual(
      ['ROLE', 'PORT', 'DATABASE_URL', 'LOG_LEVEL'].sort(
        (a, b) => problems.findIndex((p) => p.startsWith(a)) - problems.findIndex((p) => p.startsWith(b)),
      ),
    );
    expect(problems).toHaveLength(4);
  });

  it('never repeats a value that may hold a secret', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://root:hunter2@db',
      STRIPE_API_KEY: 'hunter2',
      DATA_ENCRYPTION_KEYS: 'hunter2',
    });

    expect(problems.join('\n')).not.toContain('hunter2');
    expect(problems).toHaveLength(3);
  });

  it('takes proxies by number, by address or not at all', () => {
    expect(readConfig({}).trustProxy).toEqual([]);
    expect(readConfig({ TRUST_PROXY: '2' }).trustProxy).toBe(2);
    expect(readConfig({ TRUST_PROXY: '10.0.0.0/8, ::1' }).trustProxy).toEqual(['10.0.0.0/8', '::1']);
    for (const wrong of ['true', '*', '10.0.0.0/33', '10.0.0', '10.0.0.0/8/9'])
      expect(problemsOf({ TRUST_PROXY: wrong })).toEqual([expect.stringContaining('TRUST_PROXY')]);
  });

  it('takes the ages of reminders in hours', () => {
    expect(readConfig({}).cardLinkReminderHours).toEqual([24, 72]);
    expect(readConfig({ CARD_LINK_REMINDER_HOURS: '48, 6,48' }).cardLinkReminderHours).toEqual([6, 48]);
    expect(readConfig({ CARD_LINK_REMINDER_HOURS: 'none' }).cardLinkReminderHours).toEqual([]);
    for (const wrong of ['0', 'soon', '1.5', '24,'])
      expect(problemsOf({ CARD_LINK_REMINDER_HOURS: wrong })).toEqual([
        expect.stringContaining('CARD_LINK_REMINDER_HOURS'),
      ]);
  });

  it('refuses a bootstrap key in production', () => {
    expect(problemsOf({ ...production, BOOTSTRAP_ADMIN_KEY: 'dsb_live_x' }).join()).toContain('BOOTSTRAP_ADMIN_KEY');
  });
});
