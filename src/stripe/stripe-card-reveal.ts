import { Injectable } from '@nestjs/common';
import { CompactEncrypt, CryptoKey } from 'jose';
import { isResourceMissing } from './classify-stripe-error';
import { StripeClient } from './stripe-client';
import { toRefusal } from './stripe-gateway.service';
import { StripeRefused } from './stripe.errors';

/** The public key that a card is sealed for, checked by the caller. */
export interface RecipientKey {
  readonly key: CryptoKey;
  /** RSA-OAEP-256 or one of the ECDH-ES family. https://www.rfc-editor.org/rfc/rfc7518#section-4.1 */
  readonly algorithm: string;
  readonly keyId: string | undefined;
}

/**
 * The one function of this service through which a card number passes. It goes from Stripe's answer into a JWE for somebody else's key
 * and is never returned, logged, stored or put into an error. The bytes are wiped after use; the texts in the SDK's answer cannot be,
 * and live until the garbage collector takes them.
 */
@Injectable()
export class StripeCardReveal {
  constructor(private readonly client: StripeClient) {}

  /**
   * A compact JWE (RFC 7516, A256GCM) of `{number, cvc, exp_month, exp_year}`; null when the card does not exist.
   * @throws {StripeUnavailable | StripeRefused}
   */
  async seal(stripeAccount: string, stripeCardId: string, recipient: RecipientKey): Promise<string | null> {
    try {
      const card = await this.client.request('card.reveal', (sdk) =>
        sdk.issuing.cards.retrieve(
          stripeCardId,
          { expand: ['number', 'cvc'] },
          { stripeAccount, maxNetworkRetries: 0 },
        ),
      );
      const { number, cvc, exp_month, exp_year } = card;
      delete card.number;
      delete card.cvc;
      if (!number || !cvc) throw new StripeRefused('card_details_missing', 'the card came without its details');
      const plaintext = new TextEncoder().encode(JSON.stringify({ number, cvc, exp_month, exp_year }));
      try {
        return await new CompactEncrypt(plaintext)
          .setProtectedHeader({
            alg: recipient.algorithm,
            enc: 'A256GCM',
            cty: 'application/json',
            ...(recipient.keyId === undefined ? {} : { kid: recipient.keyId }),
          })
          .encrypt(recipient.key);
      } finally {
        plaintext.fill(0);
      }
    } catch (error) {
      if (isResourceMissing(error)) return null;
      throw toRefusal(error);
    }
  }
}
