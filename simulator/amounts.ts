import { badParameter } from './errors';

/** The most that Stripe takes in one movement: the cap of a SEPA credit transfer, 999,999,999.99. */
const amountMax = 99_999_999_999;

/** Positive, and small enough that no sum of them leaves what JavaScript counts exactly. */
export function checkAmount(amount: number, param = 'amount'): void {
  checkNotNegative(amount, param);
  if (amount === 0)
    throw badParameter('This value must be greater than or equal to 1.', param, 'parameter_invalid_integer');
}

/** As above, where nothing is an amount too: a merchant may ask for zero. */
export function checkNotNegative(amount: number, param: string): void {
  if (amount < 0)
    throw badParameter('This value must be greater than or equal to 0.', param, 'parameter_invalid_integer');
  if (amount > amountMax)
    throw badParameter(`This value must be less than or equal to ${amountMax}.`, param, 'amount_too_large');
}
