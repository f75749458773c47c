// The order money travels. A folder may import only folders written above it.
const foundation = ['shared', 'platform', 'stripe'];
const modules = [
  'webhook-inbox',
  'webhook-outbox',
  'ledger',
  'connected-accounts',
  'cardholders',
  'funding-transfers',
  'card-issuance',
  'payout-limits',
  'payouts',
  'payout-batches',
  'authorization-decisions',
  'authorizations',
  'card-transactions',
  'disputes',
  'aftercare',
  'card-links',
  'card-page-texts',
  'card-pages',
  'card-reveals',
  'data-retention',
  'reconciliation',
  'reports',
  'analytics',
  'console',
];
const floors = [...foundation, ...modules];

const callsGoDown = floors.slice(0, -1).map((floor, i) => ({
  name: `${floor}-imports-a-later-floor`,
  severity: 'error',
  from: { path: `^src/${floor}/` },
  to: { path: `^src/(${floors.slice(i + 1).join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...callsGoDown,
    {
      name: 'unlisted-folder',
      severity: 'error',
      comment: 'A new folder under src belongs in the list above, at its floor.',
      from: { path: '^src/', pathNot: `^src/(${floors.join('|')})/|^src/[^/]+\\.ts$` },
      to: {},
    },
    {
      name: 'private-room',
      severity: 'error',
      comment: 'Enter a module by its public files.',
      from: { path: '^src/([^/]+)/' },
      to: {
        path: `^src/(${modules.join('|')})/`,
        pathNot: ['^src/$1/', '\\.(module|service|events|errors|types|decorator)\\.ts$'],
      },
    },
    {
      name: 'one-door-to-stripe',
      severity: 'error',
      from: { pathNot: '^(src/stripe|test|simulator)/' },
      to: { path: 'node_modules/stripe/' },
    },
    {
      name: 'shared-is-pure',
      severity: 'error',
      from: { path: '^src/shared/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: '^(src/shared/|node_modules/ulid/|(node:)?(crypto|assert)$)' },
    },
    {
      name: 'simulator-apart',
      severity: 'error',
      comment: 'Stripe and its client do not share code.',
      from: { path: '^(src|demo)/' },
      to: { path: '^simulator/' },
    },
    { name: 'src-apart', severity: 'error', from: { path: '^(simulator|demo)/' }, to: { path: '^src/' } },
    {
      name: 'nobody-imports-the-roof',
      severity: 'error',
      from: { path: '^src/[^/]+/' },
      to: { path: '^src/[^/]+\\.ts$' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
