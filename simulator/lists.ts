import type { Kind, Row } from './kinds';
import type { Condition, Filter, ListParams } from './objects';
import type { Session } from './session';

export interface ListAnswer {
  object: 'list';
  data: object[];
  has_more: boolean;
  url: string;
}

/** One page of a kind, each row in the shape Stripe answers. */
export function answerList<K extends Kind>(
  session: Session,
  kind: K,
  url: string,
  params: ListParams,
  render: (session: Session, row: Row<K>) => object,
  filters: Filter[] = [],
  condition?: Condition,
): ListAnswer {
  const { rows, hasMore } = session.objects.page(session.account, kind, params, filters, condition);
  return { object: 'list', data: rows.map((row) => render(session, row)), has_more: hasMore, url };
}

/** The filters a caller gave, of those a list knows. */
export function filtersFrom(params: object, names: readonly string[]): Filter[] {
  const given = params as Record<string, unknown>;
  return names.flatMap((field) => {
    const value = given[field];
    return typeof value === 'string' || typeof value === 'number' ? [{ field, values: [value] }] : [];
  });
}
