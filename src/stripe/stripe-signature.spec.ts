import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { StripeSignatureInvalid } from './stripe.errors';
import { stripeSignatureToleranceMs, verifyStripeSignature } from './stripe-signature';

const body = Buffer.from('{"id":"evt_1","name":"Zoë"}');
const now = new Date('2026-11-21T12:00:00Z');
const seconds = now.getTime() / 1_000;

function sign(secret: string, timestamp = seconds, payload = body): string {
  return createHmac('sha256', secret).update(`${timestamp}.`).update(payload).digest('hex');
}

function verify(header: string | undefined, secrets = ['whsec_a'], payload = body): void {
  verifyStripeSignature(payload, header, secrets, stripeSignatureToleranceMs, now);
}

describe('the signature of a webhook', () => {
  it('is accepted as Stripe’s own SDK makes it', () => {
    const header = Stripe.webhooks.generateTestHeaderString({
      payload: body.toString(),
      secret: 'whsec_a',
      timestamp: seconds,
    });

    expect(() => verify(header)).not.toThrow();
  });

  it('may match any secret and any of several v1 values', () => {
    const rolled = `t=${seconds},v1=${sign('whsec_old')},v1=${sign('whsec_new')}`;

    expect(() => verify(rolled, ['whsec_other', 'whsec_new'])).not.toThrow();
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['no time', `v1=${sign('whsec_a')}`],
    ['only the decoy v0', `t=${seconds},v0=${sign('whsec_a')}`],
    ['another secret', `t=${seconds},v1=${sign('whsec_b')}`],
    ['another time than was signed', `t=${seconds + 1},v1=${sign('whsec_a')}`],
    ['half a signature', `t=${seconds},v1=${sign('whsec_a').slice(0, 32)}`],
    ['no hexadecimal', `t=${seconds},v1=${'z'.repeat(64)}`],
    ['a time that is no number', `t=soon,v1=${sign('whsec_a')}`],
    ['an old signature', `t=${seconds - 301},v1=${sign('whsec_a', seconds - 301)}`],
  ])('is refused with %s', (_what, header) => {
    expect(() => verify(header)).toThrow(StripeSignatureInvalid);
  });

  it('is refused when the body changed by a byte', () => {
    expect(() =>
      verify(`t=${seconds},v1=${sign('whsec_a')}`, ['whsec_a'], Buffer.concat([body, Buffer.from(' ')])),
    ).toThrow(StripeSignatureInvalid);
  });

  it('is refused when no secret is configured', () => {
    expect(() => verify(`t=${seconds},v1=${sign('whsec_a')}`, [])).toThrow(StripeSignatureInvalid);
  });

  it('is accepted to the last second of the tolerance, and from a clock ahead of ours', () => {
    expect(() => verify(`t=${seconds - 300},v1=${sign('whsec_a', seconds - 300)}`)).not.toThrow();
    expect(() => verify(`t=${seconds + 86_400},v1=${sign('whsec_a', seconds + 86_400)}`)).not.toThrow();
  });
});
