/**
 * What a parameter may be. A name ending in "!" is required, a bare shape ending in "?" may be emptied to unset it.
 * Strings: `string`, `integer`, `number`, `decimal`, `boolean`, `range`, `metadata`, `empty`, a generated `choiceN`, or `a|b|c`.
 */
export type Shape = string | { list: Shape } | { fields: Record<string, Shape> } | { map: Shape } | { any: Shape[] };

export type Fields = { fields: Record<string, Shape> };
