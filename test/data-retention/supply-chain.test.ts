import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '../..');

function run(script: string, args: string[] = [], path = process.env['PATH']!) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'scripts', script), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  });
  return { status, output: stdout + stderr };
}

describe('licences', () => {
  it('of all production dependencies are permissive', () => {
    const { status, output } = run('licences.mjs');

    expect({ status, refused: output.match(/^not on the list.*$/gm) }).toEqual({ status: 0, refused: null });
    expect(output).toMatch(/^MIT +fastify@/m);
    expect(Number(/^(\d+) production dependencies/m.exec(output)![1])).toBeGreaterThan(100);
  });

  it('that are not on the list are named, wherever they are said', () => {
    const folder = mkdtempSync(join(tmpdir(), 'licences-'));
    const packages: Record<string, object> = {
      'node_modules/copyleft': { version: '1.0.0', license: 'MIT' },
      'node_modules/choice': { version: '1.0.0', license: '(GPL-3.0 OR MIT)' },
      'node_modules/both': { version: '1.0.0', license: 'MIT AND GPL-3.0' },
      'node_modules/silent': { version: '1.0.0' },
      'node_modules/for-tests': { version: '1.0.0', license: 'GPL-3.0', dev: true },
    };
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages }));
    mkdirSync(join(folder, 'node_modules/copyleft'), { recursive: true });
    writeFileSync(join(folder, 'node_modules/copyleft/package.json'), JSON.stringify({ license: 'AGPL-3.0' }));

    const { status, output } = run('licences.mjs', [folder]);

    expect(status).toBe(1);
    expect(output.match(/^not on the list: .*$/gm)).toEqual([
      'not on the list: both (MIT AND GPL-3.0)',
      'not on the list: copyleft (AGPL-3.0)',
      'not on the list: silent (none stated)',
    ]);
  });
});

describe('the audit for known vulnerabilities', () => {
  /** An npm that says what the test wants. */
  function withNpm(says: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'npm-'));
    writeFileSync(join(folder, 'npm'), `#!/bin/sh\ncat <<'END'\n${says}\nEND\nexit 1\n`);
    chmodSync(join(folder, 'npm'), 0o755);
    return `${folder}:${process.env['PATH']}`;
  }

  it.each([
    [
      'the registry refuses',
      JSON.stringify({ message: '405 Method Not Allowed' }),
      2,
      /does not answer.*405[^]*Nothing is known/,
    ],
    ['npm breaks', 'npm ERR! oh', 2, /does not answer/],
    [
      'all is well',
      JSON.stringify({ vulnerabilities: {}, metadata: { vulnerabilities: { total: 0 } } }),
      0,
      /^0 known/,
    ],
    [
      'something is known',
      JSON.stringify({
        vulnerabilities: { pg: { name: 'pg', severity: 'high', range: '<9' } },
        metadata: { vulnerabilities: { total: 1 } },
      }),
      1,
      /^high +pg <9\n1 known/,
    ],
  ])('says plainly when %s', (_what, says, status, output) => {
    const answer = run('audit.mjs', [], withNpm(says));

    expect(answer.status).toBe(status);
    expect(answer.output).toMatch(output);
  });
});
