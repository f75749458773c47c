import { assertLegalMove, checkTransitions, IllegalMove, TransitionTable } from './transitions';

type Light = 'red' | 'green' | 'broken';
const lights: TransitionTable<Light> = { red: ['green', 'broken'], green: ['red', 'broken'], broken: [] };

describe('transitions', () => {
  it('accepts a table in which every status can be reached', () => {
    expect(() => checkTransitions(lights, 'red')).not.toThrow();
  });

  it('names a status that nothing leads to', () => {
    expect(() => checkTransitions({ ...lights, red: ['green'], green: ['red'] }, 'red')).toThrow(/broken/);
  });

  it('names a target that is no status', () => {
    expect(() => checkTransitions({ red: ['blue'] } as never, 'red' as never)).toThrow(/blue/);
  });

  it('refuses a move that is not in the table', () => {
    expect(() => assertLegalMove(lights, 'The light', 'broken', 'red')).toThrow(IllegalMove);
    expect(() => assertLegalMove(lights, 'The light', 'red', 'green')).not.toThrow();
  });
});
