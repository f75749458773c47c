import { resolve } from 'node:path';
import * as ts from 'typescript';
import { compile } from './compiler';

/** The parameter types of the pinned `stripe` package that the simulator's routes accept, by their name under `Stripe.`. */
export const parameterTypeNames = [
  ...['Create', 'Retrieve', 'Update', 'List', 'ListCapabilities', 'RetrieveCapability', 'UpdateCapability'].map(
    (verb) => `Account${verb}Params`,
  ),
  ...['CreatePerson', 'RetrievePerson', 'UpdatePerson', 'ListPersons', 'DeletePerson', 'CreateExternalAccount'].map(
    (verb) => `Account${verb}Params`,
  ),
  'AccountListExternalAccountsParams',
  'AccountRetrieveExternalAccountParams',
  'AccountDeleteParams',
  'AccountLinkCreateParams',
  'BalanceRetrieveParams',
  'BalanceTransactionListParams',
  'BalanceTransactionRetrieveParams',
  'ChargeCreateParams',
  'ChargeListParams',
  'ChargeRetrieveParams',
  'EphemeralKeyCreateParams',
  'EphemeralKeyDeleteParams',
  'EventListParams',
  'EventRetrieveParams',
  ...['Create', 'Retrieve', 'Update', 'List'].map((verb) => `Issuing.Cardholder${verb}Params`),
  ...['Create', 'Retrieve', 'Update', 'List'].map((verb) => `Issuing.Card${verb}Params`),
  ...['Retrieve', 'Update', 'List', 'Approve', 'Decline'].map((verb) => `Issuing.Authorization${verb}Params`),
  ...['Retrieve', 'Update', 'List'].map((verb) => `Issuing.Transaction${verb}Params`),
  ...['Create', 'Retrieve', 'Update', 'List', 'Submit'].map((verb) => `Issuing.Dispute${verb}Params`),
  ...['Create', 'Retrieve', 'Update', 'List'].map((verb) => `Issuing.PersonalizationDesign${verb}Params`),
  ...['Retrieve', 'List'].map((verb) => `Issuing.PhysicalBundle${verb}Params`),
  ...['Create', 'Retrieve', 'List', 'Confirm', 'Capture', 'Cancel'].map((verb) => `PaymentIntent${verb}Params`),
  ...['Create', 'Retrieve', 'Update', 'List', 'Cancel', 'Reverse'].map((verb) => `Payout${verb}Params`),
  'RefundRetrieveParams',
  ...['Create', 'Retrieve', 'Update', 'List', 'Cancel'].map((verb) => `Topup${verb}Params`),
  ...['Create', 'Retrieve', 'Update', 'List'].map((verb) => `Transfer${verb}Params`),
  ...['Create', 'Retrieve', 'Update', 'List'].map(
    (verb) => `Transfer${verb}Reversal${verb === 'List' ? 's' : ''}Params`,
  ),
  ...['Create', 'Retrieve', 'Update', 'List', 'Delete'].map((verb) => `WebhookEndpoint${verb}Params`),
].sort();

// The package does not export these by name: they are what its methods take.
const testHelperMethods: Record<string, Record<string, number>> = {
  authorizations: { create: 0, capture: 1, expire: 1, finalizeAmount: 1, increment: 1, respond: 1, reverse: 1 },
  cards: { deliverCard: 1, failCard: 1, returnCard: 1, shipCard: 1, submitCard: 1 },
  personalizationDesigns: { activate: 1, deactivate: 1, reject: 1 },
  transactions: { createForceCapture: 0, createUnlinkedRefund: 0, refund: 1 },
};

const typeExpressions: Record<string, string> = {
  ...Object.fromEntries(parameterTypeNames.map((name) => [name, `Stripe.${name}`])),
  ...Object.fromEntries(
    Object.entries(testHelperMethods).flatMap(([resource, methods]) =>
      Object.entries(methods).map(([method, position]) => [
        `test_helpers.${resource}.${method}`,
        `NonNullable<Parameters<Stripe['testHelpers']['issuing']['${resource}']['${method}']>[${position}]>`,
      ]),
    ),
  ),
};

type Shape = string | { list: Shape } | { fields: Record<string, Shape> } | { map: Shape } | { any: Shape[] };

/** Reads the named types with the TypeScript compiler and writes them as the simulator's parameter table. */
export function generateParameters(root: string): string {
  const entry = resolve(root, 'simulator/parameter-roots.ts');
  const source = [
    "import type Stripe from 'stripe';",
    'export interface Roots {',
    ...Object.entries(typeExpressions).map(([name, type]) => `  '${name}': ${type};`),
    '}',
  ].join('\n');
  const { program, file } = compile(entry, source);
  const checker = program.getTypeChecker();
  const roots = file.statements.find(ts.isInterfaceDeclaration);
  if (!roots) throw new Error('The list of parameter types is empty.');

  const choices = new Map<string, string>();
  const shapes: Record<string, Shape> = {};
  for (const member of checker.getTypeAtLocation(roots).getProperties()) {
    const type = checker.getTypeOfSymbolAtLocation(member, file);
    if (type.flags & ts.TypeFlags.Any) throw new Error(`stripe has no type ${member.name}`);
    shapes[member.name] = shapeOf(type, member.name, checker, choices);
  }
  return write(shapes, choices);
}

function shapeOf(type: ts.Type, name: string, checker: ts.TypeChecker, choices: Map<string, string>): Shape {
  const parts = type.isUnion() ? type.types : [type];
  // The compiler folds '' into string, but null stays: Stripe's Emptyable<T> is null | '' | T.
  const emptyable = parts.some((part) => part.flags & ts.TypeFlags.Null);
  const kept = parts.filter(
    (part) =>
      !(part.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined)) && !(part.isStringLiteral() && part.value === ''),
  );
  const shape = bareShape(kept, name, checker, choices);
  if (!emptyable) return shape;
  return typeof shape === 'string' ? `${shape}?` : { any: [shape, 'empty'] };
}

function bareShape(parts: ts.Type[], name: string, checker: ts.TypeChecker, choices: Map<string, string>): Shape {
  const literals = parts.filter((part) => part.isStringLiteral());
  if (literals.length > 0) {
    const values = literals
      .map((part) => part.value)
      .sort()
      .join(' ');
    const known = choices.get(values) ?? `choice${choices.size}`;
    choices.set(values, known);
    return known;
  }
  if (parts.every((part) => part.flags & ts.TypeFlags.BooleanLike)) return 'boolean';
  const names = parts.map((part) => part.aliasSymbol?.name ?? part.symbol?.name);
  if (names.includes('RangeQueryParam')) return 'range';
  if (names.includes('MetadataParam')) return 'metadata';
  if (parts.length > 1) return { any: parts.map((part) => bareShape([part], name, checker, choices)) };
  const [part] = parts;
  if (!part) throw new Error(`${name} has no type`);
  if (part.flags & ts.TypeFlags.StringLike) return 'string';
  if (part.flags & ts.TypeFlags.NumberLike) return name.startsWith('percent') ? 'number' : 'integer';
  if (names[0] === 'Decimal') return 'decimal';
  if (names[0] === 'FileParam') return 'string';
  if (checker.isArrayType(part)) {
    const [item] = checker.getTypeArguments(part as ts.TypeReference);
    if (!item) throw new Error(`${name} is a list of nothing`);
    return { list: shapeOf(item, name, checker, choices) };
  }
  const index = part.getStringIndexType();
  if (index) return { map: shapeOf(index, name, checker, choices) };
  const fields: Record<string, Shape> = {};
  for (const field of part.getProperties()) {
    const declaration = field.valueDeclaration;
    if (!declaration) continue;
    const optional = (field.flags & ts.SymbolFlags.Optional) !== 0;
    const fieldType = checker.getTypeOfSymbolAtLocation(field, declaration);
    fields[optional ? field.name : `${field.name}!`] = shapeOf(fieldType, field.name, checker, choices);
  }
  return { fields };
}

function write(shapes: Record<string, Shape>, choices: Map<string, string>): string {
  return [
    "// Generated from the types of the pinned `stripe` package by test/simulator/parameter-types.ts. Don't edit: run",
    '// `UPDATE_PARAMETERS=1` with test/simulator/contract.test.ts. A "!" ends a required name, a "?" a value that may be emptied.',
    "import type Stripe from 'stripe';",
    "import type { Shape } from './shape';",
    '',
    '// prettier-ignore',
    'export interface ParameterTypes {',
    ...Object.keys(shapes).map((name) => `  '${name}': ${typeExpressions[name]};`),
    '}',
    '',
    '// prettier-ignore',
    'export const choices: Record<string, string> = {',
    ...[...choices].map(([values, name]) => `  ${name}: ${JSON.stringify(values)},`),
    '};',
    '',
    '// prettier-ignore',
    'export const parameterShapes: Record<keyof ParameterTypes, Shape> = {',
    ...Object.entries(shapes).map(([name, shape]) => `  '${name}': ${JSON.stringify(shape)},`),
    '};',
    '',
  ].join('\n');
}
