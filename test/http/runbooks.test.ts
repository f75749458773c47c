import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestApp, TestApp } from '../support/app';
import { openApiDocument, operationsOf } from '../support/open-api';
import { call } from './client';

const root = join(__dirname, '../..');
const pages = [...globSync('docs/**/*.md', { cwd: root }), 'README.md', 'client/README.md'].sort();
const textOf = (page: string) => readFileSync(join(root, page), 'utf8');

/** One line of a shell block. */
interface Command {
  readonly page: string;
  readonly line: string;
}

const commands: Command[] = pages.flatMap((page) =>
  [...textOf(page).matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].flatMap(([, block]) =>
    block!
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)
      .map((line) => ({ page, line })),
  ),
);
const requests = commands.filter(({ line }) => line.startsWith('curl ') && line.includes('$DISBURSE'));

function partsOf({ line }: Command) {
  return {
    method: / -X (\w+)/.exec(line)?.[1] ?? 'GET',
    address: /"\$DISBURSE([^"]*)"/.exec(line)![1]!,
    role: /Bearer \$(?:ANOTHER_)?(\w+)/.exec(line)?.[1]?.toLowerCase() as keyof TestApp['keys'] | undefined,
    body: / -d '([^']*)'/.exec(line)?.[1],
  };
}

describe('a command in the documents', () => {
  it('is there for each of the ten incidents', () => {
    const runbooks = pages.filter((page) => page.startsWith('docs/runbooks/') && !page.endsWith('README.md'));

    expect(runbooks).toHaveLength(10);
    for (const page of runbooks) {
      expect({ page, commands: commands.some((command) => command.page === page) }).toMatchObject({ commands: true });
      for (const heading of ['**For the money.**', '**Over when**']) expect(textOf(page)).toContain(heading);
      expect(textOf('docs/runbooks/README.md')).toContain(`](${page.split('/').at(-1)})`);
    }
  });

  it('names a script that exists', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const named = pages.flatMap((page) =>
      [...textOf(page).matchAll(/npm run ([a-z][\w:]*)/g)].map(([, script]) => ({ page, script: script! })),
    );

    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
  });

  it('names a shell command that exists', () => {
    const cli = textOf('src/cli.ts');
    const named = pages.flatMap((page) => [...textOf(page).matchAll(/cli\.js ([a-z-]+)/g)].map(([, name]) => name!));

    expect(
      named.filter((name) => name !== 'help' && !cli.includes(`${name}: {`) && !cli.includes(`'${name}': {`)),
    ).toEqual([]);
  });

  it('names metrics that exist', () => {
    const source = globSync('src/**/*.ts', { cwd: root }).map(textOf).join();
    const named = new Set(pages.flatMap((page) => textOf(page).match(/\bdisburse_[a-z_]+/g) ?? []));
    // `…_count` and the like are Prometheus's own endings.
    const base = (name: string) => name.replace(/_(count|sum|bucket)$/, '');

    expect([...named].filter((name) => !source.includes(`'${base(name)}'`))).toEqual([]);
  });

  it('links only to pages that exist', () => {
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(((?!https?:|#)[^)#]+)[^)]*\)/g)]
        .map(([, target]) => join(page, '..', target!))
        .filter((target) => globSync(target.replace(/\/$/, ''), { cwd: root }).length === 0)
        .map((target) => `${page} → ${target}`),
    );

    expect(broken).toEqual([]);
  });

  it('asks for paths that the document has', () => {
    const known = operationsOf(openApiDocument()).map(
      ({ method, path }) => [method, new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)] as const,
    );

    expect(requests.length).toBeGreaterThan(30);
    for (const request of requests) {
      const { method, address } = partsOf(request);
      const path = address.split('?')[0]!;
      if (path === '/metrics') continue;
      expect({ ...request, found: known.some((each) => each[0] === method && each[1].test(path)) }).toMatchObject({
        found: true,
      });
    }
  });
});

describe('a request in the runbooks', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ roles: new Set(['api']) });
  });
  afterAll(() => app.stop());

  it('is answered as it is written, with the key it names', async () => {
    for (const request of requests) {
      const { method, address, role, body } = partsOf(request);
      const answer = await call(app, method, address.replace(/\$\w+/g, 'nothing_here'), {
        key: role && app.keys[role],
        ...(body === undefined ? {} : { body: JSON.parse(body) as unknown }),
      });

      // There is nothing with that id here; everything else about the request is right.
      const isFine =
        answer.status < 300 ||
        (answer.status === 404 && address.includes('$') && answer.body.code !== 'route_not_found');
      expect({
        ...request,
        isFine,
        status: answer.status,
        answer: isFine ? null : (answer.body as unknown),
      }).toMatchObject({
        isFine: true,
      });
    }
  });
});
