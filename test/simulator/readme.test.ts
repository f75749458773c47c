import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { controlRoutes } from '../../simulator/control';
import { routes } from '../../simulator/routes';
import { defaultSettings } from '../../simulator/settings';
import { type Platform, World } from './world';

const root = join(__dirname, '../..');
const readme = readFileSync(join(root, 'simulator/README.md'), 'utf8');

interface Row {
  route: string;
  verdict: string;
  note: string;
}

/** Rows of the tables under "Route by route". */
const rows: Row[] = [...readme.matchAll(/^\| `((?:GET|POST|DELETE) \/v1[^`]*)`\s*\| (\w+)\s*\| (.*?)\s*\|$/gm)].map(
  ([, route = '', verdict = '', note = '']) => ({ route, verdict, note }),
);

/** What differs in a path from call to call, and how each side names it, does not matter here. */
const shapeOf = (route: string) => route.replaceAll(/:\w+|\$\{[^}]+\}/g, ':');

/** Every request that the pinned package can make, read from its own code. */
function requestsOfThePackage(): string[] {
  const folder = join(root, 'node_modules/stripe/cjs/resources');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));
  const calls = files.flatMap((name) => [
    ...readFileSync(join(folder, name), 'utf8').matchAll(/_makeRequest(?:List)?\(\s*'([A-Z]+)',\s*['`]([^'`]+)['`]/g),
  ]);
  return [...new Set(calls.map(([, method, path]) => `${method} ${path}`))];
}

/** The parts of Stripe that the tables are about: of these they leave nothing out. */
const families =
  /^\w+ \/v1\/(issuing|test_helpers\/issuing|accounts?|account_links|account_sessions|balance|balance_settings|balance_transactions|transfers|topups|payouts|payment_intents|charges|refunds|events|webhook_endpoints|ephemeral_keys)(\/|$)/;

it('has one row for every route, and a route for every row that is not refused', () => {
  const answered = rows.filter(({ verdict }) => verdict !== 'refused').map(({ route }) => route);

  expect(answered.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
});

it('says of each route whether it is faithful, approximated and why, or refused', () => {
  expect(rows.filter(({ verdict }) => !['faithful', 'approximated', 'refused'].includes(verdict))).toEqual([]);
  expect(rows.filter(({ verdict, note }) => verdict === 'approximated' && note === '')).toEqual([]);
});

it('leaves out nothing that the package can ask of these parts of Stripe', () => {
  const asked = requestsOfThePackage().filter((route) => families.test(route));
  const known = new Set(rows.map(({ route }) => shapeOf(route)));

  expect(asked.length).toBeGreaterThan(100);
  expect(asked.filter((route) => !known.has(shapeOf(route)))).toEqual([]);
});

describe('in a running simulator', () => {
  let world: World;
  let platform: Platform;
  beforeAll(async () => {
    world = await World.start();
    platform = world.platform();
  });
  afterAll(() => world.close());

  it.each(rows.filter(({ verdict }) => verdict === 'refused').map(({ route }) => route))(
    '%s is refused',
    async (route) => {
      const [method = '', path = ''] = route.replaceAll(/:\w+/g, 'x_1').split(' ');
      const response = await platform.raw(method, path);

      expect(response.status).toBe(404);
      // Where the path is that of an object's id, the object is what does not exist.
      const { error } = (await response.json()) as { error: { message: string } };
      expect(error.message).toMatch(/^(Unrecognized request URL|No such \w+( \w+)*: 'search')/);
    },
  );
});

it('lists every control, and every setting that it names exists', () => {
  const listed = [...readme.matchAll(/^\| `((?:GET|POST|PATCH|DELETE) \/_simulator[^`]*)`/gm)].map(([, one]) => one);
  expect(listed.sort()).toEqual([...controlRoutes].sort());

  const named = [...readme.matchAll(/\(`(\w+_\w+)`\)/g)].map(([, name = '']) => name);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !(name in defaultSettings))).toEqual([]);
});
