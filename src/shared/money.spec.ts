import fc from 'fast-check';
import { add, CurrencyMismatch, formatMoney, min, money, subtract } from './money';

const amounts = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });

describe('money', () => {
  it('takes back what it added, exactly', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        expect(subtract(add(money(a, 'usd'), money(b, 'usd')), money(b, 'usd'))).toEqual(money(a, 'usd'));
      }),
    );
  });

  it('refuses to combine two currencies', () => {
    expect(() => add(money(1n, 'usd'), money(1n, 'eur'))).toThrow(CurrencyMismatch);
    expect(() => subtract(money(1n, 'usd'), money(1n, 'eur'))).toThrow(CurrencyMismatch);
    expect(() => min(money(1n, 'usd'), money(1n, 'eur'))).toThrow(CurrencyMismatch);
  });

  it('writes every amount so that its digits give the amount back', () => {
    fc.assert(
      fc.property(amounts, (amountMinor) => {
        const [digits] = formatMoney(money(amountMinor, 'gbp')).split(' ');
        expect(BigInt(digits!.replace('.', ''))).toBe(amountMinor);
      }),
    );
  });

  it('writes amounts below one unit with their sign', () => {
    expect(formatMoney(money(-5n, 'eur'))).toBe('-0.05 EUR');
    expect(formatMoney(money(250_00n, 'usd'))).toBe('250.00 USD');
  });
});
