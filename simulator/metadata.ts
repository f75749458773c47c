import { badParameter } from './errors';

const keysMax = 50;

export type Metadata = Record<string, string>;

/** Keys given are set, keys given empty are removed, the rest stays; an empty value for all of it clears it. @throws {ApiError} above 50 keys */
export function mergedMetadata(
  current: Metadata | null,
  change: Record<string, string | number | null> | '' | null | undefined,
): Metadata {
  if (change === undefined) return current ?? {};
  if (change === '' || change === null) return {};
  const merged: Metadata = { ...current };
  for (const [key, value] of Object.entries(change)) {
    if (value === '' || value === null) delete merged[key];
    else merged[key] = String(value);
  }
  if (Object.keys(merged).length > keysMax) {
    throw badParameter(`Metadata can have up to ${keysMax} keys.`, 'metadata');
  }
  return merged;
}
