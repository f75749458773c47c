import { Column, ColumnOptions } from 'typeorm';

/** A bigint column in minor units: `bigint` in TypeScript, though the driver hands over text. */
export function MinorColumn(options: ColumnOptions = {}): PropertyDecorator {
  return Column({
    ...options,
    type: 'bigint',
    transformer: {
      to: (value: bigint | null | undefined) => value?.toString() ?? value,
      from: (value: string | null) => (value === null ? null : BigInt(value)),
    },
  });
}
