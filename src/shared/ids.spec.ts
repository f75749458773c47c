import { idPrefixes, newId } from './ids';

describe('ids', () => {
  const many = Array.from({ length: 20_000 }, () => newId(idPrefixes.payout));

  it('are a prefix and a ULID', () => {
    for (const id of many) expect(id).toMatch(/^payout_[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  });

  it('sort in the order they were made, and never come twice', () => {
    expect([...new Set(many)].sort()).toEqual(many);
  });

  it('are random where the time has moved on', async () => {
    const tails = new Set<string>();
    for (let at = 0; at < 20; at += 1) {
      tails.add(newId(idPrefixes.payout).slice(-16));
      await new Promise((done) => setTimeout(done, 2));
    }

    const letters = [0, 5, 10, 15].map((place) => new Set([...tails].map((tail) => tail[place])).size);
    expect(Math.min(...letters)).toBeGreaterThan(5);
  });
});
