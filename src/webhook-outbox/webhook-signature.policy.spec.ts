import { createHmac, timingSafeEqual } from 'node:crypto';
import { makeSigningSecret, signedHeaders } from './webhook-signature.policy';

/** The receiver's side as the specification describes it, written without looking at ours. */
function verifies(headers: Record<string, string>, body: string, secret: string): boolean {
  const expected = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
    .digest();
  return headers['webhook-signature']!.split(' ').some((signature) => {
    const [version, value] = signature.split(',');
    return version === 'v1' && timingSafeEqual(Buffer.from(value!, 'base64'), expected);
  });
}

describe('webhook signatures', () => {
  it('agree with the example that Standard Webhooks publishes', () => {
    const sentAt = new Date(1614265330_000);

    const headers = signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', sentAt, '{"test": 2432232314}', [
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    ]);

    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('verify with either secret during a rotation, and with no other', () => {
    const [old, current, foreign] = [makeSigningSecret(), makeSigningSecret(), makeSigningSecret()];

    const headers = signedHeaders('event_1', new Date(0), '{}', [current, old]);

    expect(verifies(headers, '{}', current)).toBe(true);
    expect(verifies(headers, '{}', old)).toBe(true);
    expect(verifies(headers, '{}', foreign)).toBe(false);
    expect(verifies(headers, '{ }', current)).toBe(false);
  });
});
