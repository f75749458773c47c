import { isStripeCategory, stripeCategories } from './stripe-categories';

describe('merchant categories', () => {
  it('are those of the SDK, each once', () => {
    expect(new Set(stripeCategories).size).toBe(stripeCategories.length);
    expect(stripeCategories.length).toBeGreaterThan(290);
  });

  it('refuse what is not among them', () => {
    expect(isStripeCategory('taxicabs_limousines')).toBe(true);
    expect(isStripeCategory('single_use')).toBe(false);
    expect(isStripeCategory('constructor')).toBe(false);
  });
});
