import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { endPrograms, newFolder, Program } from './program';

afterAll(endPrograms);

it('npm run demo tells the main job to its end and sums it up in one sentence', async () => {
  const folder = newFolder('demo');
  const demo = Program.start('demo/demo.js', {}, [], folder);

  const { code } = await demo.ended;

  if (code !== 0) throw new Error(`The demo ended with ${code}. It said:\n${demo.output}`);
  expect(demo.answer.trim().split('\n').at(-1)).toMatch(/^3 payouts, 2 sellers: .+ no open break\. \(\d+ s\)$/);
  expect(existsSync(join(folder, 'demo-output/settlement.csv'))).toBe(true);
}, 180_000);
